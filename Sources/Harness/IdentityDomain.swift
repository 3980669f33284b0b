// SPDX-License-Identifier: Apache-2.0

/// The IOMMU domain that passes DMA through as it is.
enum IdentityDomain {
  /// Why a device's domain is not it, and what to do; nil if it is.
  ///
  /// - Parameters:
  ///   - type: the content of the `type` of the device's IOMMU group; nil if there is none.
  ///   - device: what to call the device.
  static func objection(toType type: [UInt8]?, of device: String) -> String? {
    guard let type else {
      return """
        The guest's kernel shows no IOMMU domain of \(device), so nothing proves that the IOMMU passes \
        DMA through: it needs CONFIG_INTEL_IOMMU. Take another kernel, or a topology with `iommu: none`.
        """
    }
    let text = String(decoding: type.prefix { $0 != 0x0A }.prefix(32), as: UTF8.self)
    guard text != "identity" else { return nil }
    let domain = text.filter { $0.isASCII && ($0.isLetter || $0 == "-") }
    return """
      The guest's kernel was given iommu.passthrough=1, but the IOMMU domain of \(device) is \
      '\(domain)', not 'identity': nothing translates the DMA of a GPU's engine, which would reach the \
      wrong memory. Take another kernel, or a topology with `iommu: none`.
      """
  }
}
