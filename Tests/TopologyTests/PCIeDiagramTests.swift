// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing

@testable import Topology

struct PCIeDiagramTests {
  @Test func drawsTheTreeAsText() throws {
    #expect(
      try Sample.topology().diagram.text() == """
        sample: A sample.
        root complex
        │  CPU max, 2 vCPUs, 1GiB
        │  no IOMMU
        ├─ rp0  root-port
        │  │  slot 2
        │  └─ up0  switch-upstream
        │     │  slot 0
        │     ├─ dp0  switch-downstream
        │     │  │  slot 0
        │     │  └─ nvme0  NVMe controller
        │     │        slot 0
        │     │        BAR 2: CMB 64MiB
        │     │        ns0: 256MiB ext4, 512-byte blocks
        │     │        ns1: 400MiB xfs, 512-byte blocks
        │     └─ dp1  switch-downstream
        │        │  slot 1
        │        └─ gpu0  GPU
        │              slot 0
        │              BAR 2: video memory 256MiB
        └─ rp1  root-port
           │  slot 3
           └─ nvme1  NVMe controller
                 slot 0
                 BAR 4: PMR 16MiB
                 ns2: 64MiB ext4, 4096-byte blocks

        nvme0 to gpu0: through a switch
        nvme1 to gpu0: refused by the kernel
        nvme1 to nvme0: through the host bridge
        known limit from nvme0 to gpu0: silent-corruption, a test

        """)
  }

  @Test func colorsOnlyWhenAsked() throws {
    let diagram = try Sample.topology().diagram
    #expect(!diagram.text().contains("\u{1B}"))
    #expect(diagram.text(colored: true).contains("\u{1B}[1;35mgpu0\u{1B}[0m"))
  }

  @Test func svgIsWellFormedAndHasEachBoxAndLink() throws {
    let svg = try Sample.topology().diagram.svg()
    let counter = ElementCounter()
    let parser = XMLParser(data: Data(svg.utf8))
    parser.delegate = counter
    #expect(parser.parse())
    #expect(counter.count["rect"] == 10)  // 9 boxes and the page
    #expect(counter.count["path"] == 8)
  }

  @Test func svgEscapesWhatAGuestMayWrite() {
    let node = PCIeDiagram.Node(label: "a<b>&\"\u{1}", model: "]]>", kind: .other)
    let svg = PCIeDiagram(title: "<script>", roots: [node], notes: ["&amp;"]).svg()
    #expect(svg.contains("a&lt;b&gt;&amp;&quot;\u{FFFD}"))
    #expect(svg.contains("&amp;amp;"))
    #expect(!svg.contains("<script>"))
    #expect(XMLParser(data: Data(svg.utf8)).parse())
  }

  @Test func svgBoxesDoNotOverlapAndStayOnThePage() throws {
    for file in Topology.list(in: [Sample.shipped]) {
      let layout = DiagramLayout(try Topology.load(path: file.path).diagram)
      for (index, box) in layout.boxes.enumerated() {
        #expect(box.x >= 0 && box.x + box.width <= layout.width)
        #expect(box.y >= 0 && box.y + box.height <= layout.height)
        for other in layout.boxes[..<index] {
          let apart =
            box.x + box.width <= other.x || other.x + other.width <= box.x
            || box.y + box.height <= other.y || other.y + other.height <= box.y
          #expect(apart, "\(file.name): \(box.node.label) and \(other.node.label)")
        }
      }
    }
  }

  @Test func drawsUncheckedCyclesToAnEnd() throws {
    var topology = try Sample.topology()
    topology.pcie[1].bus = "up0"
    #expect(!topology.diagram.text().contains("up0  "))
  }

  /// Counts elements by name.
  private final class ElementCounter: NSObject, XMLParserDelegate {
    var count: [String: Int] = [:]

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) {
      count[name, default: 0] += 1
    }
  }
}
