// SPDX-License-Identifier: Apache-2.0

/// Judges whether the values of a topology fit together and can be built.
///
/// Reads as a list of rules; the first one that is broken is thrown, with its place in the file.
struct TopologyValidator {
  let topology: Topology
  let source: SourceMap

  typealias Path = [SourceMap.Step]

  /// QEMU's NVME_MAX_NAMESPACES.
  private static let maximumNamespaces = 256

  func validate() throws(TopologyError) {
    try checkName()
    try checkMachine()
    try checkIdentifiers()
    try BusValidator(topology: topology, source: source).validate()
    try checkPeerMemory()
    try checkNamespaces()
    try RouteValidator(topology: topology, source: source).validate()
  }

  // MARK: Names

  private func checkName() throws(TopologyError) {
    let form = topology.name.utf8.allSatisfy { Self.isIdentifierByte($0) }
    guard form, topology.name.utf8.count <= 64 else {
      throw source.error(
        at: ["name"], "the name `\(topology.name.prefix(80))` can't be typed on a command line",
        mend: "use at most 64 small letters, digits and `-`")
    }
  }

  private func checkIdentifiers() throws(TopologyError) {
    var seen: [String: Path] = [:]
    for (id, path) in identifiers {
      guard Self.isIdentifier(id) else {
        throw source.error(
          at: path, "`\(id.prefix(80))` is not a usable id",
          mend: "use a small letter, then small letters, digits and `-`, at most 20 in all")
      }
      if let first = seen.updateValue(path, forKey: id) {
        throw source.error(
          at: path, "the id `\(id)` is already used on line \(source.line(of: first))",
          mend: "choose another one; nodes, devices and namespaces share one set of ids")
      }
    }
  }

  /// All ids with the place of each, in the order of the file's sections.
  private var identifiers: [(id: String, path: Path)] {
    var found: [(id: String, path: Path)] = []
    for (i, node) in topology.pcie.enumerated() {
      found.append((node.id, ["pcie", .index(i), "id"]))
    }
    for (i, controller) in topology.nvme.enumerated() {
      found.append((controller.id, ["nvme", .index(i), "id"]))
      for (n, namespace) in controller.namespaces.enumerated() {
        found.append((namespace.id, ["nvme", .index(i), "namespaces", .index(n), "id"]))
      }
    }
    for (i, gpu) in topology.gpus.enumerated() {
      found.append((gpu.id, ["gpu", .index(i), "id"]))
    }
    return found
  }

  private static func isIdentifier(_ id: String) -> Bool {
    guard let first = id.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else {
      return false
    }
    return id.utf8.count <= 20 && id.utf8.allSatisfy { isIdentifierByte($0) }
  }

  private static func isIdentifierByte(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
  }

  // MARK: Machine

  private func checkMachine() throws(TopologyError) {
    let machine = topology.machine
    guard machine.cpu.utf8.allSatisfy({ Self.isModelByte($0) }) else {
      throw source.error(
        at: ["machine", "cpu"], "`\(machine.cpu.prefix(40))` is not a CPU model",
        mend: "`qemu-system-x86_64 -cpu help` lists them")
    }
    guard (1...16).contains(machine.vcpus) else {
      throw source.error(
        at: ["machine", "vcpus"], "\(machine.vcpus) vcpus are out of range",
        mend: "use 1 to 16")
    }
    if let objection = Machine.objection(toMemory: machine.memory) {
      throw source.error(at: ["machine", "memory"], objection.message, mend: objection.mend)
    }
  }

  private static func isModelByte(_ byte: UInt8) -> Bool {
    let scalar = Character(UnicodeScalar(byte))
    return scalar.isASCII && (scalar.isLetter || scalar.isNumber || "-_.".contains(scalar))
  }

  // MARK: Peer memory

  private func checkPeerMemory() throws(TopologyError) {
    for (i, controller) in topology.nvme.enumerated() {
      if let cmb = controller.cmb {
        try check(
          cmb, "the CMB", at: ["nvme", .index(i), "cmb"], from: .mebibytes(2),
          because: "Linux registers peer memory in pieces of 2MiB")
      }
      if let pmr = controller.pmr {
        try check(
          pmr, "the PMR", at: ["nvme", .index(i), "pmr"], from: ByteCount(bytes: 4096),
          because: "it is made of pages")
      }
    }
    for (i, gpu) in topology.gpus.enumerated() {
      try check(
        gpu.videoMemory, "the video memory", at: ["gpu", .index(i), "video-memory"],
        from: .mebibytes(8),
        because: "the control page and the rings have its first 2MiB, and the "
          + "aperture has its second half")
    }
  }

  /// A BAR is a power of two; `minimum` has a reason.
  private func check(
    _ size: ByteCount, _ what: String, at path: Path, from minimum: ByteCount,
    because reason: String
  ) throws(TopologyError) {
    let maximum = ByteCount.gibibytes(4)
    guard size.isPowerOfTwo else {
      var mend = "a BAR has 2, 4, 8 ... bytes"
      if size > minimum, size < maximum {
        let below = ByteCount(bytes: 1 << (63 - UInt64(size.bytes.leadingZeroBitCount)))
        mend = "use \(below) or \(ByteCount(bytes: below.bytes << 1))"
      }
      throw source.error(at: path, "\(what) of \(size) is no power of two", mend: mend)
    }
    guard size >= minimum else {
      throw source.error(
        at: path, "\(what) of \(size) is too small, since \(reason)",
        mend: "use at least \(minimum)")
    }
    guard size <= maximum else {
      throw source.error(
        at: path, "\(what) of \(size) is too large for a guest", mend: "use at most \(maximum)")
    }
  }

  // MARK: Namespaces

  private func checkNamespaces() throws(TopologyError) {
    for (i, controller) in topology.nvme.enumerated() {
      for (n, namespace) in controller.namespaces.enumerated() {
        try check(namespace, at: ["nvme", .index(i), "namespaces", .index(n)])
      }
    }
    let count = topology.namespaces.count
    guard count <= Self.maximumNamespaces else {
      throw source.error(
        at: ["nvme"], "\(count) namespaces are too many for one guest",
        mend: "use at most \(Self.maximumNamespaces)")
    }
  }

  private func check(_ namespace: Namespace, at path: Path) throws(TopologyError) {
    guard namespace.lba == 512 || namespace.lba == 4096 else {
      throw source.error(
        at: path + ["lba"],
        "`\(namespace.id)` has logical blocks of \(namespace.lba) bytes", mend: "use 512 or 4096")
    }
    guard namespace.size.bytes % UInt64(namespace.lba) == 0 else {
      throw source.error(
        at: path + ["size"],
        "the size \(namespace.size) of `\(namespace.id)` is no multiple of its logical block, "
          + "\(namespace.lba) bytes", mend: "use whole MiB")
    }
    let minimum = namespace.filesystem.minimumSize
    guard namespace.size >= minimum else {
      throw source.error(
        at: path + ["size"],
        "\(namespace.size) is too small for \(namespace.filesystem.rawValue) in `\(namespace.id)`",
        mend: "use at least \(minimum)")
    }
    let maximum = ByteCount.gibibytes(1024)
    guard namespace.size <= maximum else {
      throw source.error(
        at: path + ["size"], "\(namespace.size) is too large for `\(namespace.id)`",
        mend: "use at most \(maximum)")
    }
  }
}
