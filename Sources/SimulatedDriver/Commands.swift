// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// Commands by name; the driver fills in address space and fence.
extension crossbar_gpu_command {
  /// Nothing but its fence.
  public static var fenceOnly: Self { Self(CROSSBAR_GPU_FENCE_ONLY) }

  /// Copies `length` bytes.
  public static func copy(from source: UInt64, to target: UInt64, length: UInt64) -> Self {
    var command = Self(CROSSBAR_GPU_COPY)
    (command.source, command.target, command.length) = (source, target, length)
    return command
  }

  /// Fills with eight bytes in turn.
  public static func fill(_ target: UInt64, length: UInt64, with pattern: UInt64) -> Self {
    var command = Self(CROSSBAR_GPU_FILL)
    (command.target, command.length, command.operand) = (target, length, pattern)
    return command
  }

  /// The checksum of `length` bytes.
  public static func crc32c(_ source: UInt64, length: UInt64) -> Self {
    var command = Self(CROSSBAR_GPU_CRC32C)
    (command.source, command.length) = (source, length)
    return command
  }

  /// The first difference of two ranges.
  public static func compare(_ source: UInt64, _ target: UInt64, length: UInt64) -> Self {
    var command = Self(CROSSBAR_GPU_COMPARE)
    (command.source, command.target, command.length) = (source, target, length)
    return command
  }

  /// An atomic operation of `width` bytes.
  public static func atomic(
    _ operation: crossbar_gpu_atomic, _ target: UInt64, width: UInt64 = 8, _ operand: UInt64,
    compare: UInt64 = 0
  ) -> Self {
    var command = Self(CROSSBAR_GPU_ATOMIC)
    (command.target, command.length, command.operand) = (target, width, operand)
    (command.compare, command.atomic) = (compare, operation.rawValue)
    return command
  }

  /// Waits some microseconds.
  public static func delay(_ microseconds: UInt64) -> Self {
    var command = Self(CROSSBAR_GPU_DELAY)
    command.operand = microseconds
    return command
  }

  private init(_ opcode: crossbar_gpu_opcode) {
    self.init()
    self.opcode = opcode.rawValue
  }
}
