// SPDX-License-Identifier: Apache-2.0

/// What libvirt's refusal to start a guest means, and what to do about it.
enum StartError {
  static func explain(
    _ failure: LibvirtFailure, _ description: GuestDescription
  ) -> HypervisorError {
    HypervisorError(
      .start, attempt: "start the guest \(description.name)", problem: lastLines(failure.message),
      mend: mend(failure.message, description))
  }

  /// libvirt quotes QEMU's log; the reason is at its end.
  private static func lastLines(_ message: String) -> String {
    let lines = message.split(separator: "\n").filter { !$0.contains(": warning: ") }
    return lines.suffix(4).joined(separator: "; ")
  }

  private static func mend(_ message: String, _ description: GuestDescription) -> String {
    let known: [(mark: String, mend: String)] = [
      (
        "\" lock",
        "Another QEMU has the image: end it (`crossbar doctor` names what was left behind)"
      ),
      ("No space left", "Free some space, or put the run elsewhere with --output"),
      ("Cannot allocate memory", "Give the machine less memory in the topology"),
      ("Could not access KVM", "Run with the accelerator tcg"),
      ("CPU model", "Correct `cpu` in the topology; `virsh cpu-models x86_64` lists them"),
      ("No such file or directory", "Make the missing file, or correct its path"),
      ("Permission denied", "Give your user access to the file"),
    ]
    return known.first { message.contains($0.mark) }?.mend ?? "See \(description.logs.qemu)"
  }
}
