// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The header of an x86 kernel image (Linux, Documentation/arch/x86/boot.rst).
public struct BzImage: Hashable, Sendable {
  /// The release, such as `7.2.13`: the first word of the version text.
  public let release: String
  /// The whole version text, with the build's user and date.
  public let version: String

  /// Reads a file's header and refuses what QEMU could not boot as a 64-bit kernel.
  ///
  /// - Throws: `ArtifactError` of kind `input` that says what the file is not.
  public init(path: FilePath) throws(ArtifactError) {
    if HostFiles.isDirectory(path) {
      throw ArtifactError(
        .input, "\(path) is a directory, not a kernel image",
        mend: "for a kernel tree use --tree, else name its arch/x86/boot/bzImage")
    }
    try self.init(HostFiles.read(path), name: path.string)
  }

  init(_ bytes: [UInt8], name: String) throws(ArtifactError) {
    func refuse(_ reason: String) -> ArtifactError {
      ArtifactError(
        .input, "\(name) is no kernel that can be booted: \(reason)",
        mend: "name an x86-64 bzImage (arch/x86/boot/bzImage of a built tree, or /boot/vmlinuz-*)")
    }
    func word(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }

    guard bytes.count >= 0x268 else { throw refuse("it has only \(bytes.count) bytes") }
    if bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) {
      throw refuse("it is an ELF file, perhaps the uncompressed vmlinux")
    }
    guard bytes[0x202..<0x206].elementsEqual("HdrS".utf8) else {
      throw refuse("the magic `HdrS` at offset 0x202 is missing")
    }
    // Protocol 2.12 brought xloadflags, which says that there is a 64-bit entry.
    guard word(0x206) >= 0x020C else {
      throw refuse("boot protocol \(bytes[0x207]).\(bytes[0x206]) is older than 2.12")
    }
    guard bytes[0x211] & 1 != 0 else { throw refuse("it is a zImage, loaded low") }
    guard word(0x236) & 1 != 0 else { throw refuse("it has no 64-bit entry point") }
    let start = word(0x20E) + 0x200
    guard word(0x20E) != 0, start < bytes.count,
      let end = bytes[start..<min(start + 512, bytes.count)].firstIndex(of: 0)
    else { throw refuse("its version text lies outside of the file") }
    version = String(decoding: bytes[start..<end], as: UTF8.self)
    guard let first = version.split(separator: " ").first, first.first?.isNumber == true else {
      throw refuse("its version text is `\(version)`")
    }
    release = String(first)
  }
}
