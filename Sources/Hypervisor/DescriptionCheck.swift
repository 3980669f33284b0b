// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology

/// Refuses descriptions that can't become a guest, before libvirt or QEMU would in words of theirs.
struct DescriptionCheck {
  let guest: GuestDescription

  init(_ guest: GuestDescription) {
    self.guest = guest
  }

  func run() throws(HypervisorError) {
    try name()
    try files()
    try texts()
    try nodes()
  }

  private func refuse(_ problem: String, _ mend: String) -> HypervisorError {
    HypervisorError(
      .invalidDescription, attempt: "describe the guest \(guest.name)", problem: problem, mend: mend
    )
  }

  /// It becomes part of socket paths.
  private func name() throws(HypervisorError) {
    let allowed = guest.name.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "."):
        true
      default: false
      }
    }
    guard allowed, !guest.name.isEmpty, guest.name.utf8.count <= 50, guest.name.first != "." else {
      throw refuse(
        "its name is empty, longer than 50 bytes, or has characters that a file name may not have",
        "Use letters, digits, `-`, `_` and `.`")
    }
  }

  private func files() throws(HypervisorError) {
    for controller in guest.topology.nvme {
      for namespace in controller.namespaces where guest.images[namespace.id] == nil {
        throw refuse(
          "namespace \(namespace.id) has no image", "Give the path of its image in `images`")
      }
      if controller.pmr != nil, guest.persistentMemory[controller.id] == nil {
        throw refuse(
          "the persistent memory region of \(controller.id) has no file",
          "Give its path in `persistentMemory`")
      }
    }
    for gpu in guest.topology.gpus where guest.gpuServers[gpu.id] == nil {
      throw refuse(
        "the ivshmem server of \(gpu.id) has no socket", "Give its path in `gpuServers`")
    }
  }

  /// XML can't hold control characters at all, and paths must be absolute: QEMU runs in another
  /// directory.
  private func texts() throws(HypervisorError) {
    let logs = [guest.logs.console, guest.logs.qemu, guest.logs.trace]
    let memory = Array(guest.gpuServers.values) + Array(guest.persistentMemory.values)
    let paths = [guest.kernel, guest.initramfs] + logs + memory + Array(guest.images.values)
    for path in paths where path.first != "/" {
      throw refuse("the path `\(path)` is not absolute", "Write it from the root on")
    }
    let texts = paths + guest.kernelArguments + guest.traceEvents + [guest.topology.machine.cpu]
    for text in texts where text.unicodeScalars.contains(where: { $0.value < 0x20 }) {
      throw refuse("`\(text.debugDescription)` has a control character", "Take it out")
    }
  }

  private func nodes() throws(HypervisorError) {
    let ids = Set(guest.topology.pcie.map(\.id))
    for placement in guest.topology.placements {
      guard let parent = placement.parent, !ids.contains(parent) else { continue }
      throw refuse(
        "\(placement.id) is plugged into \(parent), which does not exist", "Correct its `bus`")
    }
  }
}
