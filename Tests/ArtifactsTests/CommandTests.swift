// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import SystemPackage
import Testing

@testable import Artifacts

@Suite struct CommandTests {
  @Test func passesLinesStatusAndEnvironment() async throws {
    var command = Command("/bin/sh", ["-c", "echo $GREETING; echo oops >&2; exit 3"])
    command.environment = ["GREETING": "hello world"]
    let outcome = try await command.run()
    #expect(outcome.status == 3)
    #expect(outcome.lastLines.sorted() == ["hello world", "oops"])
  }

  @Test func argumentsArriveAsTheyAre() async throws {
    let lines = try await Command("/usr/bin/printf", ["%s\\n", "a b", "$HOME", "'\"", ""])
      .check("printing", mend: "")
    #expect(lines == ["a b", "$HOME", "'\"", ""])
  }

  @Test func logHoldsEverything() async throws {
    let directory = try TemporaryDirectory()
    var command = Command("/bin/sh", ["-c", "seq 1 1000"])
    command.log = directory.path.appending("log")
    let outcome = try await command.run()
    #expect(outcome.lastLines.count == Command.keptLines)
    #expect(outcome.lastLines.last == "1000")
    #expect(try HostFiles.text(directory.path.appending("log")).hasPrefix("1\n2\n"))
  }

  @Test func cancellationEndsTheWholeGroupPromptly() async throws {
    let pids = Mutex<[pid_t]>([])
    let task = Task {
      try await Command(
        "/bin/sh", ["-c", "sleep 60 & echo $!; (sleep 60 & echo $!; wait) & echo $!; wait"]
      ).run { line in pids.withLock { $0.append(pid_t(line) ?? 0) } }
    }
    while pids.withLock({ $0.count }) < 3 { try await Task.sleep(for: .milliseconds(10)) }
    let start = ContinuousClock.now
    task.cancel()
    let result = await task.result
    let error = #expect(throws: ArtifactError.self) { try result.get() }
    #expect(error?.kind == .cancelled)
    // Alone it takes milliseconds; here it shares two threads with every other test.
    #expect(ContinuousClock.now - start < .seconds(15))
    for pid in pids.withLock({ $0 }) { #expect(!CommandTests.runs(pid)) }
  }

  @Test func missingProgramNamesThePackage() throws {
    let error = #expect(throws: ArtifactError.self) {
      try HostTool.require("no-such-program", project: project)
    }
    #expect(error?.kind == .missingTool)
    #expect(try HostPackages(project: project).package(providing: "flex") == "flex")
  }

  private static func runs(_ pid: pid_t) -> Bool {
    let status = (try? HostFiles.text(FilePath("/proc/\(pid)/stat"))) ?? ""
    // An orphan that has ended stays a zombie until init takes it.
    return !status.isEmpty && !status.contains(") Z ")
  }
}
