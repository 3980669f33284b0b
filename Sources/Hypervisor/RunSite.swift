// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A run's directory with the supervisor that answers for it.
///
/// libvirt's embedded driver can't be shut down again, and keeps to the root that it was first
/// opened with for the rest of the process's life. So within one process every embedded connection
/// shares one site; the last one to leave removes the directory, and the next one to come makes it
/// again.
final class RunSite: Sendable {
  let runtime: RuntimeDirectory
  let supervisor: Supervisor?

  private struct Shared {
    var site: RunSite?
    var users = 0
    /// The driver's root, once it has one, and the directories that it made there, all relative.
    var root: String?
    var directories: [String] = []
  }

  private static let shared = Mutex(Shared())

  /// Makes a site of its own.
  init(supervised: Bool, again: String? = nil) throws(HypervisorError) {
    supervisor = supervised ? try Supervisor.start() : nil
    do throws(HypervisorError) {
      runtime = try RuntimeDirectory.create(supervisor: supervisor, again: again)
    } catch {
      supervisor?.finish()
      throw error
    }
  }

  /// Ends what still runs there, and removes it.
  func remove() {
    Leftovers.end(root: runtime.path, quiet: .zero)
    runtime.remove()
    supervisor?.finish()
  }

  /// The site of the embedded driver.
  static func enterEmbedded(supervised: Bool, cache: String) throws(HypervisorError) -> RunSite {
    let result: Result<RunSite, HypervisorError> = shared.withLock { shared in
      Result { () throws(HypervisorError) in
        if let site = shared.site {
          shared.users += 1
          return site
        }
        let site = try RunSite(supervised: supervised, again: shared.root)
        do throws(HypervisorError) {
          try EmbeddedRoot.prepare(site.runtime.path, cache: cache)
        } catch {
          site.remove()
          throw error
        }
        for directory in shared.directories {
          try? FileManager.default.createDirectory(
            atPath: site.runtime.path + "/" + directory, withIntermediateDirectories: true)
        }
        shared.site = site
        shared.users = 1
        return site
      }
    }
    return try result.get()
  }

  /// The driver has accepted the site as its root, and made its directories.
  static func embeddedIsOpen() {
    shared.withLock { shared in
      guard shared.root == nil, let root = shared.site?.runtime.path else { return }
      shared.root = root
      let paths = FileManager.default.enumerator(atPath: root)
      while let path = paths?.nextObject() as? String {
        let type = paths?.fileAttributes?[.type] as? FileAttributeType
        if type == .typeDirectory { shared.directories.append(path) }
      }
    }
  }

  /// Leaves the embedded driver's site; the last one removes it.
  static func leaveEmbedded() {
    shared.withLock { shared in
      shared.users -= 1
      guard shared.users == 0 else { return }
      // Within the lock: who comes next makes the same directory.
      shared.site?.remove()
      shared.site = nil
    }
  }
}
