// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A mutex and a condition that is waited for under it, with deadlines of the monotonic clock.
///
/// `@unchecked Sendable`: POSIX makes both safe to use from any thread.
final class Monitor: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init() {
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Runs `body` with the mutex held. Not reentrant.
  @inline(__always)
  func locked<Value>(_ body: () -> Value) -> Value {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Waits, with the mutex held by the caller, until somebody broadcasts; may return without.
  func wait() {
    pthread_cond_wait(condition, mutex)
  }

  /// As ``wait()``, but not for longer than until `deadline`.
  func wait(until deadline: MonotonicTime) {
    var time = deadline.timespec
    pthread_cond_timedwait(condition, mutex, &time)
  }

  /// Wakes all that wait.
  func broadcast() {
    pthread_cond_broadcast(condition)
  }
}

/// A moment of the monotonic clock, in nanoseconds since the host started.
struct MonotonicTime: Comparable {
  var nanoseconds: UInt64

  static var now: MonotonicTime {
    var time = Glibc.timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(
      nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
  }

  var timespec: Glibc.timespec {
    Glibc.timespec(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
  }

  func advanced(milliseconds: UInt64) -> MonotonicTime {
    advanced(microseconds: min(milliseconds, 1 << 32) * 1000)
  }

  func advanced(microseconds: UInt64) -> MonotonicTime {
    MonotonicTime(nanoseconds: nanoseconds &+ min(microseconds, 1 << 42) &* 1000)
  }

  /// Milliseconds from now on, rounded up, 0 if it has passed; as poll(2) takes them.
  var millisecondsLeft: CInt {
    let now = MonotonicTime.now
    guard self > now else { return 0 }
    return CInt(min((nanoseconds - now.nanoseconds + 999_999) / 1_000_000, 1 << 30))
  }

  static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }
}
