// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Reads `dma.jsonl` piece by piece; pieces may end anywhere.
public struct AccessLogParser: Sendable {
  /// Bytes of a line; longer ones are wrong.
  static let lineLimit = 4096
  /// Entries that are kept.
  private static let entryLimit = 64 << 20

  /// The engine's last line when the log has become too long.
  private static let truncation = "{\"t\":\"truncated\"}"

  private var log = AccessLog()
  private var partial: [UInt8] = []
  private var line = 0
  private var isSorted = true

  /// A log of which nothing has been read.
  public init() {}

  /// Takes the next piece of the log.
  public mutating func take(_ piece: UnsafeRawBufferPointer) {
    var start = 0
    while let end = Self.lineEnd(in: piece, from: start) {
      let whole = UnsafeRawBufferPointer(rebasing: piece[start..<end])
      if partial.isEmpty {
        take(line: whole)
      } else {
        keep(whole)
        let joined = partial
        partial.removeAll(keepingCapacity: true)
        joined.withUnsafeBytes { take(line: $0) }
      }
      start = end + 1
    }
    keep(UnsafeRawBufferPointer(rebasing: piece[start...]))
  }

  /// Takes the next piece of the log.
  public mutating func take(_ text: String) {
    var text = text
    text.withUTF8 { take(UnsafeRawBufferPointer($0)) }
  }

  /// Ends the log. A line without an end counts if it is whole.
  public mutating func finish() -> AccessLog {
    if !partial.isEmpty {
      let rest = partial
      partial = []
      rest.withUnsafeBytes { take(line: $0) }
    }
    if !isSorted {
      // Several threads write: the order is that of `n`, whatever the file's is.
      log.entries.sort { ($0.n, $0.line) < ($1.n, $1.line) }
      isSorted = true
    }
    return log
  }

  private static func lineEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard let base = bytes.baseAddress, start < bytes.count,
      let end = memchr(base + start, 0x0A, bytes.count - start)
    else { return nil }
    return UnsafeRawPointer(end) - base
  }

  private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
    partial.append(contentsOf: bytes.prefix(max(Self.lineLimit + 1 - partial.count, 0)))
  }

  private mutating func take(line bytes: UnsafeRawBufferPointer) {
    line &+= 1
    guard bytes.count <= Self.lineLimit else { return refuse("it is too long") }
    if bytes.elementsEqual(Self.truncation.utf8) {
      log.isTruncated = true
      return
    }
    guard log.entries.count < Self.entryLimit else {
      log.isTruncated = true
      return
    }
    do {
      let entry = try AccessLogRecord.entry(bytes, number: line)
      if let last = log.entries.last, last.n > entry.n { isSorted = false }
      log.entries.append(entry)
    } catch {
      refuse(error.reason)
    }
  }

  private mutating func refuse(_ reason: String) {
    log.wrongLineCount &+= 1
    guard log.wrongLines.count < AccessLog.wrongLineLimit else { return }
    log.wrongLines.append(.init(line: line, reason: reason))
  }
}
