// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Finds the libraries that programs need, as the dynamic linker does (ld.so(8)), without running
/// anything: `ldd` would execute the file.
struct LibraryResolver: Sendable {
  /// A library, and whether a guest's dynamic linker finds it in its standard directories.
  struct Library: Hashable, Sendable {
    /// The name by which it is asked for.
    let name: String
    /// Path on the host.
    let path: FilePath
    /// The directory in which the guest must have it; nil for a standard one.
    let directory: FilePath?
  }

  /// What a set of programs needs.
  struct Needs: Hashable, Sendable {
    var interpreters: Set<String> = []
    var libraries: Set<Library> = []
  }

  private static let standardDirectories: [FilePath] = [
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib",
    "/usr/lib",
  ]

  private let directories: [FilePath]

  /// A resolver that searches the directories of this host's `/etc/ld.so.conf`, then the standard
  /// ones.
  init(configuration: FilePath = "/etc/ld.so.conf") {
    directories = LibraryResolver.directories(configuration) + LibraryResolver.standardDirectories
  }

  init(directories: [FilePath]) {
    self.directories = directories
  }

  /// All libraries that the files need, also indirectly.
  ///
  /// - Throws: `ArtifactError`: `input` for a malformed file, `missingTool` for a library that is
  ///   nowhere.
  func needs(of files: [FilePath]) throws(ArtifactError) -> Needs {
    var needs = Needs()
    var pending = files
    var seen: Set<FilePath> = []
    while let file = pending.popLast() {
      guard seen.insert(file).inserted else { continue }
      let bytes = try HostFiles.read(file)
      guard ELFFile.hasMagic(bytes) else { continue }
      let elf = try read(bytes, file)
      if let interpreter = elf.interpreter { needs.interpreters.insert(interpreter) }
      for name in elf.needed {
        guard let library = find(name, for: elf, at: file) else {
          throw ArtifactError(
            .missingTool, "\(file) needs the library \(name), which is nowhere on this host",
            mend: "install its package again: `dpkg -S \(file)` names it")
        }
        needs.libraries.insert(library)
        pending.append(library.path)
      }
    }
    return needs
  }

  private func read(_ bytes: [UInt8], _ file: FilePath) throws(ArtifactError) -> ELFFile {
    do throws(ELFFile.Malformed) {
      return try ELFFile(bytes)
    } catch {
      throw ArtifactError(
        .input, "\(file) \(error)",
        mend: "install its package again, or take it out of the manifest")
    }
  }

  private func find(_ name: String, for elf: ELFFile, at file: FilePath) -> Library? {
    if name.contains("/") {
      let path = FilePath(name)
      return isLibrary(path)
        ? Library(name: name, path: path, directory: path.removingLastComponent()) : nil
    }
    let origin = LibraryResolver.resolved(file).removingLastComponent().string
    for entry in elf.runPath {
      let directory = FilePath(
        entry.replacingOccurrences(of: "${ORIGIN}", with: origin)
          .replacingOccurrences(of: "$ORIGIN", with: origin)
      ).lexicallyNormalized()
      guard directory.isAbsolute, isLibrary(directory.appending(name)) else { continue }
      let standard = LibraryResolver.standardDirectories.contains(directory)
      return Library(
        name: name, path: directory.appending(name), directory: standard ? nil : directory)
    }
    for directory in directories where isLibrary(directory.appending(name)) {
      return Library(name: name, path: directory.appending(name), directory: nil)
    }
    return nil
  }

  /// The linker passes over files of another architecture, and so does this.
  private func isLibrary(_ path: FilePath) -> Bool {
    ELFFile.isForX8664(HostFiles.start(of: path, count: 20))
  }

  private static func resolved(_ path: FilePath) -> FilePath {
    FilePath(URL(fileURLWithPath: path.string).resolvingSymlinksInPath().path)
  }

  /// The directories of an ld.so.conf with its `include` lines; a level of inclusion is enough for
  /// every distribution, and a file that includes itself ends.
  private static func directories(_ file: FilePath, depth: Int = 0) -> [FilePath] {
    guard depth < 4, let text = try? HostFiles.text(file) else { return [] }
    var directories: [FilePath] = []
    for line in text.split(separator: "\n") {
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      if words.first == "include", let pattern = words.dropFirst().first {
        let base = FilePath(String(pattern))
        let suffix = base.lastComponent?.string.split(separator: "*").last.map(String.init) ?? ""
        let parent = base.removingLastComponent()
        for name in HostFiles.names(in: parent) where name.hasSuffix(suffix) {
          directories += self.directories(parent.appending(name), depth: depth + 1)
        }
      } else if let directory = words.first, directory.hasPrefix("/") {
        directories.append(FilePath(String(directory)))
      }
    }
    return directories
  }
}
