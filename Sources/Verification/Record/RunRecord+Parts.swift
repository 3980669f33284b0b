// SPDX-License-Identifier: Apache-2.0

extension RunRecord {
  /// What a run showed as a whole.
  public enum Verdict: String, Sendable, Hashable, Codable {
    /// Cases ran, all of them to their end, and none failed; known limits may be among them.
    case verified
    /// A case failed, or the suite did not come to its end.
    case failed

    /// What the program exits with.
    public var exitCode: Int32 { self == .verified ? 0 : 1 }
  }

  /// How many cases ended in each way.
  public struct Counts: Sendable, Hashable, Codable {
    /// ``CaseOutcome/Kind/verified``.
    public var verified = 0
    /// ``CaseOutcome/Kind/refusedFellBack``.
    public var refusedFellBack = 0
    /// ``CaseOutcome/Kind/skipped``.
    public var skipped = 0
    /// ``CaseOutcome/Kind/knownLimit``.
    public var knownLimit = 0
    /// ``CaseOutcome/Kind/failed``.
    public var failed = 0

    /// Counts cases.
    public init(_ cases: [CaseRecord] = []) {
      for item in cases {
        switch item.outcome.kind {
        case .verified: verified += 1
        case .refusedFellBack: refusedFellBack += 1
        case .skipped: skipped += 1
        case .knownLimit: knownLimit += 1
        case .failed: failed += 1
        }
      }
    }

    /// All cases.
    public var total: Int { verified + refusedFellBack + skipped + knownLimit + failed }

    /// Counts of several runs together.
    public static func + (left: Counts, right: Counts) -> Counts {
      var sum = left
      sum.verified += right.verified
      sum.refusedFellBack += right.refusedFellBack
      sum.skipped += right.skipped
      sum.knownLimit += right.knownLimit
      sum.failed += right.failed
      return sum
    }
  }

  /// Seconds of each phase.
  public struct Timings: Sendable, Hashable, Codable {
    /// From starting QEMU to a guest agent that answers.
    public var boot = 0.0
    /// Pushing the programs and reading configuration space.
    public var push = 0.0
    /// The suite.
    public var run = 0.0
    /// Trace, raw images and verdict.
    public var verify = 0.0
    /// Shutting the guest down.
    public var stop = 0.0

    /// All zero.
    public init() {}

    /// All phases together.
    public var total: Double { boot + push + run + verify + stop }
  }

  /// What the run ran on.
  public struct Environment: Sendable, Hashable, Codable {
    /// Version of Crossbar.
    public var crossbar: String
    /// The host's kernel release.
    public var hostKernel: String
    /// Processors of the host.
    public var hostProcessors: Int
    /// Version of QEMU.
    public var qemu: String
    /// Version of libvirt.
    public var libvirt: String
    /// `tcg` or `kvm`.
    public var accelerator: String
    /// What the guest's virtual IOMMU does with DMA; nil without one.
    public var iommu: IOMMUDomain?

    /// Names an environment.
    public init(
      crossbar: String, hostKernel: String, hostProcessors: Int, qemu: String, libvirt: String,
      accelerator: String, iommu: IOMMUDomain? = nil
    ) {
      self.crossbar = crossbar
      self.hostKernel = hostKernel
      self.hostProcessors = hostProcessors
      self.qemu = qemu
      self.libvirt = libvirt
      self.accelerator = accelerator
      self.iommu = iommu
    }

    /// Host and guest in short, as `QEMU 7.2.22`, one after the other.
    public var words: [String] {
      ["QEMU \(qemu)", "libvirt \(libvirt)", accelerator]
        + (iommu.map { ["IOMMU \($0.words)"] } ?? []) + ["crossbar \(crossbar)"]
    }
  }

  /// How an IOMMU treats the DMA of its devices.
  public enum IOMMUDomain: String, Sendable, Hashable, Codable {
    /// Each address is translated.
    case translating
    /// Nothing is translated: the kernel gave each device an identity domain.
    case passThrough

    /// Such as `passes through`.
    public var words: String {
      switch self {
      case .translating: "translates"
      case .passThrough: "passes through"
      }
    }
  }

  /// The kernel that the guest ran.
  public struct Kernel: Sendable, Hashable, Codable {
    /// Its release.
    public var release: String
    /// Where its source came from.
    public var origin: String
    /// The flavour that it was configured as; nil for a finished image.
    public var flavour: String?

    /// Names a kernel.
    public init(release: String, origin: String, flavour: String? = nil) {
      self.release = release
      self.origin = origin
      self.flavour = flavour
    }

    /// Release and flavour, as `7.2.12 (7.2-debug)`.
    public var title: String { flavour.map { "\(release) (\($0))" } ?? release }
  }

  /// Something in the console that a healthy guest does not say.
  public struct ConsoleReport: Sendable, Hashable, Codable {
    /// What kind of report it is.
    public var kind: String
    /// Line of `console.log`, from 1.
    public var line: Int
    /// The line.
    public var text: String

    /// Names a report.
    public init(kind: String, line: Int, text: String) {
      self.kind = kind
      self.line = line
      self.text = text
    }

    /// The kernel itself is broken, whatever the cases say.
    ///
    /// Not so a stall, which a busy host gives to every emulated guest, the lack of memory, which
    /// cases provoke, and what an IOMMU refuses that translates, which is some topologies' point. One
    /// that passes all DMA through has nothing to refuse.
    public func isFatal(iommu: IOMMUDomain?) -> Bool {
      if kind == "iommu-fault" { return iommu == .passThrough }
      return ["panic", "bug", "warning", "ubsan", "kasan", "lockdep", "hung-task"].contains(kind)
    }
  }
}
