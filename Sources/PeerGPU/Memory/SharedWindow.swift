// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Glibc

/// Memory that a guest reads and writes at the same time, and its bounds.
///
/// Offsets may come from the guest: each access checks them, without overflow, and refuses what
/// lies outside. A value that is read twice may be two values: read once, then check the copy.
///
/// `@unchecked Sendable`: base and size never change. Whoever hands out a window keeps its mapping.
public struct SharedWindow: @unchecked Sendable {
  /// First byte of the window.
  public let base: UnsafeMutableRawPointer
  /// Bytes of the window.
  public let size: Int

  /// A window of `size` bytes from `base` on, which has to stay mapped for as long as it is used.
  public init(base: UnsafeMutableRawPointer, size: Int) {
    self.base = base
    self.size = size
  }

  /// Whether `count` bytes from `offset` on lie inside.
  @inline(__always)
  public func contains(_ offset: UInt64, _ count: Int) -> Bool {
    count >= 0 && count <= size && offset <= UInt64(truncatingIfNeeded: size &- count)
  }

  /// The address of `count` bytes from `offset` on, or nil if they don't all lie inside.
  @inline(__always)
  public func pointer(at offset: UInt64, count: Int) -> UnsafeMutableRawPointer? {
    guard contains(offset, count) else { return nil }
    return base + Int(truncatingIfNeeded: offset)
  }

  /// Copies bytes of the window to `target`, if they lie inside.
  public func read(at offset: UInt64, into target: UnsafeMutableRawBufferPointer) -> Bool {
    guard let source = pointer(at: offset, count: target.count) else { return false }
    if let start = target.baseAddress { memcpy(start, source, target.count) }
    return true
  }

  /// Copies `source` into the window, if it lies inside.
  public func write(_ source: UnsafeRawBufferPointer, at offset: UInt64) -> Bool {
    guard let target = pointer(at: offset, count: source.count) else { return false }
    if let start = source.baseAddress { memcpy(target, start, source.count) }
    return true
  }

  /// A copy of the value at `offset`, of a type that is plain bytes, or nil outside of the window.
  func load<Value: BitwiseCopyable>(_ offset: UInt64, as type: Value.Type) -> Value? {
    guard let source = pointer(at: offset, count: MemoryLayout<Value>.size) else { return nil }
    return source.loadUnaligned(as: type)
  }

  /// Stores a value of plain bytes, if it lies inside.
  @discardableResult
  func store<Value: BitwiseCopyable>(_ value: Value, at offset: UInt64) -> Bool {
    guard let target = pointer(at: offset, count: MemoryLayout<Value>.size) else { return false }
    target.storeBytes(of: value, as: Value.self)
    return true
  }
}
