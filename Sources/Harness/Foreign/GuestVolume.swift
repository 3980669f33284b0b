// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Topology

/// A namespace as programs of others use it: a block device, and a directory when it is mounted.
struct GuestVolume: Sendable {
  let namespace: Namespace
  /// Id of its controller, which is its serial number.
  let controller: String
  let guest: Guest

  /// The namespaces of a topology, in its order.
  static func all(of topology: Topology, in guest: Guest) -> [GuestVolume] {
    topology.nvme.flatMap { controller in
      controller.namespaces.map {
        GuestVolume(namespace: $0, controller: controller.id, guest: guest)
      }
    }
  }

  /// Where it is mounted.
  var directory: String { "/mnt/\(namespace.id)" }

  /// The device, such as `/dev/nvme0n1`.
  func device() async throws -> String {
    try await script(["device"]).split(separator: "\n").first.map(String.init) ?? ""
  }

  /// Mounts it, if it isn't.
  func mount() async throws {
    _ = try await script(["mount", namespace.filesystem.rawValue, directory])
  }

  /// Unmounts it.
  func unmount() async throws {
    _ = try await script(["unmount", directory])
  }

  /// `/bin/volume`, which knows namespaces by serial number and id.
  private func script(_ arguments: [String]) async throws -> String {
    let result = try await guest.execute(
      "/bin/volume", [controller, String(namespace.nsid)] + arguments, limit: .seconds(120))
    guard result.status == 0 else {
      throw EnvironmentError(
        """
        Can't \(arguments.first ?? "") the namespace \(namespace.id) in the guest: \
        \(result.errorText.prefix(200)). The guest's console.log may tell more.
        """)
    }
    return result.outputText
  }
}
