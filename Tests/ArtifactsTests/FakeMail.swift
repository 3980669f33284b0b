// SPDX-License-Identifier: Apache-2.0

/// A patch for the tree of `FakeKernel`, to the letter as `git format-patch` writes it.
struct FakeMail {
  let name: String
  let text: String

  /// A driver in files of its own, a header alone, a hook alone.
  static let series = [
    FakeMail(
      "0001-drivers-new-add-a-driver.patch", subject: "drivers: new: add a driver",
      body: "It does nothing, and does it well.",
      diff: """
        ---
         Kconfig | 1 +
         1 file changed, 1 insertion(+)

        diff --git a/Kconfig b/Kconfig
        index 111111111111..222222222222 100644
        --- a/Kconfig
        +++ b/Kconfig
        @@ -1 +1,2 @@
         CONFIG_PCI
        +source drivers/new/Kconfig

        """),
    FakeMail(
      "0002-linux-add-map.h.patch", subject: "linux: add map.h", body: "Just a header.", diff: ""),
    FakeMail(
      "0003-init-hook-it-in.patch", subject: "init: hook it in",
      body: "Every kernel begins there.\n\nThe line comes second.",
      diff: """
        ---
         init/main.c | 1 +
         1 file changed, 1 insertion(+)

        diff --git a/init/main.c b/init/main.c
        index 333333333333..444444444444 100644
        --- a/init/main.c
        +++ b/init/main.c
        @@ -1,3 +1,4 @@
         start
        +map
         middle
         end

        """),
  ]

  private init(_ name: String, subject: String, body: String, diff: String) {
    self.name = name
    text = """
      From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
      From: Ada Lovelace <ada@example.org>
      Date: Sat, 21 Nov 2026 04:40:43 +0100
      Subject: [PATCH] \(subject)

      \(body)

      Signed-off-by: Ada Lovelace <ada@example.org>
      \(diff)
      """
  }
}
