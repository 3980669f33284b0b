// SPDX-License-Identifier: Apache-2.0

/// The members of one line of `dma.jsonl`, before anybody asks whether they belong together.
struct AccessLogRecord {
  /// A member of a line, by its bit.
  private enum Field: UInt32 {
    case n = 1
    case ns = 2
    case addressSpace = 4
    case fence = 8
    case virtual = 16
    case bus = 32
    case length = 64
    case generation = 128
    case index = 256
    case sequence = 512
    case error = 1024
    case status = 2048
    case write = 4096
    case port = 8192
    case access = 16384
    case kind = 32768
    case operation = 65536
    case value = 131072
    case taken = 262144
    case given = 524288
  }

  /// Members that a line must have, as bits of ``Field``.
  private enum Need {
    static let always: UInt32 = 1 | 2 | 32768
    static let addressSpace: UInt32 = 4
    static let access: UInt32 = 8 | 16 | 32 | 64 | 128 | 4096 | 8192
    static let invalidation: UInt32 = 16 | 64 | 128 | 256
    static let fault: UInt32 = 8 | 16 | 64 | 512 | 16384
    static let reply: UInt32 = 512 | 1024
    static let fence: UInt32 = 8 | 2048
    static let error: UInt32 = 1024
    static let payload: UInt32 = 64 | 65536 | 131072 | 262144 | 524288
  }

  private enum Kind {
    case access
    case invalidation
    case bind
    case unbind
    case fault
    case reply
    case fence
    case reset
    case error
  }

  /// Operations that take and give data.
  private enum Operation {
    /// The same bytes.
    case copy
    /// Their checksum.
    case checksum
    /// How many are the same.
    case comparison
    case other
  }

  private var present: UInt32 = 0
  private var n: UInt64 = 0
  private var ns: UInt64 = 0
  private var addressSpace: UInt64 = 0
  private var fence: UInt64 = 0
  private var virtual: UInt64 = 0
  private var bus: UInt64 = 0
  private var length: UInt64 = 0
  private var generation: UInt64 = 0
  private var index: UInt64 = 0
  private var sequence: UInt64 = 0
  private var error: UInt64 = 0
  private var status: UInt64 = 0
  private var value: UInt64 = 0
  private var taken: UInt64 = 0
  private var given: UInt64 = 0
  private var operation = Operation.other
  private var isWrite = false
  private var port = AccessLog.Port.none
  private var purpose = AccessLog.Purpose.read
  private var kind = Kind.reset

  /// What is wrong with a line.
  struct Flaw: Error {
    var reason: String
  }

  /// Reads a line.
  static func entry(_ line: UnsafeRawBufferPointer, number: Int) throws(Flaw) -> AccessLog.Entry {
    var scanner = FlatObjectScanner(line)
    var record = AccessLogRecord()
    guard scanner.open() else { throw Flaw(reason: "it is no JSON object") }
    repeat {
      guard let name = scanner.name(), let value = scanner.value() else {
        throw Flaw(reason: "it is no flat JSON object, or it is cut off")
      }
      guard record.take(name, value, scanner) else {
        throw Flaw(reason: "a member comes twice or has a wrong value")
      }
    } while scanner.comma()
    guard scanner.close() else {
      throw Flaw(reason: "it is no flat JSON object, or it is cut off")
    }
    return try record.entry(line: number)
  }

  /// The member with a name; nil for one that nobody asks for (`bytes`, `text`, and those of later
  /// versions).
  private static func field(_ name: Range<Int>, _ scanner: FlatObjectScanner) -> Field? {
    switch (name.count, scanner.first(name)) {
    case (1, UInt8(ascii: "t")): .kind
    case (1, UInt8(ascii: "n")): .n
    case (2, UInt8(ascii: "n")) where scanner.holds(name, "ns"): .ns
    case (2, UInt8(ascii: "a")) where scanner.holds(name, "as"): .addressSpace
    case (2, UInt8(ascii: "o")) where scanner.holds(name, "op"): .operation
    case (2, UInt8(ascii: "v")) where scanner.holds(name, "va"): .virtual
    case (3, UInt8(ascii: "b")) where scanner.holds(name, "bus"): .bus
    case (3, UInt8(ascii: "l")) where scanner.holds(name, "len"): .length
    case (3, UInt8(ascii: "g")) where scanner.holds(name, "gen"): .generation
    case (3, UInt8(ascii: "s")) where scanner.holds(name, "seq"): .sequence
    case (4, UInt8(ascii: "p")) where scanner.holds(name, "port"): .port
    case (5, UInt8(ascii: "f")) where scanner.holds(name, "fence"): .fence
    case (5, UInt8(ascii: "i")) where scanner.holds(name, "index"): .index
    case (5, UInt8(ascii: "e")) where scanner.holds(name, "error"): .error
    case (5, UInt8(ascii: "v")) where scanner.holds(name, "value"): .value
    case (5, UInt8(ascii: "t")) where scanner.holds(name, "taken"): .taken
    case (5, UInt8(ascii: "g")) where scanner.holds(name, "given"): .given
    case (5, UInt8(ascii: "w")) where scanner.holds(name, "write"): .write
    case (6, UInt8(ascii: "s")) where scanner.holds(name, "status"): .status
    case (6, UInt8(ascii: "a")) where scanner.holds(name, "access"): .access
    default: nil
    }
  }

  private mutating func take(
    _ name: Range<Int>, _ value: FlatObjectScanner.Value, _ scanner: FlatObjectScanner
  ) -> Bool {
    guard let field = Self.field(name, scanner) else { return true }
    guard present & field.rawValue == 0 else { return false }
    present |= field.rawValue
    switch field {
    case .n: return Self.store(value, &n)
    case .ns: return Self.store(value, &ns)
    case .addressSpace: return Self.store(value, &addressSpace)
    case .fence: return Self.store(value, &fence)
    case .virtual: return Self.store(value, &virtual)
    case .bus: return Self.store(value, &bus)
    case .length: return Self.store(value, &length)
    case .generation: return Self.store(value, &generation)
    case .index: return Self.store(value, &index)
    case .sequence: return Self.store(value, &sequence)
    case .error: return Self.store(value, &error)
    case .status: return Self.store(value, &status)
    case .value: return Self.store(value, &self.value)
    case .taken: return Self.store(value, &taken)
    case .given: return Self.store(value, &given)
    case .operation: return take(operation: value, scanner)
    case .write:
      guard case .truth(let truth) = value else { return false }
      isWrite = truth
      return true
    case .port: return take(port: value, scanner)
    case .access: return take(access: value, scanner)
    case .kind: return take(kind: value, scanner)
    }
  }

  private static func store(_ value: FlatObjectScanner.Value, _ target: inout UInt64) -> Bool {
    guard case .number(let number) = value else { return false }
    target = number
    return true
  }

  private mutating func take(
    kind value: FlatObjectScanner.Value, _ scanner: FlatObjectScanner
  ) -> Bool {
    guard case .text(let text) = value else { return false }
    if scanner.holds(text, "dma") {
      kind = .access
    } else if scanner.holds(text, "invalidate") {
      kind = .invalidation
    } else if scanner.holds(text, "fence") {
      kind = .fence
    } else if scanner.holds(text, "fault") {
      kind = .fault
    } else if scanner.holds(text, "reply") {
      kind = .reply
    } else if scanner.holds(text, "bind") {
      kind = .bind
    } else if scanner.holds(text, "unbind") {
      kind = .unbind
    } else if scanner.holds(text, "reset") {
      kind = .reset
    } else if scanner.holds(text, "error") {
      kind = .error
    } else {
      return false
    }
    return true
  }

  private mutating func take(
    port value: FlatObjectScanner.Value, _ scanner: FlatObjectScanner
  ) -> Bool {
    guard case .text(let text) = value else { return false }
    if scanner.holds(text, "memory") {
      port = .memory
    } else if scanner.holds(text, "video") {
      port = .video
    } else if scanner.holds(text, "bus") {
      port = .bus
    } else if scanner.holds(text, "bar") {
      port = .bar
    } else if scanner.holds(text, "none") {
      port = .none
    } else {
      return false
    }
    return true
  }

  private mutating func take(
    access value: FlatObjectScanner.Value, _ scanner: FlatObjectScanner
  ) -> Bool {
    guard case .text(let text) = value else { return false }
    if scanner.holds(text, "read") {
      purpose = .read
    } else if scanner.holds(text, "write") {
      purpose = .write
    } else if scanner.holds(text, "atomic") {
      purpose = .atomic
    } else {
      return false
    }
    return true
  }

  private mutating func take(
    operation value: FlatObjectScanner.Value, _ scanner: FlatObjectScanner
  ) -> Bool {
    guard case .text(let text) = value else { return false }
    if scanner.holds(text, "copy") || scanner.holds(text, "fill") {
      operation = .copy
    } else if scanner.holds(text, "crc32c") {
      operation = .checksum
    } else if scanner.holds(text, "compare") {
      operation = .comparison
    }
    return true
  }

  private func has(_ fields: UInt32) -> Bool { present & fields == fields }

  private func entry(line: Int) throws(Flaw) -> AccessLog.Entry {
    guard has(Need.always) else { throw Flaw(reason: "it lacks `t`, `n` or `ns`") }
    guard let event else { throw Flaw(reason: "a member is missing or out of range") }
    var space = AccessLog.noAddressSpace
    if event != .reset {
      guard has(Need.addressSpace) else { throw Flaw(reason: "it lacks `as`") }
      if addressSpace < 32 {
        space = UInt8(truncatingIfNeeded: addressSpace)
      } else if kind != .error {
        throw Flaw(reason: "there is no such address space")
      }
    }
    return AccessLog.Entry(n: n, ns: ns, line: line, addressSpace: space, event: event)
  }

  private var event: AccessLog.Event? {
    switch kind {
    case .access: access
    case .invalidation:
      has(Need.invalidation)
        ? UInt32(exactly: index).map {
          .invalidation(
            .init(address: virtual, length: length, generation: generation, index: $0))
        } : nil
    case .bind: .bind
    case .unbind: .unbind
    case .fault:
      has(Need.fault)
        ? .fault(
          .init(
            sequence: sequence, address: virtual, length: length, fence: fence, purpose: purpose))
        : nil
    case .reply:
      has(Need.reply)
        ? UInt32(exactly: error).map { .reply(sequence: sequence, error: $0) } : nil
    case .fence:
      has(Need.fence)
        ? UInt32(exactly: status).map { .fence(fence, status: $0, payload: payload) } : nil
    case .reset: .reset
    case .error: has(Need.error) ? UInt32(exactly: error).map { .error($0) } : nil
    }
  }

  private var payload: AccessLog.Payload {
    guard operation != .other, status == 0 else { return .none }
    guard has(Need.payload) else { return .missing }
    let belongs =
      switch operation {
      case .copy: taken == given
      case .checksum: taken == given && given == value
      case .comparison: (taken == given) == (value == length)
      case .other: true
      }
    return belongs ? .intact : .corrupt
  }

  private var access: AccessLog.Event? {
    guard has(Need.access), generation < 4096,
      !virtual.addingReportingOverflow(length).overflow,
      !bus.addingReportingOverflow(length).overflow
    else { return nil }
    return .access(
      .init(
        fence: fence, address: virtual, bus: bus, length: length,
        generation: UInt16(truncatingIfNeeded: generation), isWrite: isWrite, port: port))
  }
}
