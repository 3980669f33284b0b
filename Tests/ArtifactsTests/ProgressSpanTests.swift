// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Artifacts

@Suite struct ProgressSpanTests {
  private let recorder = ProgressRecorder()

  @Test func neverFalls() {
    let span = recorder.span()
    for fraction in [0.2, 0.1, 0.5, .nan, -3, 0.4, 7, 0.9] { span.report(fraction, "") }
    #expect(recorder.fractions == recorder.fractions.sorted())
    #expect(recorder.fractions.last == 1)
  }

  @Test func partsLieBesideEachOther() throws {
    let parts = recorder.span().parts(weights: [30, 0, 60, 10])
    for part in parts {
      part.report(0, "")
      part.report(1, "")
    }
    let expected = [0, 0.3, 0.3, 0.3, 0.3, 0.9, 0.9, 1]
    for (found, wanted) in zip(recorder.fractions, expected) {
      #expect(abs(found - wanted) < 1e-9)
    }
  }

  @Test func partOfAPartIsScaledTwice() throws {
    recorder.span().part(from: 0.5, to: 1).part(from: 0.5, to: 1).report(0.5, "")
    #expect(abs(try #require(recorder.fractions.first) - 0.875) < 1e-9)
  }

  @Test func noticeLeavesTheBarWhereItIs() {
    let span = recorder.span()
    span.report(0.4, "")
    span.notice("look")
    #expect(recorder.fractions == [0.4, 0.4])
    #expect(recorder.notices == ["look"])
  }
}
