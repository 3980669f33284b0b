// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU

/// The control page and the rings, as the engine sees them. What the guest writes is read once a
/// call; what the engine writes is never read back.
struct ControlPage: Sendable {
  private let window: SharedWindow

  /// - Parameter window: all of video memory, which is larger than ``VideoMemoryLayout`` needs.
  init(_ window: SharedWindow) {
    self.window = window
  }

  /// Says in the control page that an engine serves the rings.
  func announceEngine() {
    store32(offset(\.features), CROSSBAR_GPU_FEATURE_ENGINE)
  }

  func setState(_ state: crossbar_gpu_state) { store32(offset(\.state), state.rawValue) }
  func setHeartbeat(_ count: UInt64) {
    guard let at = window.pointer(at: offset(\.heartbeat), count: 8) else { return }
    crossbar_store64(at, count)
  }
  func setFirstError(_ error: UInt32, _ space: UInt32) {
    store32(offset(\.first_error_as), space)
    store32(offset(\.first_error), error)
  }

  var resetRequest: UInt32 { load32(offset(\.reset_request)) }
  func setResetDone(_ request: UInt32) { store32(offset(\.reset_done), request) }

  var controlHead: UInt32 { load32(offset(\.control_head)) }
  var commandHead: UInt32 { load32(offset(\.command_head)) }
  var faultTail: UInt32 { load32(offset(\.fault_tail)) }
  func setControlTail(_ index: UInt32) { store32(offset(\.control_tail), index) }
  func setCommandTail(_ index: UInt32) { store32(offset(\.command_tail), index) }
  func setFaultHead(_ index: UInt32) { store32(offset(\.fault_head), index) }

  /// A copy of the control ring's entry `index`.
  func request(_ index: UInt32) -> crossbar_gpu_request {
    entry(VideoMemoryLayout.controlRing, index % CROSSBAR_GPU_CONTROL_ENTRIES)
      ?? crossbar_gpu_request()
  }

  /// A copy of the command ring's entry `index`.
  func command(_ index: UInt32) -> crossbar_gpu_command {
    entry(VideoMemoryLayout.commandRing, index % CROSSBAR_GPU_COMMAND_ENTRIES)
      ?? crossbar_gpu_command()
  }

  /// Writes the fault ring's entry `index`.
  func setFault(_ fault: crossbar_gpu_fault, _ index: UInt32) {
    let slot = UInt64(index % CROSSBAR_GPU_FAULT_ENTRIES)
    window.store(fault, at: VideoMemoryLayout.faultRing &+ slot &* 64)
  }

  /// Writes a command's result, then its fence. `space` is less than ADDRESS_SPACES.
  func complete(_ space: UInt32, _ result: crossbar_gpu_result) {
    window.store(result, at: VideoMemoryLayout.result(of: space, fence: result.fence))
    setCompleted(space, result.fence)
  }

  func setCompleted(_ space: UInt32, _ fence: UInt64) {
    guard let at = window.pointer(at: VideoMemoryLayout.fence(of: space), count: 8) else { return }
    crossbar_store64(at, fence)
  }

  func setFenceError(_ space: UInt32, _ error: UInt32) {
    store32(VideoMemoryLayout.fence(of: space) &+ 8, error)
  }

  private func entry<Entry: BitwiseCopyable>(_ ring: UInt64, _ slot: UInt32) -> Entry? {
    window.load(ring &+ UInt64(slot) &* UInt64(MemoryLayout<Entry>.stride), as: Entry.self)
  }

  private func offset<Value>(_ field: KeyPath<crossbar_gpu_control, Value>) -> UInt64 {
    UInt64(MemoryLayout<crossbar_gpu_control>.offset(of: field) ?? 0)
  }

  private func load32(_ offset: UInt64) -> UInt32 {
    guard let at = window.pointer(at: offset, count: 4) else { return 0 }
    return crossbar_load32(at)
  }

  private func store32(_ offset: UInt64, _ value: UInt32) {
    guard let at = window.pointer(at: offset, count: 4) else { return }
    crossbar_store32(at, value)
  }
}
