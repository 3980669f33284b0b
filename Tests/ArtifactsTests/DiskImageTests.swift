// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenData
import SystemPackage
import Testing
import Topology

@testable import Artifacts

@Suite struct DiskImageTests {
  let directory: TemporaryDirectory
  let store: ArtifactStore

  init() throws {
    directory = try TemporaryDirectory()
    store = ArtifactStore(root: directory.path)
  }

  private func artifact(
    _ id: String, _ filesystem: FileSystem, mebibytes: UInt32, lba: Int = 512
  ) -> DiskImageArtifact {
    DiskImageArtifact(
      namespace: Namespace(
        id: id, nsid: 1, size: .mebibytes(mebibytes), lba: lba, filesystem: filesystem),
      project: project, store: store)
  }

  /// The offset of a file's first block in a raw image, if all of it follows from there.
  private func place(of file: GoldenImageFile, in image: [UInt8]) -> Int? {
    let wanted = file.content.bytes(from: 0, count: Int(file.size))
    for offset in stride(from: 0, to: image.count - wanted.count, by: 4096) {
      let found = image.withUnsafeBytes { bytes in
        bytes.baseAddress.map { memcmp($0 + offset, wanted, wanted.count) }
      }
      if found == 0 { return offset }
    }
    return nil
  }

  @Test(arguments: [(FileSystem.ext4, UInt32(64), 512), (.ext4, 256, 4096), (.xfs, 300, 4096)])
  func goldenFilesLieInTheRawImage(
    _ filesystem: FileSystem, _ mebibytes: UInt32, _ lba: Int
  ) async throws {
    let path = try await artifact("ns0", filesystem, mebibytes: mebibytes, lba: lba).resolve()
    let image = try HostFiles.read(path)
    #expect(image.count == Int(mebibytes) << 20)
    for file in GoldenImageFile.all { #expect(place(of: file, in: image) != nil) }
    #expect(SparseFile.allocatedBytes(of: path) < 40 << 20)
  }

  @Test func copyIsEqualSparseAndItsOwn() async throws {
    let template = try await artifact("ns0", .ext4, mebibytes: 128).resolve()
    let copy = directory.path.appending("copy.raw")
    try DiskImageArtifact.instantiate(template, to: copy)
    let original = try FileDigest.sha256(of: template)
    #expect(try FileDigest.sha256(of: copy) == original)
    #expect(SparseFile.allocatedBytes(of: copy) < 40 << 20)
    let file = try FileDescriptor.open(copy, .readWrite)
    _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: 5000, [1, 2, 3]) }
    #expect(try FileDigest.sha256(of: template) == original)
  }

  @Test func namespacesOfOneGuestHaveUUIDsOfTheirOwn() {
    let first = artifact("ns0", .xfs, mebibytes: 400).uuid
    let second = artifact("ns1", .xfs, mebibytes: 400).uuid
    #expect(first != second)
    #expect(first == artifact("ns0", .xfs, mebibytes: 400).uuid)
    #expect(UUID(uuidString: first) != nil)
  }

  @Test func namespaceThatIsTooSmallIsRefusedWithTheSizeThatFits() async {
    let error = await #expect(throws: ArtifactError.self) {
      try await artifact("ns0", .xfs, mebibytes: 200).resolve()
    }
    #expect(error?.kind == .input)
    #expect(error?.mend.contains("300MiB") == true)
  }

  @Test(.enabled(if: HostFiles.exists("/dev/full")))
  func fullDiskSaysWhatIsNeededAndWhere() {
    let error = HostFiles.failure("write", "/tmp/x", .noSpace)
    #expect(error.kind == .diskFull)
    #expect(error.message.contains("/tmp/x"))
    let space = #expect(throws: ArtifactError.self) {
      try HostFiles.requireSpace(.max, at: "/tmp/not/yet/there", for: "copying", mend: "free some")
    }
    #expect(space?.kind == .diskFull)
    #expect(space?.message.contains("/tmp/not/yet/there") == true)
  }
}
