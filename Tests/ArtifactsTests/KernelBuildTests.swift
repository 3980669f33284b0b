// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Artifacts

@Suite struct KernelBuildTests {
  @Test func stepsAreTheLinesThatMakeIndents() {
    #expect(KernelBuild.step("  CC      fs/xfs/xfs_inode.o") == "CC fs/xfs/xfs_inode.o")
    #expect(KernelBuild.step("  CC      /build/tools/elf.o", below: "/build/") == "CC tools/elf.o")
    #expect(KernelBuild.step("  BUILD   arch/x86/boot/bzImage") == "BUILD arch/x86/boot/bzImage")
    #expect(KernelBuild.step("  LD [M]  drivers/misc/x.ko") == "LD drivers/misc/x.ko")
    #expect(KernelBuild.step("Kernel: arch/x86/boot/bzImage is ready") == nil)
    #expect(KernelBuild.step("  fs/x.c:12: note: here") == nil)
    #expect(KernelBuild.step("") == nil)
  }

  @Test(arguments: [1, 100, 2233])
  func fractionRisesAndStaysBelowOne(_ expected: Int) {
    var last = -1.0
    for done in 0...(3 * expected) {
      let fraction = KernelBuild.fraction(done: done, expected: expected)
      #expect(fraction >= last)
      #expect(fraction < 1)
      last = fraction
    }
    #expect(last > 0.98)
  }

  @Test func compilersOwnLinesAreShown() {
    let command = Command("/usr/bin/make", ["bzImage"])
    let lines =
      ["  CC      a.o", "drivers/misc/ivgpu/ivgpu_drv.c: In function 'probe':"]
      + ["drivers/misc/ivgpu/ivgpu_drv.c:12:3: error: 'x' undeclared", "make: *** Error 2"]
      + Array(repeating: "  CC      other.o", count: 100)
    let error = KernelBuild.failure(
      command, .init(status: 2, lastLines: lines), version: "7.2.13")
    #expect(error.kind == .compilation)
    #expect(error.message.contains("ivgpu_drv.c:12:3: error: 'x' undeclared"))
    #expect(error.message.contains("In function 'probe'"))
  }

  @Test func fullDiskIsRecognisedWhateverToolSaysIt() {
    let command = Command("/usr/bin/make", ["bzImage"])
    let lines = ["cc1: fatal error: error writing to x.o: No space left on device", "*** Error 1"]
    let error = KernelBuild.failure(command, .init(status: 2, lastLines: lines), version: "7.2.13")
    #expect(error.kind == .diskFull)
    #expect(error.mend.contains("CROSSBAR_CACHE"))
  }
}
