// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology

/// The directory that a run leaves. It is complete when `run.json` exists: that file is written last,
/// to a temporary name, then renamed.
public struct RunDirectory: Sendable, Hashable {
  /// A file of a run directory.
  public enum File: String, Sendable, CaseIterable {
    case record = "run.json"
    case console = "console.log"
    case qemu = "qemu.log"
    case trace = "nvme-trace.log"
    case domain = "domain.xml"
    case ktap = "ktap.log"
    case pci = "pci.txt"
    case driverTrace = "driver-trace.log"
  }

  /// Absolute.
  public let path: String

  /// A directory that a run left.
  public init(existing path: String) {
    self.path = URL(filePath: path).standardizedFileURL.path
  }

  /// Where a run goes that is given no directory: `runs/TOPOLOGY-SUITE-TIME`. Another one of the same
  /// second gets a number behind it.
  public static func standardPath(
    topology: String, suite: Suite, at date: Date = Date()
  ) -> String {
    let time = date.formatted(
      .verbatim(
        """
        \(year: .padded(4))\(month: .twoDigits)\(day: .twoDigits)-\
        \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased))\
        \(minute: .twoDigits)\(second: .twoDigits)
        """, locale: .init(identifier: "en_US_POSIX"), timeZone: .current,
        calendar: .init(identifier: .gregorian)))
    return "runs/\(topology)-\(suite.rawValue)-\(time)"
  }

  /// Where a file of this directory is.
  public func path(of file: File) -> String { "\(path)/\(file.rawValue)" }

  /// The run's private copy of a namespace's image; gone when the run is over.
  public func imagePath(namespace: String) -> String { "\(path)/\(namespace).img" }

  /// What is behind a controller's persistent memory region; gone when the run is over.
  public func persistentMemoryPath(controller: String) -> String { "\(path)/\(controller).pmr" }

  /// What is behind the persistent memory regions of those controllers that have one, by their id.
  func persistentMemory(of topology: Topology) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: topology.nvme.filter { $0.pmr != nil }.map {
        ($0.id, persistentMemoryPath(controller: $0.id))
      })
  }

  /// The console of a boot that hung and was given up for another one.
  public static let hungConsole = "console-boot-1.log"

  /// The log of a GPU's DMA: `dma.jsonl`, with the id in its name where there are several GPUs.
  public func accessLogPath(gpu: String, of topology: Topology) -> String {
    topology.gpus.count == 1 ? "\(path)/dma.jsonl" : "\(path)/dma-\(gpu).jsonl"
  }

  /// Whether a run came to its end here.
  public var isComplete: Bool { FileManager.default.fileExists(atPath: path(of: .record)) }

  /// Writes a file in one go: to a temporary name, then renamed.
  public func write(_ data: Data, to file: File) throws {
    try write(data, named: file.rawValue)
  }

  /// Writes a file of the given name in one go.
  public func write(_ data: Data, named name: String) throws {
    try guarding("write \(name) in") {
      try data.write(to: URL(filePath: "\(path)/\(name)"), options: .atomic)
    }
  }

  /// The whole content of a file.
  public func content(of file: File) throws -> Data {
    try guarding("read \(file.rawValue) in") {
      try Data(contentsOf: URL(filePath: path(of: file)), options: .mappedIfSafe)
    }
  }

  /// Opens a file to append to while the run goes on.
  func log(_ file: File) throws -> FileHandle {
    try guarding("write \(file.rawValue) in") {
      try Data().write(to: URL(filePath: path(of: file)))
      return try FileHandle(forWritingTo: URL(filePath: path(of: file)))
    }
  }

  /// Turns a failure to write here into a sentence that says where and what to do.
  func guarding<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
      throw EnvironmentError(
        """
        Can't \(what) \(path): no space left on the device. Free some, or give --output a \
        directory on another disk.
        """)
    } catch let error as CocoaError {
      throw EnvironmentError(
        "Can't \(what) \(path): \(error.localizedDescription) Check it, or give another --output.")
    }
  }
}
