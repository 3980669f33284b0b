// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct AptSourcesTests {
  @Test func oneLineFormat() {
    let sources = AptSources(
      list: """
        # deb http://commented.example/debian bookworm main
        deb http://mirror.example/debian bookworm main contrib # trailing
        deb-src http://mirror.example/debian bookworm main
        deb [ arch=amd64 signed-by=/k.gpg ] http://other.example/debian trixie main
        deb cdrom:[Debian]/ bookworm main
        deb http://broken.example/debian
        """)
    #expect(
      sources.entries == [
        .init(
          uris: ["http://mirror.example/debian"], suites: ["bookworm"],
          components: ["main", "contrib"], signedBy: nil),
        .init(
          uris: ["http://other.example/debian"], suites: ["trixie"], components: ["main"],
          signedBy: "/k.gpg"),
      ])
  }

  @Test func deb822Format() {
    let sources = AptSources(
      sources: """
        Types: deb deb-src
        # a comment inside
        URIs: http://mirror.example/debian
        Suites: bookworm bookworm-updates
        Components: main
        Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

        Types: deb
        URIs: http://off.example/debian
        Suites: bookworm
        Components: main
        Enabled: no

        types: deb
        uris: http://lower.example/debian
         http://second.example/debian
        suites: sid
        components: main
        """)
    #expect(
      sources.entries.map(\.uris.first) == [
        "http://mirror.example/debian", "http://lower.example/debian",
      ])
    #expect(sources.entries.first?.suites == ["bookworm", "bookworm-updates"])
    #expect(sources.entries.last?.uris.count == 2)
  }

  @Test func embeddedKeyStaysWhole() throws {
    let key = """
      \n -----BEGIN PGP PUBLIC KEY BLOCK-----
       .
       mQINBGPL0BUBEADmW5NdOOHwPIJlgPu6JDcKw/NZJPR8lsD3K87ZM18gzyQZJD+w
       -----END PGP PUBLIC KEY BLOCK-----
      """
    let stanza =
      "Types: deb\nURIs: http://m.example/debian\nSuites: sid\nComponents: main\nSigned-By:\(key)\n"
    let mirror = try #require(AptSources(sources: stanza).mirrors(codename: nil).first)
    let again = AptSources(sources: mirror.stanza(suite: "trixie"))
    #expect(again.entries.first?.signedBy == key)
    #expect(again.entries.first?.suites == ["trixie"])
  }

  @Test func onlyDebiansMainArchiveIsAMirror() {
    let sources = AptSources(
      list: """
        deb http://security.example/debian-security bookworm-security main
        deb http://docker.example/linux/debian bookworm stable
        deb http://tools.example/apt cloud-sdk-bookworm main
        deb http://old.example/debian bullseye main
        deb http://own.example/debian bookworm main
        """)
    #expect(
      sources.mirrors(codename: "bookworm").map(\.uris) == [
        ["http://own.example/debian"], ["http://old.example/debian"],
      ])
  }

  @Test func anotherDistributionHasNoMirror() {
    let sources = AptSources(list: "deb http://archive.example/ubuntu noble main universe")
    #expect(sources.mirrors(codename: "noble").isEmpty)
  }

  @Test func readsBothKindsOfFilesOfADirectory() throws {
    let directory = try TemporaryDirectory()
    try directory.write("sources.list", "deb http://a.example/debian sid main\n")
    try directory.write("sources.list.d/b.list", "deb http://b.example/debian sid main\n")
    try directory.write(
      "sources.list.d/c.sources",
      "Types: deb\nURIs: http://c.example/debian\nSuites: sid\nComponents: main\n")
    try directory.write("sources.list.d/d.list.disabled", "deb http://d.example/debian sid main\n")
    let hosts = AptSources(directory: directory.path).entries.flatMap(\.uris)
    #expect(
      hosts == ["http://a.example/debian", "http://b.example/debian", "http://c.example/debian"])
  }

  @Test func statusLinesOfAptAreRead() {
    #expect(AptDownload.percent(inStatusLine: "dlstatus:1:42.5:Retrieving file 1 of 1") == 42.5)
    #expect(AptDownload.percent(inStatusLine: "dlstatus:1:nan:x") == nil)
    #expect(AptDownload.percent(inStatusLine: "Get:1 http://x") == nil)
    #expect(
      AptDownload.version(
        inURILine: "'http://m.example/l.deb' linux-source-7.2_7.2.13-1%7ebpo_all.deb 16 SHA256:00")
        == "7.2.13-1~bpo")
  }
}
