// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The guest agent's messages that are used here, as "QEMU Guest Agent Protocol Reference" has
/// them.
enum AgentMessage {
  struct Request<Arguments: Encodable>: Encodable {
    var execute: String
    var arguments: Arguments?
  }

  struct Reply<Value: Decodable>: Decodable {
    var value: Value

    enum CodingKeys: String, CodingKey { case value = "return" }
  }

  struct Nothing: Codable {}

  struct OpenFile: Encodable {
    var path: String
    var mode: String
  }

  struct FileHandle: Encodable { var handle: Int64 }

  struct WriteFile: Encodable {
    var handle: Int64
    var content: Data

    enum CodingKeys: String, CodingKey {
      case handle
      case content = "buf-b64"
    }
  }

  struct Written: Decodable { var count: Int }

  struct ReadFile: Encodable {
    var handle: Int64
    var count: Int
  }

  struct ReadResult: Decodable {
    var content: Data
    var eof: Bool

    enum CodingKeys: String, CodingKey {
      case content = "buf-b64"
      case eof
    }
  }

  struct Execute: Encodable {
    var path: String
    var arguments: [String]
    var environment: [String]
    var capture: Bool

    enum CodingKeys: String, CodingKey {
      case path
      case arguments = "arg"
      case environment = "env"
      case capture = "capture-output"
    }
  }

  struct Process: Codable { var pid: Int64 }

  struct Status: Decodable {
    var exited: Bool
    var exitCode: Int32?
    var signal: Int32?
    var output: Data?
    var error: Data?

    enum CodingKeys: String, CodingKey {
      case exited
      case exitCode = "exitcode"
      case signal
      case output = "out-data"
      case error = "err-data"
    }
  }

  /// A request as text. `Data` becomes base64, which is what the agent wants.
  static func encode(_ request: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    // Only strings, integers and data: there is nothing that can't be encoded.
    guard let data = try? encoder.encode(request) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }

  /// A reply's value, or nil if the guest answered something else.
  static func decode<Value: Decodable>(_ text: String, as type: Value.Type) -> Value? {
    try? JSONDecoder().decode(Reply<Value>.self, from: Data(text.utf8)).value
  }
}
