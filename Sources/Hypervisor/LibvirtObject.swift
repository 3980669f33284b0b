// SPDX-License-Identifier: Apache-2.0

import CLibvirt

/// A reference to one of libvirt's objects, given back when the last owner lets go of it.
///
/// `@unchecked Sendable` because libvirt's objects are opaque pointers, which Swift can't judge:
/// libvirt guarantees that connections and domains may be used from several threads at once, the
/// pointer never changes, and it is released exactly once, in `deinit`.
final class LibvirtObject: @unchecked Sendable {
  let pointer: OpaquePointer
  private let release: @Sendable (OpaquePointer) -> Void

  init(_ pointer: OpaquePointer, release: @escaping @Sendable (OpaquePointer) -> Void) {
    self.pointer = pointer
    self.release = release
  }

  deinit { release(pointer) }
}

/// What libvirt said about a call that failed.
struct LibvirtFailure: Error, Hashable {
  var code: Int32
  var message: String

  /// The calling thread's last error. Only right after the failed call, and on the same thread:
  /// libvirt keeps it per thread.
  static func last() -> LibvirtFailure {
    guard let error = virGetLastError() else {
      return LibvirtFailure(code: 0, message: "libvirt gave no reason")
    }
    let message = error.pointee.message.map { String(cString: $0) } ?? "error \(error.pointee.code)"
    return LibvirtFailure(code: error.pointee.code, message: message)
  }

  func `is`(_ number: virErrorNumber) -> Bool { code == Int32(bitPattern: number.rawValue) }
}
