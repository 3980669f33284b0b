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

/// What translates the guest's DMA.
public enum IOMMU: String, Sendable, Hashable, Codable, CaseIterable {
  /// Nothing: devices use guest physical addresses.
  case none
  /// QEMU's `intel-iommu`.
  case intel
}
