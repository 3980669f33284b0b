// SPDX-License-Identifier: Apache-2.0

/// The runs of one or two sides, cut into pieces that are contiguous on each of them.
struct PieceList {
  /// Bytes that are next to each other on both sides.
  struct Piece {
    /// Index of the source's run, and bytes of it before the piece.
    var source = 0
    var sourceOffset = 0
    /// Index of the target's run, and bytes of it before the piece.
    var target = 0
    var targetOffset = 0
    /// Bytes from the beginning of all the runs.
    var at = 0
    var count = 0
  }

  /// In the order of their addresses.
  private(set) var all: [Piece] = []

  /// Bytes of all pieces.
  var count: Int { all.reduce(0) { $0 &+ $1.count } }

  /// Pieces of two sides with as many bytes.
  mutating func pair(_ sources: [Access], _ targets: [Access]) {
    all.removeAll(keepingCapacity: true)
    var piece = Piece()
    while piece.source < sources.count, piece.target < targets.count {
      let source = sources[piece.source].length &- piece.sourceOffset
      let target = targets[piece.target].length &- piece.targetOffset
      piece.count = min(source, target)
      all.append(piece)
      piece.at &+= piece.count
      piece.sourceOffset &+= piece.count
      piece.targetOffset &+= piece.count
      if source == piece.count {
        piece.source &+= 1
        piece.sourceOffset = 0
      }
      if target == piece.count {
        piece.target &+= 1
        piece.targetOffset = 0
      }
    }
  }

  /// The runs of one side, which each piece has as its source and as its target.
  mutating func list(_ accesses: [Access]) {
    all.removeAll(keepingCapacity: true)
    var at = 0
    for (index, access) in accesses.enumerated() {
      all.append(Piece(source: index, target: index, at: at, count: access.length))
      at &+= access.length
    }
  }

  /// Smaller pieces of 1 to 4096 bytes, in random order.
  func torn(seed: UInt64) -> [Piece] {
    var generator = SplitMix64(seed)
    var torn: [Piece] = []
    for var piece in all {
      var left = piece.count
      while left > 0 {
        piece.count = min(left, Int.random(in: 1...4096, using: &generator))
        torn.append(piece)
        left -= piece.count
        piece.at += piece.count
        piece.sourceOffset += piece.count
        piece.targetOffset += piece.count
      }
    }
    torn.shuffle(using: &generator)
    return torn
  }
}
