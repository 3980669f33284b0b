// SPDX-License-Identifier: Apache-2.0

/// Runs `body` for at most `limit`; after that it is cancelled and nil returned.
func within<Value: Sendable>(
  _ limit: Duration, _ body: @escaping @Sendable () async -> Value
) async -> Value? {
  await withTaskGroup(of: Value?.self) { group in
    group.addTask { await body() }
    group.addTask {
      try? await Task.sleep(for: limit)
      return nil
    }
    defer { group.cancelAll() }
    return await group.next() ?? nil
  }
}

extension EventHub {
  /// The guest's end, if it comes within `limit`.
  func end(within limit: Duration) async -> GuestEnd? {
    if let end { return end }
    let events = events()
    return await within(limit) { () -> GuestEnd? in
      for await case .ended(let end) in events { return end }
      return nil
    } ?? nil
  }
}
