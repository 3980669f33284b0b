// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

@testable import Hypervisor

@Suite struct LogBoundTests {
  @Test func tellsOnceThatALogIsTooLong() async throws {
    try await Fixtures.withDirectory { directory in
      let calls = Mutex(0)
      let (stream, news) = AsyncStream<Void>.makeStream()
      let path = directory + "/nvme-trace.log"
      let bound = LogBound([directory + "/qemu.log", path], limit: 100) {
        #expect($0 == .length)
        calls.withLock { $0 += 1 }
        news.yield()
      }
      defer { bound.finish() }
      try Data(count: 100).write(to: URL(fileURLWithPath: path))
      try await Task.sleep(for: .milliseconds(500))
      #expect(calls.withLock { $0 } == 0)
      try Data(count: 101).write(to: URL(fileURLWithPath: path))
      let told = await within(.seconds(20)) {
        for await _ in stream { return true }
        return false
      }
      #expect(told == true)
      try await Task.sleep(for: .milliseconds(500))
      #expect(calls.withLock { $0 } == 1)
    }
  }

  @Test func anEndIsNamedAfterTheLogs() {
    let end = GuestEnd(cause: .floodedLogs)
    #expect(end.description == "the guest made one of QEMU's logs too long and was ended")
  }
}
