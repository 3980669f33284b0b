// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PCIInspection

struct PCIAddressTests {
  @Test func readsBothForms() {
    #expect(PCIAddress(parsing: "0000:03:1f.7") == PCIAddress(bus: 3, device: 31, function: 7))
    #expect(PCIAddress(parsing: "ff:00.0")?.description == "0000:ff:00.0")
    #expect(PCIAddress(parsing: "12ab:00:00.0")?.domain == 0x12AB)
  }

  @Test(arguments: [
    "", ":", ".", "::.", "03:00", "3:00.0", "03:00.8", "03:20.0", "0000:03:00.0 ", "x3:00.0",
    "0000:0000:03:00.0", "10000:03:00.0", "03:00.0.0",
  ])
  func refusesOtherText(text: String) {
    #expect(PCIAddress(parsing: text) == nil)
  }

  @Test func ordersByEachField() {
    let texts = ["0000:00:00.0", "0000:00:00.1", "0000:00:01.0", "0000:01:00.0", "0001:00:00.0"]
    let addresses = texts.compactMap { PCIAddress(parsing: $0) }
    #expect(addresses.shuffled().sorted() == addresses)
  }
}
