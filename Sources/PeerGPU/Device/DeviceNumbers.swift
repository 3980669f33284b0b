// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// A command's opcode, `enum crossbar_gpu_opcode`.
enum Opcode: Sendable {
  case fenceOnly
  case copy
  case fill
  case crc32c
  case compare
  case atomic
  case delay

  init?(rawValue: UInt32) {
    switch rawValue {
    case CROSSBAR_GPU_FENCE_ONLY.rawValue: self = .fenceOnly
    case CROSSBAR_GPU_COPY.rawValue: self = .copy
    case CROSSBAR_GPU_FILL.rawValue: self = .fill
    case CROSSBAR_GPU_CRC32C.rawValue: self = .crc32c
    case CROSSBAR_GPU_COMPARE.rawValue: self = .compare
    case CROSSBAR_GPU_ATOMIC.rawValue: self = .atomic
    case CROSSBAR_GPU_DELAY.rawValue: self = .delay
    default: return nil
    }
  }

  /// Whether it takes data from one place and gives them to another.
  var hasPayload: Bool {
    switch self {
    case .copy, .fill, .crc32c, .compare: true
    case .fenceOnly, .atomic, .delay: false
    }
  }

  /// The name in the access log.
  var name: StaticString {
    switch self {
    case .fenceOnly: "fence"
    case .copy: "copy"
    case .fill: "fill"
    case .crc32c: "crc32c"
    case .compare: "compare"
    case .atomic: "atomic"
    case .delay: "delay"
    }
  }
}

/// What a DMA does, `enum crossbar_gpu_access`.
enum AccessKind: Sendable {
  case read
  case write
  case atomic

  init?(_ rawValue: UInt32) {
    switch rawValue {
    case CROSSBAR_GPU_READ.rawValue: self = .read
    case CROSSBAR_GPU_WRITE.rawValue: self = .write
    case CROSSBAR_GPU_ATOMIC_ACCESS.rawValue: self = .atomic
    default: return nil
    }
  }

  var rawValue: UInt32 {
    switch self {
    case .read: CROSSBAR_GPU_READ.rawValue
    case .write: CROSSBAR_GPU_WRITE.rawValue
    case .atomic: CROSSBAR_GPU_ATOMIC_ACCESS.rawValue
    }
  }

  /// The name in the access log.
  var name: StaticString {
    switch self {
    case .read: "read"
    case .write: "write"
    case .atomic: "atomic"
    }
  }

  /// Bits that an entry of the last level needs.
  var permission: UInt64 {
    switch self {
    case .read: CROSSBAR_GPU_PTE_VALID
    case .write: CROSSBAR_GPU_PTE_VALID | CROSSBAR_GPU_PTE_WRITABLE
    case .atomic: CROSSBAR_GPU_PTE_VALID | CROSSBAR_GPU_PTE_WRITABLE | CROSSBAR_GPU_PTE_ATOMIC
    }
  }

  /// Bits that the access leaves in the entry.
  var trace: UInt64 {
    switch self {
    case .read: CROSSBAR_GPU_PTE_ACCESSED
    case .write, .atomic: CROSSBAR_GPU_PTE_ACCESSED | CROSSBAR_GPU_PTE_DIRTY
    }
  }
}

/// Why an address space was stopped, `enum crossbar_gpu_error`.
enum DeviceError: Sendable {
  case badOpcode
  case badAddressSpace
  case badFence
  case badRoot
  case tooMany
  case badIndex
  case badReply

  var rawValue: UInt32 {
    switch self {
    case .badOpcode: CROSSBAR_GPU_BAD_OPCODE.rawValue
    case .badAddressSpace: CROSSBAR_GPU_BAD_ADDRESS_SPACE.rawValue
    case .badFence: CROSSBAR_GPU_BAD_FENCE.rawValue
    case .badRoot: CROSSBAR_GPU_BAD_ROOT.rawValue
    case .tooMany: CROSSBAR_GPU_TOO_MANY.rawValue
    case .badIndex: CROSSBAR_GPU_BAD_INDEX.rawValue
    case .badReply: CROSSBAR_GPU_BAD_REPLY.rawValue
    }
  }
}
