// SPDX-License-Identifier: Apache-2.0

/// A contiguous run of one DMA: one line of the access log.
struct Access {
  /// Virtual address of its first byte.
  var virtual: UInt64
  /// Bus address of its first byte, or offset in video memory.
  var bus: UInt64
  /// The same as the log has it.
  var logged: UInt64
  /// Bytes, more than 0.
  var length: Int
  /// The first byte, if it is mapped.
  var pointer: UnsafeMutableRawPointer?
  /// Index of the port, -1 for a master abort.
  var port: Int
  var kind: DMAPortKind
  /// What the log says; differs from `kind` only by an injected fault.
  var loggedKind: DMAPortKind
  /// The driver's map generation, modulo CROSSBAR_GPU_PTE_GENERATIONS.
  var generation: UInt16
}
