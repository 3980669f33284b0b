// SPDX-License-Identifier: Apache-2.0

/// What the dynamic linker needs to know of an x86-64 ELF file (System V ABI, gABI chapters 4 and 5).
///
/// The file may be anything: every offset is checked before use, and lists are bounded.
public struct ELFFile: Hashable, Sendable {
  /// Why a file is not taken for an x86-64 ELF file.
  public struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason, as the end of a sentence that begins with the file's name.
    public let description: String
  }

  /// Path of the dynamic linker (PT_INTERP); nil for a static program or a library.
  public let interpreter: String?
  /// Names of the libraries that it needs (DT_NEEDED), in the file's order.
  public let needed: [String]
  /// Directories that are searched first (DT_RUNPATH, else DT_RPATH), `$ORIGIN` unexpanded.
  public let runPath: [String]

  private static let maximumHeaders = 1024
  private static let maximumDynamicEntries = 4096
  private static let maximumString = 4096

  /// Whether a file begins like an ELF file.
  public static func hasMagic(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46])
  }

  /// Whether a file's first 20 bytes are those of a 64-bit little-endian file for x86-64.
  static func isForX8664(_ start: [UInt8]) -> Bool {
    // EI_CLASS 2: 64 bit; EI_DATA 1: little endian; e_machine 62: x86-64.
    start.count >= 20 && hasMagic(start) && start[4] == 2 && start[5] == 1 && start[18] == 62
      && start[19] == 0
  }

  /// Reads the headers.
  ///
  /// - Throws: `Malformed`.
  public init(_ bytes: [UInt8]) throws(Malformed) {
    let image = Image(bytes: bytes)
    guard ELFFile.hasMagic(bytes), bytes.count >= 64 else {
      throw Malformed(description: "is no ELF file")
    }
    guard ELFFile.isForX8664(bytes) else {
      throw Malformed(description: "is an ELF file, but not for x86-64")
    }
    let segments = try Segment.all(in: image)

    if let segment = segments.first(where: { $0.type == Segment.interpreter }) {
      guard segment.fileSize <= ELFFile.maximumString else {
        throw Malformed(description: "names an interpreter of \(segment.fileSize) bytes")
      }
      interpreter = try image.string(at: segment.offset, limit: segment.fileSize)
    } else {
      interpreter = nil
    }
    guard let dynamic = segments.first(where: { $0.type == Segment.dynamic }) else {
      needed = []
      runPath = []
      return
    }
    let table = try DynamicTable(dynamic, segments: segments, image: image)
    needed = table.needed
    runPath = table.runPath
  }

  // MARK: - Bounds-checked access

  private struct Image {
    let bytes: [UInt8]

    func range(_ offset: UInt64, _ count: UInt64) throws(Malformed) -> Range<Int> {
      let (end, overflow) = offset.addingReportingOverflow(count)
      guard !overflow, end <= UInt64(bytes.count), let lower = Int(exactly: offset),
        let upper = Int(exactly: end)
      else {
        throw Malformed(
          description: "points outside of itself (\(count) bytes at offset \(offset))")
      }
      return lower..<upper
    }

    private func number(_ offset: UInt64, bytes count: UInt64) throws(Malformed) -> UInt64 {
      bytes[try range(offset, count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    func word16(_ offset: UInt64) throws(Malformed) -> UInt64 { try number(offset, bytes: 2) }
    func word32(_ offset: UInt64) throws(Malformed) -> UInt64 { try number(offset, bytes: 4) }
    func word64(_ offset: UInt64) throws(Malformed) -> UInt64 { try number(offset, bytes: 8) }

    /// A string that ends with a zero byte within a limit.
    func string(at offset: UInt64, limit: UInt64) throws(Malformed) -> String {
      // range() throws for an offset outside of the file, so nothing below can underflow.
      let start = try range(offset, 0)
      let most = min(limit, UInt64(ELFFile.maximumString), UInt64(bytes.count - start.lowerBound))
      let place = try range(offset, most)
      guard let end = bytes[place].firstIndex(of: 0) else {
        throw Malformed(description: "has a string without an end at offset \(offset)")
      }
      return String(decoding: bytes[place.lowerBound..<end], as: UTF8.self)
    }
  }

  private struct Segment {
    static let load: UInt64 = 1
    static let dynamic: UInt64 = 2
    static let interpreter: UInt64 = 3
    static let headerSize: UInt64 = 56

    let type: UInt64
    let offset: UInt64
    let address: UInt64
    let fileSize: UInt64

    static func all(in image: Image) throws(Malformed) -> [Segment] {
      let start = try image.word64(32)
      let size = try image.word16(54)
      let count = try image.word16(56)
      guard count <= ELFFile.maximumHeaders else {
        throw Malformed(description: "has \(count) program headers")
      }
      guard count == 0 || size >= headerSize else {
        throw Malformed(description: "has program headers of \(size) bytes")
      }
      _ = try image.range(start, size * count)
      var segments: [Segment] = []
      for index in 0..<count {
        let at = start + index * size
        segments.append(
          Segment(
            type: try image.word32(at), offset: try image.word64(at + 8),
            address: try image.word64(at + 16), fileSize: try image.word64(at + 32)))
      }
      return segments
    }
  }

  private struct DynamicTable {
    private(set) var needed: [String] = []
    private(set) var runPath: [String] = []

    init(_ dynamic: Segment, segments: [Segment], image: Image) throws(Malformed) {
      _ = try image.range(dynamic.offset, dynamic.fileSize)
      var entries: [(tag: UInt64, value: UInt64)] = []
      for index in 0..<(dynamic.fileSize / 16) {
        guard index < ELFFile.maximumDynamicEntries else {
          throw Malformed(description: "has more than \(index) dynamic entries")
        }
        let tag = try image.word64(dynamic.offset + index * 16)
        if tag == 0 { break }
        entries.append((tag, try image.word64(dynamic.offset + index * 16 + 8)))
      }
      func first(_ tag: UInt64) -> UInt64? { entries.first { $0.tag == tag }?.value }
      let needs = entries.filter { $0.tag == 1 }.map(\.value)
      // DT_RUNPATH hides DT_RPATH.
      let path = first(29) ?? first(15)
      if needs.isEmpty, path == nil { return }
      guard let address = first(5), let size = first(10) else {
        throw Malformed(description: "has a dynamic section without a string table")
      }
      let strings = try DynamicTable.offset(of: address, segments)
      _ = try image.range(strings, size)
      func string(_ index: UInt64) throws(Malformed) -> String {
        guard index < size else {
          throw Malformed(description: "names a string outside of its string table")
        }
        return try image.string(at: strings + index, limit: size - index)
      }
      for need in needs {
        let name = try string(need)
        guard !name.isEmpty, name != "..", name != "." else {
          throw Malformed(description: "needs a library without a name")
        }
        needed.append(name)
      }
      if let path {
        runPath = try string(path).split(separator: ":").map(String.init)
      }
    }

    /// Offset in the file of an address in memory.
    private static func offset(of address: UInt64, _ segments: [Segment]) throws(Malformed)
      -> UInt64
    {
      for segment in segments where segment.type == Segment.load && address >= segment.address {
        let distance = address - segment.address
        guard distance < segment.fileSize else { continue }
        let (offset, overflow) = segment.offset.addingReportingOverflow(distance)
        if !overflow { return offset }
      }
      throw Malformed(description: "has its string table at an address that is not in the file")
    }
  }
}
