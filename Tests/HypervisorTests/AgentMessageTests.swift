// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Hypervisor

@Suite struct AgentMessageTests {
  @Test func writesBase64WithoutEscapes() {
    let request = AgentMessage.Request(
      execute: "guest-file-write",
      arguments: AgentMessage.WriteFile(handle: 3, content: Data([0xFB, 0xFF, 0xFE])))
    #expect(AgentMessage.encode(request).contains("\"+//+\""))
  }

  @Test func readsAStatus() {
    let text = """
      {"return":{"exited":true,"exitcode":3,"out-data":"aGkK"}}
      """
    let status = AgentMessage.decode(text, as: AgentMessage.Status.self)
    #expect(status?.exitCode == 3)
    #expect(status?.output == Data("hi\n".utf8))
  }

  @Test(arguments: [
    "", "{}", "[1]", "{\"return\":{\"exited\":true,\"exitcode\":99999999999}}",
    "{\"return\":{\"exited\":true,\"out-data\":\"not base64!\"}}", "{\"return\":{\"exited\":1}}",
  ])
  func refusesWhatAHostileGuestAnswers(text: String) {
    #expect(AgentMessage.decode(text, as: AgentMessage.Status.self) == nil)
  }
}
