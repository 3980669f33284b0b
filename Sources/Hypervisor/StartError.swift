// SPDX-License-Identifier: Apache-2.0

/// What libvirt's refusal to start a guest means, and what to do about it.
enum StartError {
  /// A reason that is known by its words.
  private struct Reason {
    /// What libvirt's or QEMU's message has.
    var mark: String
    /// The request is at fault, not the host.
    var isRequest = false
    var mend: String
  }

  static func explain(
    _ failure: LibvirtFailure, _ description: GuestDescription
  ) -> HypervisorError {
    let reason = reasons(description).first { failure.message.contains($0.mark) }
    return HypervisorError(
      reason?.isRequest == true ? .invalidDescription : .start,
      attempt: "start the guest \(description.name)", problem: lastLines(failure.message),
      mend: reason?.mend ?? "See \(description.logs.qemu)")
  }

  /// libvirt quotes QEMU's log; the reason is at its end.
  private static func lastLines(_ message: String) -> String {
    let lines = message.split(separator: "\n").filter { !$0.contains(": warning: ") }
    return lines.suffix(4).joined(separator: "; ")
  }

  private static func reasons(_ description: GuestDescription) -> [Reason] {
    let topology = description.topology
    return [
      Reason(
        mark: "\" lock",
        mend: "Another QEMU has the image: find it with `pgrep -af qemu-system` and end it"),
      Reason(
        mark: "No space left", mend: "Free some space, or put the run elsewhere with --output"),
      Reason(
        mark: "Cannot allocate memory", mend: "Give the machine less memory in the topology"),
      Reason(
        mark: "Could not access KVM",
        mend: "Add yourself to the group kvm; `crossbar doctor` says whether KVM works then"),
      Reason(
        mark: "CPU model", isRequest: true,
        mend: "Correct `cpu: \(topology.machine.cpu)` in the topology \(topology.name); "
          + "`virsh cpu-models x86_64` lists the models"),
      Reason(
        mark: "CPU mode 'host-passthrough'", isRequest: true,
        mend: "`cpu: host` needs KVM, which does not work here: write `cpu: max` or a model in the "
          + "topology \(topology.name)"),
      Reason(
        mark: "No such file or directory", mend: "Make the missing file, or correct its path"),
      Reason(mark: "Permission denied", mend: "Give your user access to the file"),
    ]
  }
}
