// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let systemPackage: Target.Dependency = .product(
  name: "SystemPackage", package: "swift-system")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

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

    .target(name: "Topology", dependencies: ["Yams"], swiftSettings: strict),
    .target(name: "GoldenData", dependencies: ["CDeviceABI"], swiftSettings: strict),
    .target(
      name: "Artifacts",
      dependencies: ["Topology", "GoldenData", "Yams", crypto, subprocess, systemPackage],
      swiftSettings: strict),
    .target(
      name: "Hypervisor", dependencies: ["Topology", "CLibvirt", "CDeviceABI"],
      swiftSettings: strict),
    .target(name: "PCIInspection", dependencies: ["Topology", "CLibPCI"], swiftSettings: strict),
    .target(name: "CPeerGPU"),
    .target(name: "PeerGPU", dependencies: ["CDeviceABI", "CPeerGPU"], swiftSettings: strict),
    // A guest's driver in this process, for tests and benchmarks of the engine.
    .target(
      name: "SimulatedDriver", dependencies: ["PeerGPU", "CDeviceABI", "CPeerGPU"],
      swiftSettings: strict),
    .executableTarget(
      name: "bench-engine",
      dependencies: ["PeerGPU", "SimulatedDriver", "CDeviceABI", "CPeerGPU", argumentParser],
      path: "Sources/EngineBenchmark", swiftSettings: strict),
    .target(
      name: "Verification", dependencies: ["Topology", "GoldenData", "CDeviceABI"],
      swiftSettings: strict),
    .target(
      name: "Harness",
      dependencies: [
        "Topology", "GoldenData", "Artifacts", "Hypervisor", "PCIInspection", "PeerGPU",
        "Verification", subprocess, systemPackage,
      ], swiftSettings: strict),
    .target(
      name: "Reporting",
      dependencies: [
        "Topology", "Verification", "Rainbow",
        .product(name: "Mustache", package: "swift-mustache"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "crossbar",
      dependencies: [
        "Topology", "Artifacts", "Hypervisor", "PCIInspection", "PeerGPU", "Harness", "Reporting",
        "Verification", argumentParser, systemPackage,
      ], swiftSettings: strict),

    .testTarget(name: "TopologyTests", dependencies: ["Topology"], swiftSettings: strict),
    .testTarget(name: "GoldenDataTests", dependencies: ["GoldenData"], swiftSettings: strict),
    .testTarget(
      name: "ArtifactsTests", dependencies: ["Artifacts", "GoldenData", "Topology", systemPackage],
      swiftSettings: strict),
    .testTarget(
      name: "HypervisorTests", dependencies: ["Hypervisor", "Topology"],
      exclude: ["Expectations"], swiftSettings: strict),
    .testTarget(
      name: "PCIInspectionTests", dependencies: ["PCIInspection", "Topology"],
      resources: [.copy("Fixtures")], swiftSettings: strict),
    .testTarget(
      name: "PeerGPUTests",
      dependencies: ["PeerGPU", "SimulatedDriver", "CDeviceABI", "CPeerGPU"], swiftSettings: strict),
    .testTarget(
      name: "VerificationTests", dependencies: ["Verification", "GoldenData", "Topology"],
      swiftSettings: strict),
    .testTarget(name: "HarnessTests", dependencies: ["Harness"], swiftSettings: strict),
    .testTarget(
      name: "ReportingTests", dependencies: ["Reporting", "Verification", "Topology"],
      swiftSettings: strict),
    // Boots real guests.
    .testTarget(
      name: "GuestTests", dependencies: ["crossbar", "Harness", "Hypervisor", "Topology"],
      swiftSettings: strict),
    // Builds kernels with deliberate bugs, when asked to.
    .testTarget(name: "TeethTests", dependencies: ["crossbar"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
