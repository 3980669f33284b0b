// SPDX-License-Identifier: Apache-2.0

import Verification

/// A correct driver and a correct engine, who do random things; one mistake can be asked for.
struct SanitizerSimulation {
  enum Mistake: CaseIterable {
    case ignoredInvalidation
    case lateInvalidation
    case strayAddress
    case masterAbort
    case wrongPath
    case leakedMapping
    case keptPage
    case earlyRelease
    case doubleRelease
    case unansweredFault
    case lostFence
    case unseenFence
    case swappedFences
    case lostLine
    case brokenLine

    var kind: SanitizerFinding.Kind {
      switch self {
      case .ignoredInvalidation: .useAfterRevoke
      case .lateInvalidation: .lateAcknowledgment
      case .strayAddress, .masterAbort: .strayAccess
      case .wrongPath: .wrongPath
      case .leakedMapping, .keptPage: .leakedMapping
      case .earlyRelease, .doubleRelease: .wrongRelease
      case .unansweredFault: .unansweredFault
      case .lostFence, .unseenFence: .lostFence
      case .swappedFences: .fenceOutOfOrder
      case .lostLine, .brokenLine: .logDamaged
      }
    }
  }

  private struct Page {
    var frame: UInt64
    var gen: UInt64
  }

  private struct Space {
    var isBound = false
    var isStuck = false
    var gen: UInt64 = 1
    var fence: UInt64 = 0
    var sequence: UInt64 = 0
    var tables: [UInt64: Page] = [:]
    var buffer: [UInt64: Page] = [:]
  }

  private static let first: UInt64 = 0x7F12_3456_0000
  private static let pages: UInt64 = 48

  private(set) var scene = Scene()
  private(set) var isMade = false
  private var random: SeededGenerator
  private var mistake: Mistake?
  private var index: UInt32 = 0xFFFF_FFF0
  private var spaces = Array(repeating: Space(), count: 4)

  init(seed: UInt64, mistake: Mistake? = nil, steps: Int = 300) {
    random = SeededGenerator(state: seed)
    self.mistake = mistake
    scene.window(.memory)
    for step in 0..<steps {
      if step == steps / 3 { manyGenerations() }
      let space = Int.random(in: 0..<spaces.count, using: &random)
      let isTime = !isMade && step > steps / 2
      if !spaces[space].isBound {
        open(space)
        continue
      }
      if spaces[space].isStuck { continue }
      switch Int.random(in: 0..<20, using: &random) {
      case 0: close(space, isTime)
      case 1 where step % 4 == 0: reset()
      case 2..<7: revoke(space, isTime)
      default: command(space, isTime)
      }
    }
    for space in spaces.indices where spaces[space].isBound && !spaces[space].isStuck {
      close(space, false)
    }
  }

  /// Makes the mistake if it is this one's turn.
  private mutating func makes(_ wanted: Mistake, _ isTime: Bool) -> Bool {
    guard isTime, !isMade, mistake == wanted else { return false }
    isMade = true
    return true
  }

  private mutating func open(_ space: Int) {
    scene.bind(space)
    spaces[space] = Space()
    spaces[space].isBound = true
  }

  private mutating func close(_ space: Int, _ isTime: Bool) {
    if Bool.random(using: &random) {
      // Killed: a command is forgotten.
      spaces[space].fence += 1
      scene.submit(spaces[space].fence, space: space)
    }
    if let page = scene.live[space]?.min(), makes(.keptPage, isTime) {
      scene.live[space]?.remove(page)
    }
    scene.unbind(space)
    spaces[space].isBound = false
    if makes(.leakedMapping, isTime) {
      scene.map(space, va: Self.first, frame: 0x5000, gen: spaces[space].gen)
    }
  }

  private mutating func reset() {
    guard !spaces.contains(where: \.isStuck) else { return }
    scene.reset()
    for space in spaces.indices { spaces[space].isBound = false }
  }

  /// More invalidations than a page-table entry has generations, of pages that nobody uses.
  private mutating func manyGenerations() {
    guard let space = spaces.indices.filter({ spaces[$0].isBound }).randomElement(using: &random)
    else { return }
    for _ in 0..<Int.random(in: 4000...4200, using: &random) {
      invalidate(space, 0x1000..<0x2000)
    }
  }

  private mutating func invalidate(_ space: Int, _ range: Range<UInt64>, lag: Bool = false) {
    let length = range.upperBound - range.lowerBound
    scene.invalidate(
      space, va: range.lowerBound, length: length, gen: spaces[space].gen, index: index)
    spaces[space].gen += 1
    if lag {
      // Until the engine has heard of it, it may use what it has, and what is newer.
      for page in range.pages { touch(space, page) }
    }
    scene.acknowledged(
      space, va: range.lowerBound, length: length, gen: spaces[space].gen - 1, index: index)
    index &+= 1
  }

  private mutating func touch(_ space: Int, _ page: UInt64) {
    guard let entry = spaces[space].buffer[page] else { return }
    scene.access(
      space, fence: spaces[space].fence + 1, va: page, bus: entry.frame,
      write: Bool.random(using: &random), gen: entry.gen)
  }

  private mutating func revoke(_ space: Int, _ isTime: Bool) {
    let known = spaces[space].buffer.keys.sorted()
    guard let page = known.randomElement(using: &random) else { return }
    let range = page..<(page + 4096 * UInt64.random(in: 1...8, using: &random))
    let mapped = range.pages.filter { spaces[space].tables.removeValue(forKey: $0) != nil }
    let isEarly = !mapped.isEmpty && makes(.earlyRelease, isTime)
    let acknowledged = index
    invalidate(space, range, lag: Bool.random(using: &random))
    for page in mapped {
      scene.unmap(space, va: page, tail: acknowledged &+ (isEarly ? 0 : 1))
      if makes(.doubleRelease, isTime) {
        scene.unmap(space, va: page, tail: acknowledged &+ 1)
      }
    }
    if makes(.ignoredInvalidation, isTime) { return touch(space, page) }
    let isLate = makes(.lateInvalidation, isTime)
    if isLate { touch(space, page) }
    for page in range.pages { spaces[space].buffer[page] = nil }
    if isLate { use(space, page, false) }
  }

  private mutating func command(_ space: Int, _ isTime: Bool) {
    spaces[space].fence += 1
    let fence = spaces[space].fence
    scene.submit(fence, space: space)
    spaces[space].fence -= 1
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let number = UInt64.random(in: 0..<Self.pages, using: &random)
      use(space, Self.first + number * 4096, isTime)
      if spaces[space].isStuck { return }
    }
    spaces[space].fence = fence
    if makes(.swappedFences, isTime) {
      scene.submit(fence + 1, space: space)
      scene.signalled(fence + 1, space: space)
      scene.signalled(fence, space: space)
      scene.complete(fence, space: space)
      scene.complete(fence + 1, space: space)
      spaces[space].fence += 1
      return
    }
    if makes(.lostFence, isTime) {
      scene.command(fence + 1, space: space)
      scene.complete(fence, space: space)
      spaces[space].fence += 1
      return
    }
    scene.signalled(fence, space: space)
    if makes(.unseenFence, isTime) { return scene.wait(2) }
    scene.complete(fence, space: space)
  }

  /// The engine uses a page, and faults if it has to.
  private mutating func use(_ space: Int, _ page: UInt64, _ isTime: Bool) {
    if spaces[space].buffer[page] == nil, spaces[space].tables[page] == nil {
      spaces[space].sequence += 1
      let sequence = spaces[space].sequence
      scene.raised(space, seq: sequence, va: page, fence: spaces[space].fence + 1)
      if makes(.unansweredFault, isTime) {
        spaces[space].isStuck = true
        return
      }
      map(space, page, isTime)
      scene.answer(space, seq: sequence, va: page)
      scene.replied(space, seq: sequence)
    }
    let entry = spaces[space].buffer[page] ?? spaces[space].tables[page] ?? Page(frame: 0, gen: 0)
    spaces[space].buffer[page] = entry
    var bus = entry.frame
    if makes(.strayAddress, isTime) { bus ^= 0x1000 }
    let isDirect = bus >= Scene.nvme
    let aborts = makes(.masterAbort, isTime)
    scene.access(
      space, fence: spaces[space].fence + 1, va: page, bus: bus,
      write: Bool.random(using: &random), port: aborts ? "none" : isDirect ? "bar" : "memory",
      gen: entry.gen)
    if makes(.lostLine, isTime) { scene.log.append("") }
    if makes(.brokenLine, isTime) {
      scene.log[scene.log.count - 1].removeLast()
    }
  }

  private mutating func map(_ space: Int, _ page: UInt64, _ isTime: Bool) {
    let frame = UInt64.random(in: 0x1000..<0x3_0000, using: &random) * 4096
    let isDirect = makes(.wrongPath, isTime)
    let start = isDirect ? Scene.nvme + 0x4000 : frame
    let count: UInt64 = isDirect ? 1 : UInt64.random(in: 1...4, using: &random)
    var pages = 0
    let gen = spaces[space].gen
    while pages < count {
      let next = page + UInt64(pages) * 4096
      guard spaces[space].tables[next] == nil, spaces[space].buffer[next] == nil else { break }
      spaces[space].tables[next] = Page(frame: start + UInt64(pages) * 4096, gen: gen)
      pages += 1
    }
    scene.map(
      space, va: page, pages: pages, frame: start, gen: gen,
      source: isDirect ? "direct" : "fallback")
  }

  /// The log, without a line that was lost on purpose but for its number.
  var logText: String {
    scene.logText.split(separator: "\n", omittingEmptySubsequences: true).joined(separator: "\n")
  }

  var report: SanitizerReport { scene.report(logText) }
}

extension Range<UInt64> {
  fileprivate var pages: StrideTo<UInt64> { stride(from: lowerBound, to: upperBound, by: 4096) }
}
