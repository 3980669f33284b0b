// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Hypervisor

@Suite struct LeftoversTests {
  @Test func endsTheRunsQEMUAndNothingElse() async throws {
    try await Fixtures.withDirectory { directory in
      let root = directory + "/r1"
      let ours = try start("qemu-fake", directory, argument: "sock,path=\(root)/x.sock")
      let neighbours = try start("qemu-fake", directory, argument: "\(root)2/x.sock")
      let readers = try start("less", directory, argument: "\(root)/libvirt.log")
      let child = try start("dbus", directory, argument: "-", home: root + "/lib/qemu")
      defer { for process in [ours, neighbours, readers, child] { process.terminate() } }

      let found = Set(Leftovers.processes(of: root))
      #expect(found == [ours.processIdentifier, child.processIdentifier])
      #expect(Leftovers.end(root: root, quiet: .milliseconds(50)) == 2)
      ours.waitUntilExit()
      #expect(ours.terminationReason == .uncaughtSignal)
      #expect(neighbours.isRunning)
      #expect(readers.isRunning)
    }
  }

  @Test func sweepsWhatTheDeadLeftAndSparesTheLiving() async throws {
    try await Fixtures.withDirectory { base in
      let dead = base + "/r1"
      let alive = base + "/r2"
      for path in [dead, alive] { mkdir(path, 0o700) }
      let lock = try FileDescriptorOwner.lock(alive + "/owner.lock", wait: false)
      defer { withExtendedLifetime(lock) {} }
      let orphan = try start("qemu-fake", base, argument: dead + "/x.sock")
      let living = try start("qemu-fake", base, argument: alive + "/x.sock")
      defer { for process in [orphan, living] { process.terminate() } }

      #expect(RuntimeDirectory.sweep([base]) == [dead])
      #expect(!Fixtures.exists(dead))
      #expect(Fixtures.exists(alive))
      orphan.waitUntilExit()
      #expect(living.isRunning)
    }
  }

  @Test func sweepsNoDirectoryThatOthersCanEnter() async throws {
    try await Fixtures.withDirectory { base in
      mkdir(base + "/r1", 0o700)
      chmod(base, 0o755)
      #expect(RuntimeDirectory.sweep([base]) == [])
      #expect(Fixtures.exists(base + "/r1"))
    }
  }

  @Test func doesNotFollowLinksOutOfTheRun() async throws {
    try await Fixtures.withDirectory { base in
      let outside = base + "/outside"
      mkdir(outside, 0o700)
      try Data("kept".utf8).write(to: URL(fileURLWithPath: outside + "/cache"))
      mkdir(base + "/r1", 0o700)
      symlink(outside, base + "/r1/cache")
      symlink(outside, base + "/r2")
      #expect(RuntimeDirectory.sweep([base]) == [base + "/r1"])
      #expect(Fixtures.exists(outside + "/cache"))
    }
  }

  /// Something that sleeps under the name of `name`, with `argument` in its command line.
  private func start(
    _ name: String, _ directory: String, argument: String, home: String = "/"
  ) throws -> Process {
    // A copy of busybox would look at its name; the shell doesn't, and waits for its input.
    let path = directory + "/" + name
    if !Fixtures.exists(path) {
      try FileManager.default.copyItem(atPath: "/bin/dash", toPath: path)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["-c", "echo; read line", argument]
    process.environment = ["HOME": home]
    process.standardInput = Pipe()
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    // Until then it may not have come to its `exec`.
    _ = output.fileHandleForReading.availableData
    return process
  }
}
