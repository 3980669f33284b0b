// SPDX-License-Identifier: Apache-2.0

/// What the events of a guest say of its boot. A pure value.
struct BootWatch {
  /// What was tried, for errors.
  let attempt: String
  /// QEMU's log, for errors.
  let qemuLog: String
  /// Whether a stall that RCU reports is the end of the boot.
  let endsOnStall: Bool

  /// What an event decides: success, or why the boot has failed.
  ///
  /// - Returns: nil while the boot goes on.
  func outcome(of event: GuestEvent) -> Result<Void, HypervisorError>? {
    switch event {
    case .agent(connected: true): return .success(())
    case .ended(let end): return .failure(end.error(attempt: attempt, log: qemuLog))
    case .finding(let finding) where finding.kind == .panic:
      return .failure(GuestEnd(cause: .died, panic: finding).error(attempt: attempt, log: qemuLog))
    case .finding(let finding) where endsOnStall && Self.isStalled(finding):
      return .failure(
        HypervisorError(
          .bootStalled, attempt: attempt,
          problem: "its kernel stalled before its agent answered (\(finding))",
          mend: "See the console from there on", finding: finding))
    case .started, .agent, .programChannel, .finding: return nil
    }
  }

  /// `rcu: INFO: rcu_sched detected stalls on CPUs/tasks:` and its kin. By then 21 seconds have passed
  /// without a step.
  private static func isStalled(_ finding: ConsoleFinding) -> Bool {
    finding.kind == .stall && finding.text.contains("rcu")
  }
}
