// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Harness

@Suite struct RunDirectoryTests {
  @Test func standardPathsNameTopologyAndSuite() {
    let path = RunDirectory.standardPath(
      topology: "switch", suite: .p2pdma, at: Date(timeIntervalSince1970: 0))
    #expect(path.hasPrefix("runs/switch-p2pdma-"))
    #expect(path.count == "runs/switch-p2pdma-19700101-000000".count)
  }

  @Test func memoryOfAQ35MachineLeavesTheHoleFree() {
    let whole: [Range<UInt64>] = [0..<0x4000_0000]
    #expect(SystemMemory.ranges(size: 1 << 30) == whole)
    let split: [Range<UInt64>] = [0..<0x8000_0000, 0x1_0000_0000..<0x1_8000_0000]
    #expect(SystemMemory.ranges(size: 4 << 30) == split)
  }
}
