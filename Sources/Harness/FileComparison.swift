// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology
import Verification

/// Compares the files that a suite left with the raw images of their volumes, after the guest is gone.
struct FileComparison {
  let topology: Topology
  let directory: RunDirectory
  /// The suite's cases, which get what differs.
  private(set) var cases: [CaseObservation]
  /// What differs and belongs to no case.
  private(set) var faults: [String] = []
  private var budget: UInt64

  /// Bytes that are compared, in multiples of what the volumes hold: more than one file for each byte
  /// is a guest that wants the host to work.
  private static let budgetFactor: UInt64 = 2

  init(topology: Topology, directory: RunDirectory, cases: [CaseObservation]) {
    self.topology = topology
    self.directory = directory
    self.cases = cases
    budget = topology.namespaces.reduce(0) { $0 &+ $1.size.bytes } &* Self.budgetFactor
  }

  /// Compares one file. A difference is charged to the case that wrote it, else to those that read it.
  ///
  /// - Throws: `EnvironmentError` for an image that can't be read, and cancellation.
  mutating func compare(_ file: FileReport) throws {
    try Task.checkCancellation()
    let owner = owner(of: file)
    if let owner { cases[owner.index].comparedFiles.insert(owner.phase) }
    guard let difference = try difference(file) else { return }
    if let owner {
      cases[owner.index].diskDifferences[owner.phase] = difference
    } else if !chargeReaders(of: file, difference) {
      faults.append("\(file.path.prefix(200)): \(difference)")
    }
  }

  /// Files are named after their case and phase.
  private func owner(of file: FileReport) -> (index: Int, phase: Phase)? {
    let name = file.path.split(separator: "/").last.map(String.init) ?? ""
    for phase in Phase.allCases where name.hasSuffix(".\(phase.rawValue)") {
      let caseName = name.dropLast(phase.rawValue.count + 1)
      if let index = cases.firstIndex(where: { $0.header.name == caseName }) {
        return (index, phase)
      }
    }
    return nil
  }

  private mutating func difference(_ file: FileReport) throws -> String? {
    guard topology.namespaces.contains(where: { $0.id == file.volume }) else {
      return "it is said to lie on a volume `\(file.volume.prefix(40))`, which does not exist"
    }
    guard file.size <= budget else { return "there are too many bytes of files to be compared" }
    budget -= file.size
    let path = directory.imagePath(namespace: file.volume)
    return try directory.guarding("read the image of \(file.volume) in") {
      let image = try FileHandle(forReadingFrom: URL(filePath: path))
      defer { try? image.close() }
      do {
        return try RawImageCheck(file, limit: 1 << 30).difference { offset, count in
          try image.seek(toOffset: offset)
          return [UInt8](try image.read(upToCount: count) ?? Data())
        }.map { "in the raw image of \(file.volume), \($0)" }
      } catch let error as ProtocolViolation {
        return "the file can't be checked: \(error)"
      }
    }
  }

  /// Charges a difference to every phase that lists blocks of the file.
  ///
  /// - Returns: whether there was one.
  private mutating func chargeReaders(of file: FileReport, _ difference: String) -> Bool {
    guard let namespace = topology.namespaces.first(where: { $0.id == file.volume }) else {
      return false
    }
    var found = false
    for index in cases.indices {
      for (phase, report) in cases[index].phases {
        let reads = report.transfers.contains { transfer in
          transfer.nsid == namespace.nsid
            && transfer.ranges.contains { range in
              file.extents.extents.contains {
                range.offset < $0.diskOffset &+ $0.length && $0.diskOffset < range.end
              }
            }
        }
        if reads {
          cases[index].diskDifferences[phase] = difference
          found = true
        }
      }
    }
    return found
  }
}
