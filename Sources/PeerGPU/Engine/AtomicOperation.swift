// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU

/// What an ATOMIC command asks for.
struct AtomicOperation {
  private enum Kind {
    case add
    case swap
    case compareAndSwap
  }

  /// Bytes: 4 or 8.
  let width: Int
  private let kind: Kind
  private let operand: UInt64
  private let compare: UInt64

  /// nil if there is no such operation.
  init?(_ command: crossbar_gpu_command) {
    switch command.atomic {
    case CROSSBAR_GPU_ATOMIC_ADD.rawValue: kind = .add
    case CROSSBAR_GPU_ATOMIC_SWAP.rawValue: kind = .swap
    case CROSSBAR_GPU_ATOMIC_CAS.rawValue: kind = .compareAndSwap
    default: return nil
    }
    guard command.length == 4 || command.length == 8 else { return nil }
    width = Int(command.length)
    operand = command.operand
    compare = command.compare
  }

  /// Does it in memory that is mapped and aligned to the width.
  ///
  /// - Returns: what was there before.
  func perform(at address: UnsafeMutableRawPointer) -> UInt64 {
    if width == 8 {
      switch kind {
      case .add: return crossbar_add64(address, operand)
      case .swap: return crossbar_swap64(address, operand)
      case .compareAndSwap: return crossbar_cas64(address, compare, operand)
      }
    }
    let operand = UInt32(truncatingIfNeeded: operand)
    switch kind {
    case .add: return UInt64(crossbar_add32(address, operand))
    case .swap: return UInt64(crossbar_swap32(address, operand))
    case .compareAndSwap:
      return UInt64(crossbar_cas32(address, UInt32(truncatingIfNeeded: compare), operand))
    }
  }

  /// What is there afterwards, for a bus without atomics; nil if nothing is to be written.
  func result(of before: UInt64) -> UInt64? {
    switch kind {
    case .add: before &+ operand
    case .swap: operand
    case .compareAndSwap: before == (width == 8 ? compare : compare & 0xffff_ffff) ? operand : nil
    }
  }
}
