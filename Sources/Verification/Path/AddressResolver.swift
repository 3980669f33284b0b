// SPDX-License-Identifier: Apache-2.0

/// Finds out where the data of a window's commands really moved.
///
/// Without a vIOMMU the addresses are bus addresses. With one they are I/O virtual ones, except those
/// in the controller's own CMB, which never leave it: QEMU's log has the translation of each page
/// behind the command that named it, and a fault or nothing for an address that means nothing.
struct AddressResolver {
  let trace: NVMeTrace
  let regions: BusRegions
  let requesters: [UInt32: RequesterID]
  /// Topology id of the controller, by namespace id.
  let controllers: [UInt32: String]
  let hasIOMMU: Bool

  /// Unit of translation (VT-d 3.3, 3.7).
  private static let page: UInt64 = 4096

  /// The pieces of each command of the window, by the command's index.
  func pieces(in window: NVMeTrace.Window) -> [Int: [DataPiece]] {
    var result: [Int: [DataPiece]] = [:]
    var pages = PendingPages()
    for index in window.commands {
      let command = trace.commands[index]
      var offset: UInt64 = 0
      var pieces: [DataPiece] = []
      for entry in trace.addresses[command.addresses] {
        split(entry, at: offset, of: command, into: &pieces)
        offset &+= entry.length
      }
      if hasIOMMU {
        for number in pieces.indices where pieces[number].place == .untranslated {
          pages.add(
            .init(command: index, piece: number), page: pieces[number].address / Self.page,
            requester: requesters[command.nsid], sequence: command.sequence)
        }
      }
      result[index] = pieces
    }
    if hasIOMMU { translate(window, pages, &result) }
    return result
  }

  /// Cuts an address into pieces that belong to one thing each; with a vIOMMU, into pages.
  private func split(
    _ entry: NVMeTrace.DataAddress, at offset: UInt64, of command: NVMeTrace.Command,
    into pieces: inout [DataPiece]
  ) {
    var done: UInt64 = 0
    while done < entry.length {
      let address = entry.address &+ done
      var (place, length) = regions.place(of: address)
      if hasIOMMU, place != .peer(controllers[command.nsid] ?? "") {
        place = .untranslated
        length = Self.page - address % Self.page
      }
      length = min(length, entry.length - done)
      pieces.append(
        DataPiece(offset: offset &+ done, length: length, address: address, place: place))
      done += length
    }
  }

  private func translate(
    _ window: NVMeTrace.Window, _ pending: PendingPages, _ result: inout [Int: [DataPiece]]
  ) {
    var pending = pending
    var faults = window.faults
    for index in window.translations {
      let translation = trace.translations[index]
      while let fault = faults.first, trace.faults[fault].sequence < translation.sequence {
        drop(trace.faults[fault], &pending)
        faults = faults.dropFirst()
      }
      let first = translation.iova / Self.page
      let last = (translation.iova | translation.mask) / Self.page
      for waiting in pending.take(
        pages: first...max(first, last), of: translation.requester, before: translation.sequence)
      {
        guard var piece = result[waiting.command]?[waiting.piece] else { continue }
        piece.address =
          translation.address & ~translation.mask | piece.address & translation.mask
        piece.place = regions.place(of: piece.address).place
        result[waiting.command]?[waiting.piece] = piece
      }
    }
  }

  /// A page that faulted is not translated for the command that named it before.
  private func drop(_ fault: NVMeTrace.Fault, _ pending: inout PendingPages) {
    let page = fault.address / Self.page
    _ = pending.take(pages: page...page, of: fault.requester, before: fault.sequence)
  }
}

/// Pages that commands have named and nothing has translated yet.
private struct PendingPages {
  struct Waiting: Hashable {
    let command: Int
    let piece: Int
  }

  private struct Key: Hashable {
    let page: UInt64
    let requester: RequesterID?
  }

  private var waiting: [Key: [(entry: Waiting, sequence: Int)]] = [:]
  private var pages: Set<UInt64> = []

  mutating func add(_ entry: Waiting, page: UInt64, requester: RequesterID?, sequence: Int) {
    waiting[Key(page: page, requester: requester), default: []].append((entry, sequence))
    pages.insert(page)
  }

  /// Takes out what waits for `range`, for this requester or an unknown one, since before an event.
  mutating func take(
    pages range: ClosedRange<UInt64>, of requester: RequesterID, before sequence: Int
  ) -> [Waiting] {
    // A superpage has more pages than anyone waits for.
    let wanted =
      range.upperBound - range.lowerBound < UInt64(pages.count)
      ? range.filter(pages.contains) : pages.filter(range.contains)
    return wanted.flatMap { page in
      [requester, nil].flatMap { take(Key(page: page, requester: $0), before: sequence) }
    }
  }

  private mutating func take(_ key: Key, before sequence: Int) -> [Waiting] {
    guard let entries = waiting[key] else { return [] }
    let later = entries.filter { $0.sequence >= sequence }
    waiting[key] = later.isEmpty ? nil : later
    return entries.filter { $0.sequence < sequence }.map(\.entry)
  }
}
