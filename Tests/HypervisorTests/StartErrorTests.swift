// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Hypervisor

@Suite struct StartErrorTests {
  @Test(arguments: [
    ("Failed to get \"write\" lock", "Another QEMU has the image"),
    ("Could not open '/i/ns0.raw': No such file or directory", "Make the missing file"),
    ("Could not access KVM kernel module", "Add yourself to the group kvm"),
    ("write: No space left on device", "Free some space"),
    ("anything else", "See /run/of,this/qemu.log"),
  ])
  func saysWhatToDo(message: String, mend: String) throws {
    let error = StartError.explain(
      LibvirtFailure(code: 1, message: message), try Fixtures.guest())
    #expect(error.kind == .start)
    #expect(error.mend?.hasPrefix(mend) == true)
    #expect(error.description.hasPrefix("can't start the guest t: \(message). "))
  }

  @Test(arguments: [
    ("internal error: Unknown CPU model NoSuchCPU", "Correct `cpu: "),
    ("unsupported configuration: CPU mode 'host-passthrough' for x86_64 qemu", "`cpu: host` needs"),
  ])
  func aCPUThatCannotBeIsTheTopologysFault(message: String, mend: String) throws {
    let guest = try Fixtures.guest()
    let error = StartError.explain(LibvirtFailure(code: 1, message: message), guest)
    #expect(error.kind == .invalidDescription)
    #expect(error.mend?.hasPrefix(mend) == true)
    #expect(error.mend?.contains("topology \(guest.topology.name)") == true)
  }
}
