// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc

/// Runs the commands of one address space, on its engine thread.
struct CommandRunner {
  /// Bytes of a range that are translated and moved while the gate is held, at most: some hundred
  /// microseconds, which an invalidation may have to wait.
  static let runSize = 1 << 20
  /// The same where a port without mapping is among them: about a millisecond.
  private static let slowRunSize = 256 << 10

  let space: AddressSpace
  let context: DeviceContext
  var mover: DataMover
  /// The last run's: pages beyond it are not to be marked as written before their time.
  private var runSize = Self.runSize

  init(space: AddressSpace, context: DeviceContext) {
    self.space = space
    self.context = context
    mover = DataMover(context: context)
  }

  /// Until the address space has come to its end.
  mutating func run() {
    while let command = space.nextCommand() {
      var result = crossbar_gpu_result()
      result.fence = command.fence
      let digests = context.digestsPayload && Opcode(rawValue: command.opcode)?.hasPayload == true
      mover.digest = digests ? PayloadDigest() : nil
      guard let status = perform(command, &result) else { return }
      result.status = status
      space.finish(result, of: command, digest: mover.digest)
    }
  }

  /// - Returns: the command's status; nil if the address space has come to its end.
  private mutating func perform(
    _ command: crossbar_gpu_command, _ result: inout crossbar_gpu_result
  ) -> UInt32? {
    let invalid = UInt32(EINVAL)
    let (source, target, length) = (command.source, command.target, command.length)
    switch Opcode(rawValue: command.opcode) {
    case .fenceOnly:
      return 0
    case .delay:
      guard command.operand <= CROSSBAR_GPU_DELAY_MAX else { return invalid }
      return delay(microseconds: command.operand) ? 0 : nil
    case .copy:
      guard accepts(source, length), accepts(target, length) else { return invalid }
      return stream(Ranges(source: source, target: target), length, &result) {
        (mover, _) throws(DMAError) in
        try mover.copy()
        return nil
      }
    case .fill:
      guard accepts(target, length) else { return invalid }
      return stream(Ranges(target: target), length, &result) { (mover, done) throws(DMAError) in
        try mover.fill(command.operand, phase: done)
        return nil
      }
    case .crc32c:
      guard accepts(source, length) else { return invalid }
      var checksum: UInt32 = 0
      let status = stream(Ranges(source: source), length, &result) { (mover, _) throws(DMAError) in
        checksum = try mover.checksum(checksum)
        return nil
      }
      result.value = UInt64(checksum)
      return status
    case .compare:
      guard accepts(source, length), accepts(target, length) else { return invalid }
      let ranges = Ranges(source: source, target: target, access: .read)
      var difference: UInt64?
      let status = stream(ranges, length, &result) { (mover, done) throws(DMAError) in
        guard let found = try mover.compare() else { return nil }
        difference = done &+ UInt64(found)
        return found
      }
      result.value = difference ?? result.bytes
      return status
    case .atomic:
      guard let operation = AtomicOperation(command), accepts(target, length),
        target % length == 0
      else { return invalid }
      let ranges = Ranges(target: target, access: .atomic)
      var before: UInt64 = 0
      let status = stream(ranges, length, &result) { (mover, _) throws(DMAError) in
        before = try mover.atomic(operation)
        return nil
      }
      result.value = before
      return status
    case nil:
      return invalid
    }
  }

  /// - Returns: false if the address space has come to its end.
  private func delay(microseconds: UInt64) -> Bool {
    guard context.injection.holds(.holdDelay) else {
      return space.sleep(microseconds: microseconds)
    }
    while context.injection.holds(.holdDelay) {
      guard space.sleep(microseconds: 1000) else { return false }
    }
    return true
  }

  private func accepts(_ address: UInt64, _ length: UInt64) -> Bool {
    let end = UInt64(1) << UInt64(CROSSBAR_GPU_ADDRESS_BITS)
    return length <= CROSSBAR_GPU_LENGTH_MAX && address <= end && length <= end - address
  }

  /// The virtual addresses that a command goes through, side by side.
  private struct Ranges {
    var source: UInt64?
    var target: UInt64?
    /// How the target is accessed.
    var access = AccessKind.write
  }

  /// Translates the ranges piece by piece, waits for faults, and hands each piece to `body`, which
  /// may say after how many bytes of it the command is done.
  ///
  /// - Returns: the command's status; nil if the address space has come to its end.
  private mutating func stream(
    _ ranges: Ranges, _ length: UInt64, _ result: inout crossbar_gpu_result,
    _ body: (inout DataMover, UInt64) throws(DMAError) -> Int?
  ) -> UInt32? {
    while result.bytes < length {
      guard space.enter() else { return nil }
      let want = Int(truncatingIfNeeded: min(length &- result.bytes, UInt64(runSize)))
      let next = translate(ranges, from: result.bytes, want)
      let count = next.count
      guard count > 0 else {
        space.leave()
        guard let status = wait(next, result.fence, length) else { return nil }
        result.faults &+= 1
        if status != 0 { return status }
        continue
      }
      let wounds = mover.prepare(space.number, fence: result.fence, access: ranges.access)
      do {
        if wounds { throw DMAError("A fault was injected") }
        let last = try body(&mover, result.bytes)
        space.leave()
        result.bytes &+= UInt64(truncatingIfNeeded: last ?? count)
        if last != nil { return 0 }
      } catch {
        space.leave()
        return UInt32(EIO)
      }
    }
    return 0
  }

  /// Fills the mover's runs with the next `want` bytes of the ranges.
  private mutating func translate(
    _ ranges: Ranges, from done: UInt64, _ want: Int
  ) -> Translation {
    let ports = context.ports
    mover.begin(ports)
    var count = want
    var stop: Translator.Stop?
    if let source = ranges.source {
      (count, stop) = space.translator.translate(
        source &+ done, count: count, .read, ports: ports, into: &mover.sources)
      if count == 0 { return Translation(count: 0, stop: stop, access: .read, start: source) }
    }
    if let target = ranges.target {
      (count, stop) = space.translator.translate(
        target &+ done, count: count, ranges.access, ports: ports, into: &mover.targets)
    }
    runSize = mover.isMapped ? Self.runSize : Self.slowRunSize
    count = min(count, runSize)
    mover.cut(to: count)
    return Translation(
      count: count, stop: stop, access: ranges.access, start: ranges.target ?? 0)
  }

  /// Bytes of all ranges that are translated, and why there are none.
  private struct Translation {
    var count: Int
    var stop: Translator.Stop?
    /// Of the range that stopped it, with its first address.
    var access: AccessKind
    var start: UInt64
  }

  /// Asks the driver about what stopped a translation.
  private func wait(
    _ translation: Translation, _ fence: UInt64, _ length: UInt64
  ) -> UInt32? {
    switch translation.stop {
    case .fault(let address, let reason):
      var fault = crossbar_gpu_fault()
      fault.address = address
      fault.fence = fence
      fault.access = translation.access.rawValue
      fault.reason = reason
      fault.length = translation.start &+ length &- address
      return space.answer(to: fault)
    case .badTable:
      space.stopFromInside(.badRoot, "a page table lies outside of the heap")
      return nil
    case nil:
      return nil
    }
  }
}
