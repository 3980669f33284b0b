// SPDX-License-Identifier: Apache-2.0

/// Makes small x86-64 ELF files: one PT_LOAD over all of the file, PT_INTERP, PT_DYNAMIC.
enum SyntheticELF {
  static let dynamicOffset = 64 + 3 * 56

  static func make(
    interpreter: String? = nil, needed: [String] = [], runPath: String? = nil
  ) -> [UInt8] {
    var strings: [UInt8] = [0]
    func intern(_ text: String) -> UInt64 {
      defer { strings += Array(text.utf8) + [0] }
      return UInt64(strings.count)
    }
    var dynamic: [(UInt64, UInt64)] = needed.map { (1, intern($0)) }
    if let runPath { dynamic.append((29, intern(runPath))) }
    let tableSize = (dynamic.count + 3) * 16
    let stringsOffset = dynamicOffset + tableSize
    dynamic += [(5, UInt64(0x1000 + stringsOffset)), (10, UInt64(strings.count)), (0, 0)]
    let interpreterBytes: [UInt8] = interpreter.map { Array($0.utf8) + [0] } ?? []
    let interpreterOffset = stringsOffset + strings.count
    let size = interpreterOffset + interpreterBytes.count

    var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    file += number(3, 2) + number(62, 2) + number(1, 4)
    file += number(0, 8) + number(64, 8) + number(0, 8)
    file += number(0, 4) + number(64, 2) + number(56, 2) + number(3, 2)
    file += number(0, 2) + number(0, 2) + number(0, 2)
    file += header(type: 1, offset: 0, address: 0x1000, size: size)
    file += header(type: 2, offset: dynamicOffset, address: 0x1000 + dynamicOffset, size: tableSize)
    file += header(
      type: interpreter == nil ? 0 : 3, offset: interpreterOffset, address: 0,
      size: interpreterBytes.count)
    for (tag, value) in dynamic { file += number(tag, 8) + number(value, 8) }
    return file + strings + interpreterBytes
  }

  private static func header(type: UInt64, offset: Int, address: Int, size: Int) -> [UInt8] {
    number(type, 4) + number(4, 4) + number(UInt64(offset), 8) + number(UInt64(address), 8)
      + number(UInt64(address), 8) + number(UInt64(size), 8) + number(UInt64(size), 8)
      + number(8, 8)
  }

  static func number(_ value: UInt64, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }
}
