// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU
import Glibc

/// Moves the data of the runs that were translated: from mapping to mapping where both sides are
/// mapped, else through a buffer. Used by one engine thread, while it is in the gate.
struct DataMover {
  var sources: [Access] = []
  var targets: [Access] = []
  private let context: DeviceContext
  private var ports = PortTable([])
  var pieces = PieceList()
  let bounce: BounceBuffers
  /// A run whose data is to have a wrong bit, and on which side.
  private(set) var flip: (isSource: Bool, index: Int, bit: UInt64)?

  /// Of the command's payload, if it is to have one.
  var digest: PayloadDigest?

  init(context: DeviceContext) {
    self.context = context
    bounce = BounceBuffers()
    sources.reserveCapacity(260)
    targets.reserveCapacity(260)
  }

  /// Begins anew, without runs.
  mutating func begin(_ ports: PortTable) {
    self.ports = ports
    sources.removeAll(keepingCapacity: true)
    targets.removeAll(keepingCapacity: true)
  }

  /// Whether all runs are in memory that is mapped here.
  var isMapped: Bool {
    sources.allSatisfy { $0.pointer != nil } && targets.allSatisfy { $0.pointer != nil }
  }

  /// Leaves the first `count` bytes of each side.
  mutating func cut(to count: Int) {
    Self.cut(&sources, to: count)
    Self.cut(&targets, to: count)
  }

  private static func cut(_ accesses: inout [Access], to count: Int) {
    var left = count
    var kept = 0
    while kept < accesses.count, left > 0 {
      accesses[kept].length = min(accesses[kept].length, left)
      left -= accesses[kept].length
      kept += 1
    }
    accesses.removeLast(accesses.count - kept)
  }

  /// Records the runs in the access log, wounded by fault injection if that is on.
  ///
  /// - Parameter access: what is done with the targets.
  /// - Returns: whether the DMA is to fail.
  mutating func prepare(_ space: UInt32, fence: UInt64, access: AccessKind) -> Bool {
    var fails = false
    flip = nil
    if context.injection.isActive {
      for index in sources.indices {
        sources[index] = wounded(sources[index], true, index, &fails)
      }
      for index in targets.indices {
        targets[index] = wounded(targets[index], false, index, &fails)
      }
    }
    if !sources.isEmpty {
      context.log.dma(space, fence: fence, sources, write: false)
      context.statistics.count(sources, .read)
    }
    if !targets.isEmpty {
      context.log.dma(space, fence: fence, targets, write: access != .read)
      context.statistics.count(targets, access)
    }
    return fails
  }

  // MARK: Commands

  /// COPY: the sources' bytes to the targets.
  mutating func copy() throws(DMAError) {
    guard digest == nil else { return try copyWithDigest() }
    pieces.pair(sources, targets)
    for piece in ordered() {
      let source = sources[piece.source]
      let target = targets[piece.target]
      if let from = source.pointer, let to = target.pointer {
        memmove(to + piece.targetOffset, from + piece.sourceOffset, piece.count)
      } else if let from = source.pointer {
        try write(
          target, piece.targetOffset,
          UnsafeRawBufferPointer(start: from + piece.sourceOffset, count: piece.count))
      } else if let to = target.pointer {
        try read(
          source, piece.sourceOffset,
          UnsafeMutableRawBufferPointer(start: to + piece.targetOffset, count: piece.count))
      } else {
        let buffer = bounce.first(piece.count)
        try read(source, piece.sourceOffset, buffer)
        try write(target, piece.targetOffset, UnsafeRawBufferPointer(buffer))
      }
    }
    try flipTarget()
  }

  /// FILL: the pattern's bytes in turn, the first run's beginning at byte `phase` of them.
  mutating func fill(_ pattern: UInt64, phase: UInt64) throws(DMAError) {
    guard digest == nil else { return try fillWithDigest(pattern, phase: phase) }
    pieces.list(targets)
    for piece in ordered() {
      let target = targets[piece.target]
      let turned = Self.turned(pattern, by: phase &+ UInt64(truncatingIfNeeded: piece.at))
      if let to = target.pointer {
        ByteLoops.fill(
          UnsafeMutableRawBufferPointer(start: to + piece.targetOffset, count: piece.count), turned)
      } else {
        let buffer = bounce.first(piece.count)
        ByteLoops.fill(buffer, turned)
        try write(target, piece.targetOffset, UnsafeRawBufferPointer(buffer))
      }
    }
    try flipTarget()
  }

  /// The pattern from its byte `phase` on, modulo 8.
  static func turned(_ pattern: UInt64, by phase: UInt64) -> UInt64 {
    let start = 8 &* (phase & 7)
    return pattern &>> start | (start == 0 ? 0 : pattern &<< (64 &- start))
  }

  /// CRC32C: continues `checksum` with the sources' bytes.
  mutating func checksum(_ checksum: UInt32) throws(DMAError) -> UInt32 {
    guard digest == nil else { return try checksumWithDigest(checksum) }
    var checksum = checksum
    if context.injection.strikes(.tearDMA) {
      pieces.list(sources)
      let buffer = bounce.first(pieces.count)
      for piece in pieces.torn(seed: context.injection.random()) {
        let part = UnsafeMutableRawBufferPointer(
          rebasing: buffer[piece.at..<piece.at + piece.count])
        try read(sources[piece.source], piece.sourceOffset, part)
      }
      checksum = crossbar_crc32c(checksum, buffer.baseAddress, buffer.count)
    } else {
      for source in sources {
        if let from = source.pointer {
          checksum = crossbar_crc32c(checksum, from, source.length)
        } else {
          let buffer = bounce.first(source.length)
          try read(source, 0, buffer)
          checksum = crossbar_crc32c(checksum, buffer.baseAddress, buffer.count)
        }
      }
    }
    if let flip { checksum ^= 1 &<< UInt32(flip.bit & 31) }
    return checksum
  }

  /// COMPARE: bytes before the first difference of sources and targets, nil if there is none.
  mutating func compare() throws(DMAError) -> Int? {
    guard digest == nil else { return try compareWithDigest() }
    if let flip {
      // A wrong bit on either side is a difference where it is.
      let before = (flip.isSource ? sources : targets)[..<flip.index].reduce(0) { $0 + $1.length }
      return before + Int(flip.bit / 8)
    }
    pieces.pair(sources, targets)
    for piece in pieces.all {
      let left = try reading(sources[piece.source], piece.sourceOffset, piece.count, bounce.first)
      let right = try reading(targets[piece.target], piece.targetOffset, piece.count, bounce.second)
      if let found = ByteLoops.difference(left, right, piece.count) { return piece.at + found }
    }
    return nil
  }

  /// ATOMIC: what was at the target before.
  mutating func atomic(_ operation: AtomicOperation) throws(DMAError) -> UInt64 {
    guard targets.count == 1, let target = targets.first, target.length == operation.width else {
      throw DMAError("An atomic operation goes to two ports")
    }
    if let pointer = target.pointer {
      let before = operation.perform(at: pointer)
      try flipTarget()
      return before
    }
    let result: Result<UInt64, DMAError> = context.busAtomics.withLock { _ in
      Result { () throws(DMAError) in
        let buffer = bounce.first(8)
        buffer.storeBytes(of: 0, as: UInt64.self)
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<operation.width])
        try read(target, 0, part)
        let before = UInt64(littleEndian: buffer.load(as: UInt64.self))
        if let after = operation.result(of: before) {
          buffer.storeBytes(of: after.littleEndian, as: UInt64.self)
          try write(target, 0, UnsafeRawBufferPointer(part))
        }
        return before
      }
    }
    return try result.get()
  }

  // MARK: Injected faults

  func ordered() -> [PieceList.Piece] {
    context.injection.strikes(.tearDMA)
      ? pieces.torn(seed: context.injection.random()) : pieces.all
  }

  private mutating func wounded(
    _ access: Access, _ isSource: Bool, _ index: Int, _ fails: inout Bool
  ) -> Access {
    var access = access
    let injection = context.injection
    if injection.strikes(.failDMA) { fails = true }
    if injection.strikes(.flipBit) {
      flip = (isSource, index, injection.random() % (UInt64(access.length) &* 8))
    }
    if injection.strikes(.strayAddress) {
      // Beyond what any machine here has; the low bits stay, so that the finding is recognised.
      access.bus ^= 1 << 50
      access.logged = access.bus
      access.pointer = nil
      access.port = -1
      access.kind = .none
      access.loggedKind = .none
    }
    if injection.strikes(.wrongPath) { mislead(&access) }
    return access
  }

  /// System memory is reached by the bus master instead of directly: the same bytes on another way.
  /// Where there is none, or for anything else, only the log says so.
  private func mislead(_ access: inout Access) {
    if access.kind == .memory, let bus = ports.bus {
      access.pointer = nil
      access.port = bus
      access.kind = .bus
      access.loggedKind = .bus
    } else {
      access.loggedKind = access.kind == .memory ? .bar : .memory
    }
  }

  private func flipTarget() throws(DMAError) {
    guard let flip else { return }
    // A wrong bit that was read arrives at the same place of the target.
    var at = Int(flip.bit / 8)
    if flip.isSource { at += sources[..<flip.index].reduce(0) { $0 + $1.length } }
    var index = flip.isSource ? 0 : flip.index
    while flip.isSource, targets.indices.contains(index), at >= targets[index].length {
      at -= targets[index].length
      index += 1
    }
    guard targets.indices.contains(index), at < targets[index].length else { return }
    let byte = bounce.second(1)
    try read(targets[index], at, byte)
    byte[0] ^= 1 << UInt8(flip.bit & 7)
    try write(targets[index], at, UnsafeRawBufferPointer(byte))
  }

  // MARK: Bytes

  private func reading(
    _ access: Access, _ offset: Int, _ count: Int,
    _ buffer: (Int) -> UnsafeMutableRawBufferPointer
  ) throws(DMAError) -> UnsafeRawPointer? {
    if let pointer = access.pointer { return UnsafeRawPointer(pointer + offset) }
    let buffer = buffer(count)
    try read(access, offset, buffer)
    return buffer.baseAddress.map { UnsafeRawPointer($0) }
  }

  func read(
    _ access: Access, _ offset: Int, _ target: UnsafeMutableRawBufferPointer
  ) throws(DMAError) {
    if let from = access.pointer, let to = target.baseAddress {
      memmove(to, from + offset, target.count)
    } else {
      let address = access.bus &+ UInt64(truncatingIfNeeded: offset)
      try ports.read(address, port: access.port, into: target)
    }
  }

  func write(
    _ access: Access, _ offset: Int, _ source: UnsafeRawBufferPointer
  ) throws(DMAError) {
    if let to = access.pointer, let from = source.baseAddress {
      memmove(to + offset, from, source.count)
    } else {
      let address = access.bus &+ UInt64(truncatingIfNeeded: offset)
      try ports.write(address, port: access.port, from: source)
    }
  }
}
