// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Hypervisor

@Suite struct ConsoleWatcherTests {
  @Test func findsTroubleWhileTheFileGrows() async throws {
    try await Fixtures.withDirectory { directory in
      let path = directory + "/console.log"
      let watcher = try ConsoleWatcher(path: path)
      defer { watcher.finish() }
      var stream = watcher.stream().makeAsyncIterator()
      try append("booting\nOops: fi", to: path)
      try append("rst\n", to: path)
      #expect(await stream.next() == ConsoleFinding(kind: .bug, line: 2, text: "Oops: first"))
      try append("WARNING: second\n", to: path)
      #expect(
        await stream.next() == ConsoleFinding(kind: .warning, line: 3, text: "WARNING: second"))
    }
  }

  @Test func readsTheLastLineBeforeItFinishes() async throws {
    try await Fixtures.withDirectory { directory in
      let path = directory + "/console.log"
      let watcher = try ConsoleWatcher(path: path)
      try append("Kernel panic - not syncing: without an end of line", to: path)
      watcher.finish()
      #expect(watcher.findings.map(\.kind) == [.panic])
      var late = watcher.stream().makeAsyncIterator()
      #expect(await late.next()?.kind == .panic)
      #expect(await late.next() == nil)
    }
  }

  @Test func forgetsWhatAnEarlierRunLeft() async throws {
    try await Fixtures.withDirectory { directory in
      let path = directory + "/console.log"
      try Data("Oops: old\n".utf8).write(to: URL(fileURLWithPath: path))
      let watcher = try ConsoleWatcher(path: path)
      watcher.finish()
      #expect(watcher.findings.isEmpty)
    }
  }

  @Test func keepsOnlySoManyFindingsButTheFirstOfEachKind() async throws {
    try await Fixtures.withDirectory { directory in
      let path = directory + "/console.log"
      let watcher = try ConsoleWatcher(path: path)
      let warnings = String(repeating: "WARNING: again\n", count: ConsoleWatcher.findingLimit + 50)
      let panic = "Kernel panic - not syncing: x\n"
      let kasan = "BUG: KASAN: slab-use-after-free in f\n"
      try append(warnings + kasan + kasan + panic + panic, to: path)
      watcher.finish()
      #expect(
        watcher.findings.dropFirst(ConsoleWatcher.findingLimit).map(\.kind) == [.kasan, .panic])
      #expect(watcher.suppressed == 52)
    }
  }

  @Test func readsAllThatIsThereWithoutAnotherNotice() async throws {
    try await Fixtures.withDirectory { directory in
      let path = directory + "/console.log"
      let watcher = try ConsoleWatcher(path: path)
      defer { watcher.finish() }
      // Written in one go: several rounds' worth, and one notice.
      let rounds = 3 * ConsoleWatcher.piecesPerRound
      let line = String(repeating: "x", count: (64 << 10) - 1) + "\n"
      try append(String(repeating: line, count: rounds) + "Oops: at the end\n", to: path)
      let finding = await within(.seconds(20)) { () -> ConsoleFinding? in
        for await finding in watcher.stream() { return finding }
        return nil
      }
      #expect((finding ?? nil)?.line == rounds + 1)
    }
  }

  private func append(_ text: String, to path: String) throws {
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.seekToEnd()
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }
}
