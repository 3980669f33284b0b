// SPDX-License-Identifier: Apache-2.0

/// An NVMe controller with its namespaces and the memory that it offers to peers.
public struct NVMeController: Sendable, Hashable, Codable {
  /// The name, which is the controller's serial number as well (20 characters at most).
  public var id: String
  /// The node above, nil for the root complex.
  public var bus: String?
  /// The Controller Memory Buffer in BAR 2 (NVMe 2.0c, 3.1.4 CMBLOC and CMBSZ), nil for none.
  public var cmb: ByteCount?
  /// The Persistent Memory Region in BAR 4 (NVMe 2.0c, 3.1.4 PMRCAP), nil for none.
  public var pmr: ByteCount?
  /// The controller's namespaces, in the order of the file.
  public var namespaces: [Namespace]

  /// Makes a controller.
  public init(
    id: String, bus: String? = nil, cmb: ByteCount? = nil, pmr: ByteCount? = nil,
    namespaces: [Namespace]
  ) {
    self.id = id
    self.bus = bus
    self.cmb = cmb
    self.pmr = pmr
    self.namespaces = namespaces
  }
}
