// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let systemPackage: Target.Dependency = .product(
  name: "SystemPackage", package: "swift-system")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
// One target a module. Imports run downwards: a module may import those above it, never below.
let package = Package(
  name: "crossbar",
  products: [
    .executable(name: "crossbar", targets: ["crossbar"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/onevcat/Rainbow", from: "4.2.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // What lies outside: C libraries, and the ABI that the guest shares with the host.
    .systemLibrary(name: "CLibvirt", pkgConfig: "libvirt-qemu", providers: [.apt(["libvirt-dev"])]),
    .systemLibrary(name: "CLibPCI", pkgConfig: "libpci", providers: [.apt(["libpci-dev"])]),
    .target(name: "CDeviceABI"),

    .target(name: "Topology", dependencies: ["Yams"]),
    .target(name: "GoldenData", dependencies: ["CDeviceABI"]),
    .target(
      name: "Artifacts",
      dependencies: ["Topology", "GoldenData", "Yams", crypto, subprocess, systemPackage]),
    .target(name: "Hypervisor", dependencies: ["Topology", "CLibvirt"]),
    .target(name: "PCIInspection", dependencies: ["Topology", "CLibPCI"]),
    .target(name: "PeerGPU", dependencies: ["CDeviceABI"]),
    .target(name: "Verification", dependencies: ["Topology", "GoldenData"]),
    .target(
      name: "Harness",
      dependencies: [
        "Topology", "GoldenData", "Artifacts", "Hypervisor", "PCIInspection", "PeerGPU",
        "Verification", subprocess, systemPackage,
      ]),
    .target(
      name: "Reporting",
      dependencies: [
        "Topology", "Verification", "Rainbow",
        .product(name: "Mustache", package: "swift-mustache"),
      ]),
    .executableTarget(
      name: "crossbar",
      dependencies: [
        "Topology", "Artifacts", "Hypervisor", "PCIInspection", "PeerGPU", "Harness", "Reporting",
        "Verification", argumentParser, systemPackage,
      ]),

    .testTarget(name: "TopologyTests", dependencies: ["Topology"]),
    .testTarget(name: "GoldenDataTests", dependencies: ["GoldenData"]),
    .testTarget(
      name: "ArtifactsTests", dependencies: ["Artifacts", "GoldenData", "Topology", systemPackage]),
    .testTarget(
      name: "HypervisorTests", dependencies: ["Hypervisor", "Topology"],
      exclude: ["Expectations"]),
    .testTarget(
      name: "PCIInspectionTests", dependencies: ["PCIInspection", "Topology"],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "PeerGPUTests", dependencies: ["PeerGPU"]),
    .testTarget(
      name: "VerificationTests", dependencies: ["Verification", "GoldenData", "Topology"]),
    .testTarget(name: "HarnessTests", dependencies: ["Harness"]),
    .testTarget(
      name: "ReportingTests", dependencies: ["Reporting", "Verification", "Topology"]),
    // Boots real guests.
    .testTarget(name: "GuestTests", dependencies: ["crossbar"]),
  ],
  swiftLanguageModes: [.v6]
)
