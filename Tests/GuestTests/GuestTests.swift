// SPDX-License-Identifier: Apache-2.0

import Testing

/// Tests that boot real guests, one after the other: a guest takes the whole machine.
@Suite(.serialized, TemporaryDirectories()) struct GuestTests {}
