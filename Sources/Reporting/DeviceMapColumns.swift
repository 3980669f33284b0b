// SPDX-License-Identifier: Apache-2.0

import Verification

/// What the terminal tells of a case of the suite `device-map` beside its name: path, pages, bytes.
struct DeviceMapColumns {
  private static let path = 8
  private static let pages = [("pages direct", 12), ("fallback", 8), ("refused", 7)]
    .map { (name: $0.0, width: $0.1) }
  private static let ports = [("bytes bus", 10), ("memory", 8), ("video", 8)]
    .map { (name: $0.0, width: $0.1) }

  /// Ports for which there is room.
  private let shown: Int
  private let ink: Ink

  /// - Parameter room: columns behind the names.
  init(room: Int, ink: Ink) {
    self.ink = ink
    shown = Self.shown(within: room)
  }

  /// Columns that it takes of `room`, if names get what they need before ports do.
  static func width(of room: Int, names: Int) -> Int {
    width(ports: shown(within: room - names))
  }

  private static func shown(within room: Int) -> Int {
    (1...ports.count).last { width(ports: $0) <= room } ?? 0
  }

  private static func width(ports count: Int) -> Int {
    1 + path + (pages + ports.prefix(count)).reduce(0) { $0 + 1 + $1.width }
  }

  var header: String {
    " " + "path".padded(to: Self.path) + " "
      + (Self.pages + Self.ports.prefix(shown)).map { $0.name.padded(from: $0.width) }
      .joined(separator: " ")
  }

  func cells(of item: CaseRecord) -> [String] {
    guard let gpu = item.gpu, let files = gpu.files else { return [] }
    let pages = [files.pages?.direct, files.pages?.fallback, files.pages?.refusals]
    let bytes = [gpu.barBytes, gpu.bytes(by: "memory"), gpu.bytes(by: "video")]
    return [word(files.path)]
      + zip(pages, Self.pages).map { count, column in
        (count.map { $0 > 0 ? String($0) : "·" } ?? "").padded(from: column.width)
      }
      + zip(bytes, Self.ports.prefix(shown)).map { count, column in
        (count > 0 ? Figures.roundBytes(count) : "·").padded(from: column.width)
      }
  }

  private func word(_ path: FileTraffic.Path) -> String {
    let text = (path == .none ? "–" : path.words).padded(to: Self.path)
    switch path {
    case .direct: return ink(.good, text)
    case .mixed: return text
    case .fallback, .none: return ink(.faint, text)
    }
  }
}
