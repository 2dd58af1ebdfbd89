import Attribution

extension FuzzTarget {
  /// A day's file in the index of blocks, and the records that it is made of.
  static let blockIndex = FuzzTarget(name: "block-index") { bytes in require(BlockIndexCheck.fault(bytes) == nil, "what is read is whole") }
}
