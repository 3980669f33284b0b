// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Glibc

/// A thread of its own for work that blocks. Takes no signals: they are the main program's.
///
/// `@unchecked Sendable`: `joined` is only touched by the one owner who joins.
final class WorkerThread: @unchecked Sendable {
  private let thread: pthread_t
  private var joined = false

  /// Starts a thread that runs `body` and ends.
  ///
  /// - Parameter name: what `ps -L` shows, 15 bytes at most.
  init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(PeerGPUError) {
    let work = Unmanaged.passRetained(Work(name, body))
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        crossbar_name_thread(work.name)
        work.body()
        return nil
      }, work.toOpaque())
    pthread_sigmask(SIG_SETMASK, &before, nil)
    guard code == 0 else {
      work.release()
      throw PeerGPUError("start the thread \(name)", code: code)
    }
    self.thread = thread
  }

  /// Waits until the thread has ended. For its owner only; a second call does nothing.
  func join() {
    guard !joined else { return }
    joined = true
    pthread_join(thread, nil)
  }

  private final class Work {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }
}
