// SPDX-License-Identifier: Apache-2.0

extension String {
  /// The text without what a hostile guest could steer a terminal or an XML reader with: control and
  /// format characters, noncharacters and direction marks become `·`; line ends become spaces.
  public var printable: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .lineSeparator, .paragraphSeparator: " "
          case .control where scalar == "\n" || scalar == "\t": " "
          case .control, .format, .surrogate, .privateUse, .unassigned: "·"
          default: scalar
          }
        }))
  }
}
