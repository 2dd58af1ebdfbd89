/// The tree of RFC 9162 section 2.1 over a day's records, grown leaf by leaf.
///
/// It holds the roots of the complete subtrees that its size is made of, largest first, one for each bit of the size:
/// 5 million records need 23 of them. An interior node is SHA-256(0x01 ‖ left ‖ right), a leaf SHA-256(0x00 ‖ data).
public struct MerkleTree {
  /// Leaves so far.
  public private(set) var size = 0
  private var subtrees: [Digest] = []
  private let node = SHA256()

  public init() {}

  /// Appends a leaf by its hash.
  public mutating func append(leaf: Digest) { append(subtree: leaf, height: 0) }

  /// Appends a complete subtree of 2^height leaves at once (a block's is one of height 10).
  ///
  /// The size so far must be a multiple of 2^height.
  public mutating func append(subtree root: Digest, height: Int) {
    precondition(size & (1 << height - 1) == 0, "a subtree begins where its height allows")
    var hash = root
    var bit = 1 << height
    while size & bit != 0, let left = subtrees.popLast() {
      hash = Self.node(left, hash, with: node)
      bit <<= 1
    }
    subtrees.append(hash)
    size += 1 << height
  }

  /// MTH of the leaves so far; of none it is the SHA-256 of nothing.
  public var root: Digest {
    guard var hash = subtrees.last else { return SHA256.hash([]) }
    for left in subtrees.dropLast().reversed() { hash = Self.node(left, hash, with: node) }
    return hash
  }

  static func node(_ left: Digest, _ right: Digest, with hash: SHA256) -> Digest {
    hash.reset()
    // One update: three cost as much again as one of the two compressions.
    withUnsafeTemporaryAllocation(byteCount: 1 + 2 * Digest.count, alignment: 16) { data in
      data[0] = 1
      left.withReadBytes { UnsafeMutableRawBufferPointer(rebasing: data[1...]).copyMemory(from: $0) }
      right.withReadBytes { UnsafeMutableRawBufferPointer(rebasing: data[(1 + Digest.count)...]).copyMemory(from: $0) }
      hash.update(UnsafeRawBufferPointer(data))
    }
    return hash.finish()
  }
}
