// SPDX-License-Identifier: Apache-2.0

/// Reads a line of `dma.jsonl`: one flat JSON object (RFC 8259) of numbers, words and truth values.
struct FlatObjectScanner {
  /// A value of an object.
  enum Value: Equatable {
    /// A number from 0 to 2^64 - 1, decimal, or as a string with `0x`.
    case number(UInt64)
    case truth(Bool)
    /// Any other string; its bytes, escapes left alone.
    case text(Range<Int>)
  }

  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// Takes the brace that opens the object.
  mutating func open() -> Bool {
    skipSpace()
    return take(UInt8(ascii: "{"))
  }

  /// Takes the brace that closes the object; nothing but space may follow.
  mutating func close() -> Bool {
    skipSpace()
    guard take(UInt8(ascii: "}")) else { return false }
    skipSpace()
    return position == bytes.count
  }

  /// Takes the comma between two members.
  mutating func comma() -> Bool {
    skipSpace()
    return take(UInt8(ascii: ","))
  }

  /// Takes a member's name and its colon; the name's bytes.
  mutating func name() -> Range<Int>? {
    skipSpace()
    guard let name = string() else { return nil }
    skipSpace()
    return take(UInt8(ascii: ":")) ? name : nil
  }

  /// Takes a value; nil when none of a known kind comes next.
  mutating func value() -> Value? {
    skipSpace()
    guard position < bytes.count else { return nil }
    switch bytes[position] {
    case UInt8(ascii: "\""):
      guard let text = string() else { return nil }
      return hexadecimal(text).map(Value.number) ?? .text(text)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return decimal().map(Value.number)
    case UInt8(ascii: "t"): return literal("true") ? .truth(true) : nil
    case UInt8(ascii: "f"): return literal("false") ? .truth(false) : nil
    default: return nil
    }
  }

  /// `range` holds exactly `text`.
  func holds(_ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<range.count
    where bytes[range.lowerBound &+ index] != text.utf8Start[index] {
      return false
    }
    return true
  }

  /// The first byte of `range`, 0 for none.
  func first(_ range: Range<Int>) -> UInt8 { range.isEmpty ? 0 : bytes[range.lowerBound] }

  private mutating func skipSpace() {
    while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x0D {
      position &+= 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position &+= 1
    return true
  }

  private mutating func literal(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count &- position >= count, holds(position..<(position &+ count), text) else {
      return false
    }
    position &+= count
    return true
  }

  /// Takes a string; what lies between its quotes.
  private mutating func string() -> Range<Int>? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        position &+= 1
        return start..<(position &- 1)
      }
      guard byte >= 0x20 else { return nil }
      position &+= byte == UInt8(ascii: "\\") ? 2 : 1
    }
    position = bytes.count
    return nil
  }

  private mutating func decimal() -> UInt64? {
    let start = position
    var value: UInt64 = 0
    while position < bytes.count {
      let digit = bytes[position] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = product.addingReportingOverflow(UInt64(digit))
      guard !tooLarge, !overflow else { return nil }
      value = sum
      position &+= 1
    }
    guard position > start else { return nil }
    return position &- start == 1 || bytes[start] != UInt8(ascii: "0") ? value : nil
  }

  private func hexadecimal(_ text: Range<Int>) -> UInt64? {
    guard text.count > 2, text.count <= 18, bytes[text.lowerBound] == UInt8(ascii: "0"),
      bytes[text.lowerBound &+ 1] == UInt8(ascii: "x")
    else { return nil }
    var value: UInt64 = 0
    for index in (text.lowerBound &+ 2)..<text.upperBound {
      switch bytes[index] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        value = value << 4 | UInt64(bytes[index] &- UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"):
        value = value << 4 | UInt64(bytes[index] &- UInt8(ascii: "a") &+ 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"):
        value = value << 4 | UInt64(bytes[index] &- UInt8(ascii: "A") &+ 10)
      default: return nil
      }
    }
    return value
  }
}
