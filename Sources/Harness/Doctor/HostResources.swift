// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Disk and memory: whether what Crossbar builds and boots has room.
struct HostResources: Sendable {
  /// A kernel tree, its objects and the images, with a margin.
  static let diskNeeded: UInt64 = 6 << 30
  /// A guest of 1 GiB, 256 MiB of video memory and QEMU itself.
  static let memoryNeeded: UInt64 = 2 << 30

  /// One finding for free disk below `cache`, one for available memory.
  static func findings(cache: String) -> [DoctorFinding] {
    [disk(cache), memory((try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? "")]
  }

  private static func disk(_ path: String) -> DoctorFinding {
    var directory = URL(fileURLWithPath: path)
    while !FileManager.default.fileExists(atPath: directory.path), directory.path != "/" {
      directory.deleteLastPathComponent()
    }
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: directory.path)
    guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.uint64Value else {
      return DoctorFinding(
        "disk", .limited, "can't tell how much is free in \(directory.path)",
        mend: "Set CROSSBAR_CACHE to a directory on a local disk.")
    }
    let detail = "\(gibibytes(free)) free for \(path)"
    guard free >= diskNeeded else {
      return DoctorFinding(
        "disk", .limited, detail,
        mend: """
          A kernel build needs \(gibibytes(diskNeeded)): free some, or set CROSSBAR_CACHE to a \
          directory with more.
          """)
    }
    return DoctorFinding("disk", .works, detail)
  }

  /// Judges the text of `/proc/meminfo` (proc(5)).
  static func memory(_ text: String) -> DoctorFinding {
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    guard let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) }),
      kibibytes < 1 << 50
    else {
      return DoctorFinding(
        "memory", .limited, "/proc/meminfo has no MemAvailable",
        mend: "Make sure that 2 GiB are free.")
    }
    let available = kibibytes << 10
    let detail = "\(gibibytes(available)) available"
    guard available >= memoryNeeded else {
      return DoctorFinding(
        "memory", .limited, detail,
        mend: "A guest needs about \(gibibytes(memoryNeeded)): end something, or give it less.")
    }
    return DoctorFinding("memory", .works, detail)
  }

  private static func gibibytes(_ bytes: UInt64) -> String {
    String(format: "%.1f GiB", Double(bytes) / Double(1 << 30))
  }
}
