// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import Artifacts

@Suite struct ArtifactStoreTests {
  let directory: TemporaryDirectory
  let store: ArtifactStore
  let recorder = ProgressRecorder()
  let builds = Counter()

  init() throws {
    directory = try TemporaryDirectory()
    store = ArtifactStore(root: directory.path)
  }

  private func key(_ text: String = "input") -> ArtifactKey {
    var key = ArtifactKey.Builder(kind: "test")
    key.add("input", text)
    return key.key()
  }

  private func kernel(_ key: ArtifactKey) async throws(ArtifactError) -> FilePath {
    try await store.entry("kernel", key, progress: recorder.span("kernel 7.2")) {
      (directory, _) throws(ArtifactError) in
      builds.increment()
      try HostFiles.write(Array(repeating: 7, count: 100_000), to: directory.appending("bzImage"))
      try HostFiles.write("text", to: directory.appending("config"))
    }
  }

  private var leftovers: [String] { HostFiles.names(in: directory.path.appending("building")) }

  @Test func buildsOnceAndThenFindsIt() async throws {
    let first = try await kernel(key())
    let second = try await kernel(key())
    #expect(first == second)
    #expect(builds.value == 1)
    #expect(recorder.notices.isEmpty)
    #expect(leftovers.isEmpty)
  }

  @Test func anotherInputIsAnotherEntry() async throws {
    let first = try await kernel(key("a"))
    let second = try await kernel(key("b"))
    #expect(first != second)
    #expect(builds.value == 2)
  }

  @Test func inputsDoNotRunIntoEachOther() {
    var first = ArtifactKey.Builder(kind: "test")
    first.add("ab", "c")
    var second = ArtifactKey.Builder(kind: "test")
    second.add("a", "bc")
    #expect(first.key() != second.key())
  }

  @Test func flippedBitOfAKernelIsNamedAndBuiltAgain() async throws {
    let image = try await kernel(key()).appending("bzImage")
    chmod(image.string, 0o644)
    var bytes = try HostFiles.read(image)
    bytes[50_000] ^= 1
    try HostFiles.write(bytes, to: image)

    let again = try await kernel(key())
    #expect(builds.value == 2)
    #expect(try HostFiles.read(again.appending("bzImage")) == Array(repeating: 7, count: 100_000))
    let notice = try #require(recorder.notices.first)
    #expect(notice.contains("kernel 7.2"))
    #expect(notice.contains("the SHA-256 of bzImage is"))
    #expect(notice.contains("built again"))
  }

  @Test(arguments: [
    ("truncated", "bzImage has 1 bytes instead of 100000"), ("missing", "bzImage is missing"),
    ("manifest", "manifest.json is not readable"),
    ("foreign", "its manifest belongs to another artifact"),
  ])
  func damageIsFound(_ kind: String, _ reason: String) async throws {
    let entry = try await kernel(key())
    let image = entry.appending("bzImage")
    chmod(image.string, 0o644)
    switch kind {
    case "truncated": try HostFiles.write([7], to: image)
    case "missing": try HostFiles.remove(image)
    case "manifest": try HostFiles.write("{", to: entry.appending("manifest.json"))
    default:
      let other = try await kernel(key("other"))
      let manifest = try HostFiles.read(other.appending("manifest.json"))
      try HostFiles.write(manifest, to: entry.appending("manifest.json"))
    }
    let before = builds.value
    _ = try await kernel(key())
    #expect(builds.value == before + 1)
    #expect(recorder.notices.count == 1)
    #expect(recorder.notices.first?.contains(reason) == true)
  }

  @Test func twoBuildersAtOnceBuildOnceAndOneSaysThatItWaits() async throws {
    let paths = try await withThrowingTaskGroup(of: FilePath.self) { group in
      for _ in 0..<2 {
        group.addTask {
          try await store.entry("slow", key(), progress: recorder.span("slow thing")) {
            (directory, _) throws(ArtifactError) in
            builds.increment()
            try? await Task.sleep(for: .milliseconds(300))
            try HostFiles.write("x", to: directory.appending("x"))
          }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(paths).count == 1)
    #expect(builds.value == 1)
    #expect(recorder.notices.count == 1)
    #expect(recorder.notices.first?.contains("process \(getpid())") == true)
  }

  @Test func failedBuildLeavesNothing() async throws {
    let failure = ArtifactError(.compilation, "no", mend: "yes")
    await #expect(throws: failure) {
      try await store.entry("kernel", key(), progress: recorder.span()) {
        (directory, _) throws(ArtifactError) in
        try HostFiles.write("half", to: directory.appending("bzImage"))
        throw failure
      }
    }
    #expect(leftovers.isEmpty)
    #expect(!store.contains("kernel", key()))
  }

  @Test func cancelledBuildLeavesNothing() async throws {
    let task = Task {
      try await store.entry("kernel", key(), progress: recorder.span()) {
        (directory, _) throws(ArtifactError) in
        try HostFiles.write("half", to: directory.appending("bzImage"))
        try? await Task.sleep(for: .seconds(30))
      }
    }
    try await Task.sleep(for: .milliseconds(100))
    task.cancel()
    let result = await task.result
    #expect(throws: ArtifactError.self) { try result.get() }
    #expect(leftovers.isEmpty)
    #expect(!store.contains("kernel", key()))
  }

  @Test func whatADeadBuilderLeftIsRemoved() async throws {
    try directory.write("building/kernel-\(key()).dead/bzImage", "half")
    try directory.write("building/disk-0123.dead/disk.raw", "half")
    try HostFiles.makeDirectory(directory.path.appending("locks"))
    _ = try await kernel(key())
    #expect(leftovers.isEmpty)
  }

  @Test func whatALiveBuilderHasIsLeftAlone() async throws {
    try directory.write("building/disk-0123.live/disk.raw", "half")
    try HostFiles.makeDirectory(directory.path.appending("locks"))
    let lock = try FileLock.attempt(directory.path.appending("locks/disk-0123"))
    _ = try await kernel(key())
    #expect(leftovers == ["disk-0123.live"])
    lock?.release()
  }

  @Test func finishedFilesAreReadOnly() async throws {
    let image = try await kernel(key()).appending("bzImage")
    let attributes = try FileManager.default.attributesOfItem(atPath: image.string)
    #expect(attributes[.posixPermissions] as? Int == 0o444)
  }

  @Test func censusSeesAMissingFile() async throws {
    func tree() async throws -> FilePath {
      try await store.entry("tree", key(), check: .census, progress: recorder.span()) {
        (directory, _) throws(ArtifactError) in
        builds.increment()
        try HostFiles.makeDirectory(directory.appending("a/b"))
        try HostFiles.write("1", to: directory.appending("a/b/c"))
        try HostFiles.write("2", to: directory.appending("d"))
      }
    }
    let entry = try await tree()
    _ = try await tree()
    #expect(builds.value == 1)
    try HostFiles.remove(entry.appending("a/b/c"))
    _ = try await tree()
    #expect(builds.value == 2)
  }

  @Test func rootFollowsTheEnvironment() {
    func root(_ environment: [String: String]) -> String {
      ArtifactStore.standard(environment: environment).root.string
    }
    #expect(root(["CROSSBAR_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/c")
    #expect(root(["XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/x/crossbar")
    #expect(root(["XDG_CACHE_HOME": "relative", "HOME": "/h"]) == "/h/.cache/crossbar")
    #expect(root(["HOME": "/h"]) == "/h/.cache/crossbar")
  }
}
