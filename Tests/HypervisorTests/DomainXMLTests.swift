// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Topology

@testable import Hypervisor

@Suite struct DomainXMLTests {
  /// The stored documents were each accepted by libvirt, and QEMU built the tree that they ask for.
  /// `CROSSBAR_RECORD=1` writes them anew.
  @Test(arguments: [("switch", Fixtures.switchYAML), ("everything", Fixtures.everythingYAML)])
  func isWhatWasOnceStarted(name: String, yaml: String) throws {
    let xml = try Fixtures.guest(yaml).domainXML(socketDirectory: "/s")
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Expectations/\(name).xml")
    if ProcessInfo.processInfo.environment["CROSSBAR_RECORD"] != nil {
      try Data(xml.utf8).write(to: file)
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    for (line, wanted) in zip(xml.split(separator: "\n"), expected.split(separator: "\n")) {
      #expect(line == wanted)
    }
    #expect(xml == expected)
  }

  @Test func doesNotDependOnTheOrderOfDictionaries() throws {
    let first = try Fixtures.guest().domainXML(socketDirectory: "/s")
    for _ in 0..<20 {
      #expect(try Fixtures.guest().domainXML(socketDirectory: "/s") == first)
    }
  }

  @Test func plugsParentsInBeforeTheirChildren() throws {
    var guest = try Fixtures.guest()
    guest.topology.pcie.reverse()
    let xml = try guest.domainXML(socketDirectory: "/s")
    let order = ["ua-rp0", "ua-up0", "ua-dp1", "ua-dp0"].compactMap {
      xml.range(of: "<alias name=\"\($0)\"")?.lowerBound
    }
    #expect(order.count == 4)
    #expect(order == order.sorted())
  }

  @Test func doublesCommasWhereQEMUSplits() throws {
    let xml = try Fixtures.guest().domainXML(socketDirectory: "/s")
    #expect(xml.contains("file=/run/of,,this/nvme-trace.log"))
    #expect(xml.contains("path=/s/gpu,,0"))
    #expect(xml.contains("path=\"/run/of,this/console.log\""))
  }

  @Test func asksForWhatTheAcceleratorNeeds() throws {
    let emulated = try Fixtures.guest(accelerator: .tcg)
    let real = try Fixtures.guest(accelerator: .kvm)
    #expect(try emulated.domainXML(socketDirectory: "/s").contains(" type=\"qemu\">"))
    #expect(try real.domainXML(socketDirectory: "/s").contains(" type=\"kvm\">"))
    #expect(emulated.kernelCommandLine.contains("tsc=reliable"))
    #expect(!real.kernelCommandLine.contains("tsc=reliable"))
  }

  @Test func lastKernelArgumentIsTheUsers() throws {
    #expect(try Fixtures.guest().kernelCommandLine.hasSuffix(" a=b"))
  }

  @Test func tracesTheIOMMUOnlyWhereThereIsOne() throws {
    let without = try Fixtures.guest().domainXML(socketDirectory: "/s")
    let with = try Fixtures.guest(Fixtures.everythingYAML).domainXML(socketDirectory: "/s")
    #expect(!without.contains("vtd_dmar"))
    #expect(with.contains("enable=vtd_dmar_translate"))
  }

  @Test func refusesANamespaceWithoutImage() throws {
    var guest = try Fixtures.guest()
    guest.images["ns1"] = nil
    expectRefusal(of: guest, saying: "namespace ns1 has no image")
  }

  @Test func refusesAGPUWithoutServer() throws {
    var guest = try Fixtures.guest()
    guest.gpuServers = [:]
    expectRefusal(of: guest, saying: "ivshmem server of gpu0")
  }

  @Test func refusesPersistentMemoryWithoutFile() throws {
    var guest = try Fixtures.guest(Fixtures.everythingYAML)
    guest.persistentMemory = [:]
    expectRefusal(of: guest, saying: "persistent memory region of nvme0")
  }

  @Test func refusesARelativePath() throws {
    var guest = try Fixtures.guest()
    guest.kernel = "bzImage"
    expectRefusal(of: guest, saying: "`bzImage` is not absolute")
  }

  @Test func refusesControlCharacters() throws {
    var guest = try Fixtures.guest()
    guest.kernelArguments = ["a\u{1}b"]
    expectRefusal(of: guest, saying: "control character")
  }

  @Test(arguments: ["", "a/b", ".hidden", "with space", String(repeating: "x", count: 51)])
  func refusesANameThatIsNoFileName(name: String) throws {
    var guest = try Fixtures.guest()
    guest.name = name
    expectRefusal(of: guest, saying: "its name")
  }

  @Test func refusesABusThatDoesNotExist() throws {
    var guest = try Fixtures.guest()
    guest.topology.gpus[0].bus = "dp9"
    expectRefusal(of: guest, saying: "gpu0 is plugged into dp9")
  }

  private func expectRefusal(of guest: GuestDescription, saying words: String) {
    let error = #expect(throws: HypervisorError.self) {
      try guest.domainXML(socketDirectory: "/s")
    }
    #expect(error?.kind == .invalidDescription)
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "no error")")
    #expect(error?.mend != nil)
  }
}
