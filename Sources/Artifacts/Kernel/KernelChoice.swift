// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Which kernel a guest boots.
public enum KernelChoice: Hashable, Sendable {
  /// A flavour of `images/kernel/kernel.yaml`, nil for the default one, with more patches on top of
  /// its own.
  case flavour(String?, patches: [FilePath] = [])
  /// A user's own tree, built outside of it and again only where it changed, with the configuration
  /// of a flavour.
  ///
  /// `withDriver` also applies the flavour's patches and files to the tree; otherwise it stays as it
  /// is, and the options of those files are left out when it lacks them.
  case tree(FilePath, withDriver: Bool, flavour: String? = nil)
  /// A finished bzImage.
  case image(FilePath)

  /// What `--kernel` means: a path when it holds a slash or names a file, else a flavour.
  public init(parsing text: String) {
    self = KernelChoice.isPath(text) ? .image(FilePath(text)) : .flavour(text)
  }

  /// Whether what `--kernel` was given is the path of a finished image.
  public static func isPath(_ text: String) -> Bool {
    text.contains("/") || HostFiles.exists(FilePath(text))
  }
}

/// A kernel that a guest can boot.
public struct KernelImage: Hashable, Sendable {
  /// The bzImage, an absolute path.
  public let path: FilePath
  /// Its release, such as `7.2.13`.
  public let release: String
  /// Where its sources came from, for the record.
  public let origin: String
  /// The flavour whose configuration, and mostly also patches, it has; nil for a finished image.
  public var flavour: String?
  /// The configuration; nil for a finished image without one beside it.
  public let config: FilePath?
  /// `System.map`; nil for a finished image.
  public let symbols: FilePath?
  /// The ELF file for a debugger; nil for a finished image.
  public let vmlinux: FilePath?
  /// A directory with the modules that the guest loads (`NAME.ko`); nil if there are none.
  public let modules: FilePath?

  /// Whether a driver is among the modules, and so not in the image.
  public func hasModule(_ name: String) -> Bool {
    modules.map { HostFiles.exists($0.appending("\(name).ko")) } ?? false
  }
}
