// SPDX-License-Identifier: Apache-2.0

/// What the engine is to do wrong, to try the driver and the DMA sanitizer.
///
/// Written as text: `drop-doorbell=3,tear-dma,seed=9`. The same value does the same to the same
/// sequence of events.
public struct FaultInjection: Sendable, Codable, Equatable, CustomStringConvertible {
  /// One way to do wrong. What its number means is said with each; of what is counted, number n
  /// means the nth since ``GPUDevice/inject(_:resuming:)``, and 0 each of them.
  public enum Switch: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// Milliseconds between a doorbell and its service. Resets are served meanwhile.
    case delayDoorbell = "delay-doorbell"
    /// This doorbell (command or control) is not heard.
    case dropDoorbell = "drop-doorbell"
    /// Milliseconds between the service of a control ring's entry and its acknowledgment.
    case delayAcknowledgment = "delay-acknowledgment"
    /// The data of COPY, FILL and CRC32C move in small pieces in random order.
    case tearDMA = "tear-dma"
    /// This DMA is not done and fails.
    case failDMA = "fail-dma"
    /// A DELAY that begins while this is on lasts until it is off, whatever its time; no number. What
    /// comes behind it waits for a moment that a program chooses, not for one that it may miss.
    case holdDelay = "hold-delay"
    /// When this command is taken, everything stands still until a reset.
    case stall = "stall"
    /// This invalidation is acknowledged, but the TLB keeps its entries.
    case ignoreInvalidation = "ignore-invalidation"
    /// Milliseconds between the acknowledgment of an invalidation and its effect.
    case lateInvalidation = "late-invalidation"
    /// One bit of this DMA's data is wrong.
    case flipBit = "flip-bit"
    /// This DMA goes to an address that the page table doesn't name, where nobody is.
    case strayAddress = "stray-address"
    /// This command's fence is never signalled.
    case loseFence = "lose-fence"
    /// This DMA says that it took the peer's path where it took system memory's, or the reverse.
    case wrongPath = "wrong-path"

    /// The number that a name without one stands for; nil if it needs one.
    var standard: UInt64? {
      switch self {
      case .delayDoorbell, .delayAcknowledgment, .lateInvalidation: nil
      case .tearDMA, .holdDelay, .ignoreInvalidation: 0
      case .dropDoorbell, .failDMA, .stall, .flipBit, .strayAddress, .loseFence, .wrongPath: 1
      }
    }
  }

  /// Start of the generator that places pieces, bits and addresses.
  public var seed: UInt64
  /// The switches that are on, and their numbers.
  public var switches: [Switch: UInt64]

  /// Does nothing wrong.
  public static let none = FaultInjection()

  /// The given switches with their numbers.
  public init(_ switches: [Switch: UInt64] = [:], seed: UInt64 = 1) {
    self.switches = switches
    self.seed = seed
  }

  /// Reads the text form: names with or without `=number`, between commas.
  public init(parsing text: String) throws(FaultInjectionError) {
    self.init()
    for part in text.split(separator: ",") {
      let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = pieces.first.map(String.init) ?? ""
      var number: UInt64?
      if pieces.count == 2 {
        guard let value = UInt64(pieces[1]) else {
          throw FaultInjectionError(problem: "`\(part)` has no number after `=`")
        }
        number = value
      }
      if name == "seed", let number {
        seed = number
        continue
      }
      guard let found = Switch(rawValue: name) else {
        let names = Switch.allCases.map(\.rawValue).joined(separator: ", ")
        throw FaultInjectionError(problem: "there is no `\(name)`; there are \(names)")
      }
      guard let value = number ?? found.standard else {
        throw FaultInjectionError(problem: "say `\(name)=` and a number of milliseconds")
      }
      switches[found] = value
    }
  }

  /// These switches and those of `other`, whose numbers win; the seed stays.
  public func adding(_ other: FaultInjection) -> FaultInjection {
    FaultInjection(switches.merging(other.switches) { $1 }, seed: seed)
  }

  /// The text form, in the order of the switches' declaration.
  public var description: String {
    let named = Switch.allCases.compactMap { found in
      switches[found].map { "\(found.rawValue)=\($0)" }
    }
    return (named + ["seed=\(seed)"]).joined(separator: ",")
  }
}

/// Why a text names no fault injection.
public struct FaultInjectionError: Error, Equatable, CustomStringConvertible {
  /// What is wrong with it.
  public let problem: String

  /// A sentence.
  public var description: String { "Can't inject faults: \(problem)." }
}
