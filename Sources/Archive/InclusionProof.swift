import Record

/// The way from one leaf to the root (RFC 9162 section 2.1.3): the roots of the subtrees beside it, lowest first.
public enum InclusionProof {
  /// SHA-256(0x00 ‖ salt ‖ line), the hash of a record's leaf.
  /// - Parameters:
  ///   - salt: the record's 16 bytes.
  ///   - line: without its LF.
  public static func leaf(salt: [UInt8], line: [UInt8]) -> Digest {
    let hash = SHA256()
    hash.update([0].span)
    hash.update(salt.span)
    hash.update(line.span)
    return hash.finish()
  }

  /// The root to which a path leads (RFC 9162 section 2.1.3.2).
  /// - Parameters:
  ///   - index: the leaf's place, from 0.
  ///   - size: leaves in the tree.
  /// - Returns: nil where a path of this length belongs to no such leaf.
  public static func root(leaf: Digest, index: Int, size: Int, path: [Digest]) -> Digest? {
    guard index >= 0, index < size else { return nil }
    let node = SHA256()
    var hash = leaf
    var (first, last) = (index, size - 1)
    for sibling in path {
      if last == 0 { return nil }
      if first & 1 == 1 || first == last {
        hash = MerkleTree.node(sibling, hash, with: node)
        while first & 1 == 0, first != 0 {
          first >>= 1
          last >>= 1
        }
      } else {
        hash = MerkleTree.node(hash, sibling, with: node)
      }
      first >>= 1
      last >>= 1
    }
    return last == 0 ? hash : nil
  }
}

/// The tree over the first records of a day, as far as paths from some of them need it: the root of each block, and the
/// leaves of those blocks that hold the wanted records. Five million records take 160 KiB and 32 KiB for each wanted one.
public final class ProofTree {
  /// What a bundle tells of one record.
  public struct Leaf: Sendable {
    public var line: [UInt8]
    public var salt: [UInt8]
    public var path: [Digest]
  }

  private static let block = Block.records
  public let size: Int
  private var blockRoots: [Digest] = []
  private var leaves: [Int: [Digest]] = [:]
  private var lines: [Int: (line: [UInt8], salt: [UInt8])] = [:]
  private let node = SHA256()

  /// Reads the first `size` records of a day.
  /// - Throws: `.missing` where the day has fewer; `.malformed`, `.system`.
  public init(_ folder: DayFolder, size: Int, wanted: Set<Int>) throws {
    self.size = size
    let stream = SaltStream(try folder.salt())
    let blocks = Set(wanted.map { $0 / Self.block })
    let hash = SHA256()
    var tree = MerkleTree()
    var current: [Digest] = []
    var count = 0
    if size > 0 {
      try DayReader(folder).forEach { number, line in
        hash.reset()
        hash.update([0].span)
        stream.withSalt(number) { hash.update($0) }
        hash.update(line)
        let leaf = hash.finish()
        tree.append(leaf: leaf)
        let block = number / Self.block
        if blocks.contains(block) { current.append(leaf) }
        if wanted.contains(number) { lines[number] = (line.array, stream.salt(number)) }
        count += 1
        if tree.size == Self.block || count == size {
          blockRoots.append(tree.root)
          tree = MerkleTree()
          if !current.isEmpty { leaves[block] = current }
          current = []
        }
        return count < size
      }
    }
    guard count == size else {
      throw ArchiveError(.missing, folder.name(Layout.records), "\(count) records are here, a seal covers \(size)")
    }
  }

  public var root: Digest { size == 0 ? SHA256.hash([]) : root(0, size) }

  /// - Returns: nil for a record that was not wanted, or is not in the tree.
  public func leaf(_ record: Int) -> Leaf? {
    guard let (line, salt) = lines[record], record < size else { return nil }
    return Leaf(line: line, salt: salt, path: path(record, 0, size))
  }

  /// PATH(m, D[from:to]): RFC 9162 section 2.1.3.1.
  private func path(_ record: Int, _ from: Int, _ to: Int) -> [Digest] {
    guard to - from > 1 else { return [] }
    let middle = from + Self.split(to - from)
    return record < middle
      ? path(record, from, middle) + [root(middle, to)] : path(record, middle, to) + [root(from, middle)]
  }

  /// MTH(D[from:to]). A range that a path asks for lies within one wanted block, or begins at a block's border.
  private func root(_ from: Int, _ to: Int) -> Digest {
    if from % Self.block == 0, to - from == Self.block || to == size && to - from < Self.block { return blockRoots[from / Self.block] }
    if to - from == 1, let block = leaves[from / Self.block] { return block[from % Self.block] }
    let middle = from + Self.split(to - from)
    return MerkleTree.node(root(from, middle), root(middle, to), with: node)
  }

  /// The largest power of two below `count`, which is at least 2.
  private static func split(_ count: Int) -> Int { 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount) }
}
