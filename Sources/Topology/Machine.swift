// SPDX-License-Identifier: Apache-2.0

/// The guest's processor, memory and IOMMU.
public struct Machine: Sendable, Hashable, Codable {
  /// QEMU's name of the CPU model; the kernel's peer-to-peer allowlist depends on it.
  public var cpu: String
  /// Virtual CPUs, 1 to 16.
  public var vcpus: Int
  /// Guest RAM.
  public var memory: ByteCount
  /// The virtual IOMMU, if any.
  public var iommu: IOMMU

  /// Makes a machine.
  public init(cpu: String, vcpus: Int, memory: ByteCount, iommu: IOMMU = IOMMU.none) {
    self.cpu = cpu
    self.vcpus = vcpus
    self.memory = memory
    self.iommu = iommu
  }
}

extension Machine {
  /// What a guest's RAM can be, in whole MiB.
  static let memories = ByteCount.mebibytes(256)...ByteCount.gibibytes(64)

  /// Why a guest can't have that much RAM, with the mend; nil if it can.
  public static func objection(toMemory memory: ByteCount) -> (message: String, mend: String)? {
    if memories.contains(memory), memory.bytes.isMultiple(of: ByteCount.mebibytes(1).bytes) {
      return nil
    }
    return (
      "a memory of \(memory) can't be used",
      "use whole MiB from \(memories.lowerBound) to \(memories.upperBound)"
    )
  }
}

/// What translates the guest's DMA.
public enum IOMMU: String, Sendable, Hashable, Codable, CaseIterable {
  /// Nothing: devices use guest physical addresses.
  case none
  /// QEMU's `intel-iommu`.
  case intel
}
