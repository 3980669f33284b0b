// SPDX-License-Identifier: Apache-2.0

/// The UNIX sockets of a guest's channels, on the host.
struct GuestSockets: Sendable, Hashable {
  /// Name of the guest agent's port, in the guest below /dev/virtio-ports.
  static let agentPort = "org.qemu.guest_agent.0"
  /// Name of the port that carries a program's input and output.
  static let programPort = "org.crossbar.program.0"
  /// libvirt's name for the program port's device, which QEMU's events carry.
  static let programDevice = GuestDescription.deviceName("program")

  var agent: String
  var program: String
  /// QEMU's qtest port, which reads and writes any bus address.
  var qtest: String

  /// The sockets of guest `name` in a run's directory, short enough for `sockaddr_un`.
  init(directory: String, name: String) {
    agent = "\(directory)/\(name).agent"
    program = "\(directory)/\(name).program"
    qtest = "\(directory)/\(name).qtest"
  }
}
