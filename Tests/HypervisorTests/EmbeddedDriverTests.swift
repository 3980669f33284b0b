// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Hypervisor

/// With libvirt's real driver, where it is installed, but without booting anything.
@Suite(
  .serialized,
  .enabled(
    if: FileManager.default.fileExists(
      atPath: "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so")
      && FileManager.default.isExecutableFile(atPath: "/usr/bin/qemu-system-x86_64")))
struct EmbeddedDriverTests {
  @Test func opensAgainAfterItWasClosed() async throws {
    for _ in 0..<2 {
      let hypervisor = try await Hypervisor.open(supervised: false)
      let other = try await Hypervisor.open(supervised: false)
      #expect(other.runtime.path == hypervisor.runtime.path)
      await other.close()
      #expect(Fixtures.exists(hypervisor.runtime.path))
      await hypervisor.close()
      #expect(!Fixtures.exists(hypervisor.runtime.path))
    }
  }

  @Test func explainsAGuestThatCanNotStart() async throws {
    try await Fixtures.withDirectory { directory in
      let hypervisor = try await Hypervisor.open(supervised: false)
      var guest = try Fixtures.guest()
      guest.logs = GuestDescription.Logs(directory: directory)
      let error = await #expect(throws: HypervisorError.self) {
        try await Guest.start(guest, on: hypervisor)
      }
      #expect(error?.kind == .start)
      #expect(error?.mend == "Make the missing file, or correct its path")
      #expect(Leftovers.processes(of: hypervisor.runtime.path).isEmpty)
      await hypervisor.close()
    }
  }

  @Test func refusesToBeSupervisedByAProgramThatCanNot() async throws {
    let error = await #expect(throws: HypervisorError.self) { try await Hypervisor.open() }
    #expect(error?.description.contains("Supervisor.runIfRequested()") == true)
  }
}
