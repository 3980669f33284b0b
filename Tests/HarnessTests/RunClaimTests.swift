// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Harness

@Suite struct RunClaimTests {
  private let base = FileManager.default.temporaryDirectory.path + "/crossbar-\(UUID().uuidString)"

  @Test func aDirectoryThatHoldsSomethingIsRefused() throws {
    defer { try? FileManager.default.removeItem(atPath: base) }
    let claim = try RunClaim(base)
    try claim.directory.write(Data("x".utf8), to: .ktap)
    claim.release()
    let error = #expect(throws: RequestError.self) { try RunClaim(base) }
    #expect(error?.description.hasPrefix("\(base) is not empty: give --output") == true)
  }

  @Test func aClaimedDirectoryIsRefusedWhileItIsStillEmpty() throws {
    let claim = try RunClaim(base)
    let error = #expect(throws: RequestError.self) { try RunClaim(base) }
    #expect(error?.description.hasPrefix("\(base) is another run's") == true)
    claim.release()
    try RunClaim(base).release()
  }

  @Test func twoRunsOfOneSecondGetTwoDirectories() throws {
    defer { try? FileManager.default.removeItem(atPath: base) }
    let first = try RunClaim(numbering: base + "/run")
    let second = try RunClaim(numbering: base + "/run")
    #expect(first.directory.path == base + "/run")
    #expect(second.directory.path == base + "/run-2")
    // What is there, claimed or not, is somebody's.
    try FileManager.default.createDirectory(
      atPath: base + "/run-3", withIntermediateDirectories: false)
    #expect(try RunClaim(numbering: base + "/run").directory.path == base + "/run-4")
  }

  @Test func manyAtOnceGetOneEach() async throws {
    let base = base
    defer { try? FileManager.default.removeItem(atPath: base) }
    let paths = try await withThrowingTaskGroup(of: RunClaim.self) { group in
      for _ in 0..<50 { group.addTask { try RunClaim(numbering: base + "/run") } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(paths.map(\.directory.path)).count == 50)
  }

  @Test func whatIsLeftEmptyIsRemovedIfItWasMade() throws {
    defer { try? FileManager.default.removeItem(atPath: base) }
    try RunClaim(base).release()
    #expect(!FileManager.default.fileExists(atPath: base))
    try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: false)
    try RunClaim(base).release()
    #expect(FileManager.default.fileExists(atPath: base))
  }

  @Test func aDirectoryThatCannotBeMadeIsAnEnvironmentError() {
    #expect(throws: EnvironmentError.self) { try RunClaim("/proc/nowhere/run") }
  }

  @Test func aFileInItsPlaceIsAWrongRequest() throws {
    defer { try? FileManager.default.removeItem(atPath: base) }
    try Data().write(to: URL(filePath: base))
    let error = #expect(throws: RequestError.self) { try RunClaim(base) }
    #expect(error?.description.contains("can't be used (Not a directory)") == true)
  }
}
