// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct InitramfsManifestTests {
  private func manifest(_ text: String) throws -> InitramfsManifest {
    try InitramfsManifest(text: "crossbar: crossbar.initramfs/1\n" + text, file: "i.yaml")
  }

  @Test func projectsOwnManifestIsReadable() throws {
    let text = try HostFiles.text(project.path("images/guest/initramfs.yaml"))
    let manifest = try InitramfsManifest(text: text, file: "initramfs.yaml")
    #expect(manifest.files.contains { $0.path == "/init" && $0.permissions == 0o755 })
    #expect(manifest.programs.contains { $0.host == "qemu-ga" })
    #expect(manifest.nodes.contains { $0.path == "/dev/console" && $0.major == 5 })
  }

  @Test(arguments: [
    "files: [{path: init, text: x}]", "files: [{path: /a/../b, text: x}]",
    "files: [{path: /a}]", "files: [{path: /a, text: x, from: y}]",
    "files: [{path: /a, text: x, mode: 0o10000}]", "nodes: [{path: /a, type: pipe}]",
    "nodes: [{path: /a, type: char, major: 5}]", "programs: [{path: /a}]", "surprise: 1",
  ])
  func refuses(_ text: String) {
    let error = #expect(throws: ArtifactError.self) { try manifest(text) }
    #expect(error?.message.hasPrefix("i.yaml:") == true)
  }

  @Test func missingProgramNamesItsPackage() async throws {
    let directory = try TemporaryDirectory()
    try directory.write(
      "images/guest/initramfs.yaml",
      """
      crossbar: crossbar.initramfs/1
      programs: [{path: /bin/x, host: no-such-program, package: no-such-package}]
      """)
    let artifact = InitramfsArtifact(
      project: ProjectFiles(root: directory.path),
      store: ArtifactStore(root: directory.path.appending("cache")))
    let error = await #expect(throws: ArtifactError.self) { try await artifact.resolve() }
    #expect(error?.kind == .missingTool)
    #expect(error?.mend == "install it with `apt-get install no-such-package`")
  }

  @Test func archiveHasFilesBehindLinkedDirectories() async throws {
    let directory = try TemporaryDirectory()
    try directory.write("images/kernel/kernel.yaml", "")
    try directory.write("images/guest/init", "#!/bin/busybox sh\n")
    try directory.write(
      "images/guest/initramfs.yaml",
      """
      crossbar: crossbar.initramfs/1
      directories: [/bin, /lib]
      links: [{path: /lib64, to: lib}, {path: /sbin, to: bin}]
      files: [{path: /init, from: images/guest/init, mode: 0o755}]
      programs: [{path: /bin/busybox, host: busybox}, {path: /sbin/e2fsck, host: e2fsck}]
      applets: /bin/busybox
      """)
    let store = ArtifactStore(root: directory.path.appending("cache"))
    let artifact = InitramfsArtifact(project: ProjectFiles(root: directory.path), store: store)
    let path = try await artifact.resolve()
    let names = Set(
      try await Command("/bin/sh", ["-c", "cpio --quiet -t < \(path)"]).check("listing", mend: ""))
    for name in [
      "init", "bin/busybox", "bin/sh", "bin/mount", "bin/e2fsck", "lib/libc.so.6",
      "lib/libext2fs.so.2", "lib/ld-linux-x86-64.so.2", "sbin", "lib64",
    ] {
      #expect(names.contains(name), "\(name)")
    }
    #expect(!names.contains { $0.hasPrefix("sbin/") || $0.hasPrefix("lib64/") })

    #expect(try await artifact.resolve() == path)
    try directory.write("images/guest/init", "#!/bin/busybox sh\necho changed\n")
    #expect(try await artifact.resolve() != path)
  }
}
