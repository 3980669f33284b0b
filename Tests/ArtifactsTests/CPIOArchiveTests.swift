// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import Artifacts

@Suite struct CPIOArchiveTests {
  private func sample(reversed: Bool = false) -> CPIOArchive {
    let entries: [(String, UInt32, CPIOArchive.Content)] = [
      ("/init", 0o755, .file(Array("#!/bin/sh\n".utf8))),
      ("/dev/console", 0o600, .character(major: 5, minor: 1)),
      ("/dev/vda", 0o660, .block(major: 254, minor: 0)),
      ("/a-b", 0o644, .file([1, 2, 3])),
      ("/a/b/c", 0o4755, .file([])),
      ("/sbin", 0o777, .link("bin")),
    ]
    var archive = CPIOArchive()
    for (path, mode, content) in reversed ? entries.reversed() : entries {
      archive.add(path, permissions: mode, content)
    }
    return archive
  }

  private func cpio(_ arguments: [String]) async throws -> [String] {
    let directory = try TemporaryDirectory()
    let file = try directory.write("archive", sample().bytes())
    return try await Command("/bin/sh", ["-c", "\(arguments.joined(separator: " ")) < \(file)"])
      .check("listing", mend: "")
  }

  @Test(.enabled(if: HostTool.find("cpio") != nil))
  func cpioListsAllOfIt() async throws {
    let names = try await cpio(["cpio", "--quiet", "-t"])
    #expect(
      names == ["a", "a/b", "a/b/c", "a-b", "dev", "dev/console", "dev/vda", "init", "sbin"])
  }

  @Test(.enabled(if: HostTool.find("cpio") != nil))
  func cpioSeesModesDevicesAndLinks() async throws {
    let lines = try await cpio(["TZ=UTC", "cpio", "--quiet", "-tvn"])
    func line(_ name: String) -> String {
      lines.first { $0.hasSuffix(" " + name) || $0.contains(" \(name) -> ") } ?? ""
    }
    #expect(line("init").hasPrefix("-rwxr-xr-x   1 0        0              10 Jan  1  1970"))
    #expect(line("a/b/c").hasPrefix("-rwsr-xr-x"))
    #expect(line("dev/console").hasPrefix("crw-------"))
    #expect(line("dev/console").contains("5,   1"))
    #expect(line("dev/vda").hasPrefix("brw-rw----"))
    #expect(line("sbin").hasSuffix("sbin -> bin"))
    #expect(line("a").hasPrefix("drwxr-xr-x   2"))
  }

  @Test func orderOfAddingDoesNotMatter() {
    #expect(sample().bytes() == sample(reversed: true).bytes())
  }

  @Test func directoryComesBeforeWhatIsInIt() {
    let paths = sample().sorted.map(\.path)
    for (index, path) in paths.enumerated() {
      let parent = path.split(separator: "/").dropLast().joined(separator: "/")
      #expect(parent.isEmpty || paths[..<index].contains(parent))
    }
  }

  @Test func filesBeginAtAMultipleOfFour() throws {
    let bytes = sample().bytes()
    let place = try #require(bytes.firstRange(of: Array("#!/bin/sh".utf8)))
    #expect(place.lowerBound % 4 == 0)
    #expect(bytes.count % 512 == 0)
  }
}
