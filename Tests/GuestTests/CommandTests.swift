// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing

/// The program's commands that boot nothing, as processes.
@Suite(.serialized, TemporaryDirectories()) struct CommandTests {
  @Test(arguments: [
    (["--nonsense"], "Error: Unknown option '--nonsense'"),
    (["run", "--nonsense"], "Error: Unknown option '--nonsense'"),
    (["run", "switch", "--limit", "0"], "Error: --limit takes 1 to 86400 seconds"),
    (["run", "switch", "--suite", "none"], "Error: The value 'none' is invalid for '--suite"),
    (
      ["run", "--suite", "gpu", "--inject", "nonsense"],
      "Error: The value 'nonsense' is invalid for '--inject': Can't inject faults: there is no"
    ),
    (["kernel", "build", "--with-driver"], "Error: --with-driver goes with --tree"),
    (["kernel", "build", "--tree", "x", "--patch", "y"], "Error: --patch leaves your tree alone"),
    (["run", "--kernel", "/x/bzImage", "--patch", "y"], "Error: --patch needs the source"),
    (["run", "--kernel", "/x/bzImage", "--tree", "y"], "Error: --tree builds a kernel"),
    (["kernel", "edit", "x", "--kernel", "./bzImage"], "Error: --kernel names a flavour here"),
    (["topology", "show"], "Error: Name a topology, or a run directory with --run."),
    (["topology", "show", "switch", "--run", "x"], "Error: --run draws what a guest had"),
  ])
  func wrongArgumentsAreAWrongRequest(arguments: [String], sentence: String) async throws {
    let outcome = try await CrossbarProgram.run(arguments)
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.hasPrefix(sentence), "\(outcome.errors)")
    #expect(outcome.errors.contains("Usage: crossbar"))
    #expect(outcome.output.isEmpty)
  }

  @Test(arguments: [["--help"], ["kernel"], ["run", "--help"], ["help", "doctor"]])
  func helpIsNoError(arguments: [String]) async throws {
    let outcome = try await CrossbarProgram.run(arguments)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("USAGE: crossbar"))
    #expect(outcome.errors.isEmpty)
  }

  @Test func doctorAnswersInOneDocument() async throws {
    let outcome = try await CrossbarProgram.run(["doctor", "--json", "--quiet"])
    let findings = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]])
    let subjects = findings.compactMap { $0["subject"] as? String }
    for subject in ["packages", "QEMU", "libvirt embedded", "build tools", "memory", "KVM"] {
      #expect(subjects.contains(subject))
    }
    let broken = findings.contains { $0["status"] as? String == "broken" }
    #expect(outcome.exitCode == (broken ? 3 : 0))
  }

  @Test func aKilledDoctorTakesItsQEMUAlong() async throws {
    let directory = CrossbarProgram.temporaryDirectory()
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let fake = directory.appending(path: "qemu-system-x86_64").path
    let script = "#!/bin/sh\necho $$ > \(directory.path)/pid\nexec sleep 300\n"
    try Data(script.utf8).write(to: URL(filePath: fake))
    chmod(fake, 0o755)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let outcome = try await CrossbarProgram.run(
      ["doctor", "--quiet"], output: directory, environment: ["PATH": "\(directory.path):\(path)"]
    ) { program in
      try await program.wait(for: "\n", in: "pid")
      program.signal(SIGKILL)
    }
    #expect(outcome.exitCode == nil)
    let text = outcome.file("pid").trimmingCharacters(in: .whitespacesAndNewlines)
    let identifier = try #require(pid_t(text))
    let end = ContinuousClock.now + .seconds(8)
    while HostProcesses.runs(identifier), ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(50))
    }
    #expect(!HostProcesses.runs(identifier))
  }

  @Test func topologiesAreListedByFileAndDrawn() async throws {
    let list = try await CrossbarProgram.run(["topology", "list"])
    #expect(list.exitCode == 0)
    let files = try FileManager.default.contentsOfDirectory(
      atPath: CrossbarProgram.checkout.appending(path: "qemu-configs/topologies").path)
    let names = list.output.split(separator: "\n").compactMap { $0.split(separator: " ").first }
    #expect(names == names.sorted())
    #expect(Set(names.map { "\($0).yaml" }) == Set(files.filter { $0.hasSuffix(".yaml") }))
    let picture = try await CrossbarProgram.run(["topology", "show", "switch", "--svg"])
    #expect(picture.exitCode == 0)
    let document = try XMLDocument(xmlString: picture.output)
    #expect(document.rootElement()?.name == "svg")
    #expect(picture.output.contains("nvme0"))
  }

  @Test func aShippedTopologyThatCallsItselfSomethingElseIsRefused() async throws {
    let project = try AlteredProject(program: "int main(void) { return 0; }\n")
    let topologies = project.root.appending(path: "qemu-configs/topologies")
    let mine = topologies.appending(path: "mine.yaml")
    try FileManager.default.copyItem(at: topologies.appending(path: "switch.yaml"), to: mine)
    let lines = try String(contentsOf: mine, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    let line = try #require(lines.firstIndex { $0.hasPrefix("name:") }) + 1
    for arguments in [["topology", "list"], ["topology", "show", "mine"], ["run", "mine"]] {
      let outcome = try await CrossbarProgram.run(arguments, environment: project.environment)
      #expect(outcome.exitCode == 2)
      #expect(
        outcome.errors.contains(
          "/mine.yaml:\(line): the topology calls itself `switch`, its file `mine`; change `name` to "
            + "`mine`, or rename the file"), "\(outcome.errors)")
    }
  }

  @Test func theTreeOfAGuestThatNeverWasIsAWrongRequest() async throws {
    let missing = CrossbarProgram.temporaryDirectory()
    let outcome = try await CrossbarProgram.run(["topology", "show", "--run", missing.path])
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.contains("\(missing.path) has no pci.txt, so no guest came up there."))
  }

  @Test func theHelpNamesTheKernels() async throws {
    let outcome = try await CrossbarProgram.run(["run", "--help"])
    #expect(outcome.output.contains("Flavours: 7.2, 7.2-mainline, "))
  }

  @Test func aReportOfNoRunIsAWrongRequest() async throws {
    let missing = CrossbarProgram.temporaryDirectory()
    let outcome = try await CrossbarProgram.run(["report", "--json", missing.path])
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.contains(missing.path))
    let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let error = try #require((document as? [String: Any])?["error"] as? [String: Any])
    #expect(error["exitCode"] as? Int == 2)
    #expect(outcome.errors.contains(try #require(error["message"] as? String)))
  }

  @Test(arguments: [
    (["--suite", "xfstests"], "name it with --xfstests DIR"),
    (["--suite", "xfstests", "--xfstests", "/etc"], "it has no `check`; name the directory"),
    (["--xfstests", "/etc"], "--xfstests goes with --suite xfstests"),
  ])
  func aTreeOfXfstestsThatDoesNotDoIsAWrongRequest(
    arguments: [String], sentence: String
  ) async throws {
    let outcome = try await CrossbarProgram.run(["run", "switch"] + arguments)
    #expect(outcome.exitCode == 2)
    #expect(outcome.sentences.contains(sentence), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: outcome.directory.path))
  }

  @Test func runsThatAreNotThereCannotBeCompared() async throws {
    let missing = CrossbarProgram.temporaryDirectory()
    let outcome = try await CrossbarProgram.run(["compare", missing.path, missing.path])
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.contains("has no run.json"))
  }

  @Test func aWrongKernelLeavesNoRunDirectory() async throws {
    let outcome = try await CrossbarProgram.run([
      "run", "switch", "--kernel", "/nonexistent/bzImage",
    ])
    #expect(outcome.exitCode == 2, "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: outcome.directory.path))
  }

  @Test func aKernelIsNotUnpackedOverWorkOfSomebody() async throws {
    let directory = CrossbarProgram.temporaryDirectory()
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try Data().write(to: directory.appending(path: "work"))
    let outcome = try await CrossbarProgram.run(["kernel", "edit", directory.path])
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.contains("is no empty directory; name a new one"))
    let export = try await CrossbarProgram.run(["kernel", "export", directory.path, "--json"])
    #expect(export.exitCode == 2)
    #expect(export.output.contains("was not made by `crossbar kernel edit`"))
  }

  @Test func anOutputThatHoldsSomethingIsRefusedBeforeAnythingIsBuilt() async throws {
    let directory = CrossbarProgram.temporaryDirectory()
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try Data().write(to: directory.appending(path: "something"))
    let outcome = try await CrossbarProgram.run(
      ["run", "switch", "--kernel", "/nonexistent/bzImage"], output: directory)
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.contains("is not empty: give --output a new or an empty directory."))
  }

  @Test func missingPackagesAreListedAndNotInstalledWhenThatIsForbidden() throws {
    let list = CrossbarProgram.temporaryDirectory()
    let text = "# packages\nhere\t/bin/sh\tit is there\nabsent\t/nonexistent/probe\ttest: absent\n"
    try Data(text.utf8).write(to: list)
    let process = Process()
    process.executableURL = CrossbarProgram.checkout.appending(path: "images/install-host-packages")
    process.arguments = [list.path]
    process.environment = ProcessInfo.processInfo.environment
      .merging(["CROSSBAR_NO_INSTALL": "1"]) { $1 }
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 3)
    #expect(said.contains("absent                       test: absent"))
    #expect(said.contains("apt-get install absent\n"))
    #expect(!said.contains("it is there"))
  }
}
