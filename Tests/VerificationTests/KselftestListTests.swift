// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Verification

@Suite struct KselftestListTests {
  private static let list = """
    # [INFO] detected hugetlb page size: 2048 KiB
    # FIXTURE            VARIANT                   TEST
    global                                         
    --------------------------------------------------------------------------------
    hmm                  hmm_device_private        open_close
                         hmm_device_coherent       anon_read
                                                   a_name_that_is_longer_than_any_column_of_it
    --------------------------------------------------------------------------------
    hmm2                                           double_map
    """

  @Test func eachTestOfAFixtureRunsInEachVariant() throws {
    #expect(
      try KselftestList.names(Self.list) == [
        "hmm.hmm_device_private.open_close", "hmm.hmm_device_private.anon_read",
        "hmm.hmm_device_private.a_name_that_is_longer_than_any_column_of_it",
        "hmm.hmm_device_coherent.open_close", "hmm.hmm_device_coherent.anon_read",
        "hmm.hmm_device_coherent.a_name_that_is_longer_than_any_column_of_it",
        "hmm2.double_map",
      ])
  }

  @Test(arguments: ["", "sh: not found", "# FIXTURE", "# FIXTURE VARIANT"])
  func anythingElseIsRefused(_ text: String) {
    #expect(throws: ProtocolViolation.self) { try KselftestList.names(text) }
  }

  @Test func moreTestsThanAnyProgramHasAreRefused() {
    let rows = String(repeating: "x                    y                         z\n", count: 200)
    #expect(throws: ProtocolViolation.tooMany("tests in a list")) {
      try KselftestList.names("# FIXTURE            VARIANT                   TEST\n" + rows)
    }
  }
}
