// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology

/// A device that libvirt has no element for, as an argument of QEMU's command line.
///
/// In JSON, because QEMU makes plain `-device` arguments before JSON ones: libvirt uses JSON for
/// its own controllers, and a plain device would look for a bus that does not exist yet.
enum QEMUArgument {
  /// `-object memory-backend-file`: memory that host and guest share through a file.
  struct SharedMemory: Encodable {
    let qomType = "memory-backend-file"
    var id: String
    var path: String
    var size: UInt64
    let share = true

    enum CodingKeys: String, CodingKey {
      case qomType = "qom-type"
      case id
      case path = "mem-path"
      case size
      case share
    }
  }

  /// `-blockdev`: a raw image, a run's own. QEMU's cache is the host's page cache, so what a
  /// controller has reported as written is in the file, whatever becomes of QEMU: a guest's flush
  /// need not wait for the host's disk.
  struct RawImage: Encodable {
    struct File: Encodable {
      let driver = "file"
      var filename: String
      /// A second QEMU on the same image would destroy it.
      let locking = "on"
      let cache = ["no-flush": true]
    }

    let driver = "raw"
    var nodeName: String
    let discard = "unmap"
    var file: File

    enum CodingKeys: String, CodingKey {
      case driver
      case nodeName = "node-name"
      case discard
      case file
    }
  }

  /// `-device nvme`
  struct NVMe: Encodable {
    let driver = "nvme"
    var id: String
    var serial: String
    var bus: String
    var addr: String
    var cmbSize: UInt64?
    var pmr: String?

    enum CodingKeys: String, CodingKey {
      case driver
      case id
      case serial
      case bus
      case addr
      case cmbSize = "cmb_size_mb"
      case pmr = "pmrdev"
    }
  }

  /// `-device nvme-ns`
  struct NVMeNamespace: Encodable {
    let driver = "nvme-ns"
    var id: String
    var drive: String
    var bus: String
    var nsid: UInt32
    var logicalBlockSize: Int
    var physicalBlockSize: Int

    enum CodingKeys: String, CodingKey {
      case driver
      case id
      case drive
      case bus
      case nsid
      case logicalBlockSize = "logical_block_size"
      case physicalBlockSize = "physical_block_size"
    }
  }

  /// `-device ivshmem-doorbell`: a PCI device whose BAR 2 is shared memory, and whose doorbells and
  /// interrupts are event descriptors. A server on `chardev` hands out all of them.
  struct DoorbellDevice: Encodable {
    let driver = "ivshmem-doorbell"
    var id: String
    var chardev: String
    var vectors: UInt32
    var bus: String
    var addr: String
  }

  /// A value of an option that has no JSON form: there a comma is written twice.
  static func plain(_ value: String) -> String { value.replacingOccurrences(of: ",", with: ",,") }

  /// One value as JSON, its keys in a fixed order.
  static func json(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // These types hold strings, integers and booleans: there is nothing that can't be encoded.
    guard let data = try? encoder.encode(value) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }
}
