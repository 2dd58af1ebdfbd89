import Archive
import Glibc
import Record
import TestSupport
import Testing

@testable import Evidence

/// Numbers that look random and are the same in each run.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}

/// A zip file taken apart.
func unzipped(_ bytes: [UInt8]) throws -> Zip { try Zip(bytes.span) }

@Suite struct ZipTests {
  private static func some(_ dice: inout Dice) -> [Zip.Entry] {
    (0..<Int.random(in: 0...12, using: &dice)).map { i in
      Zip.Entry(
        "folder/\(i)-\(UInt16.random(in: 0...9999, using: &dice)).bin",
        (0..<Int.random(in: 0...300, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) })
    }
  }

  @Test("what is written reads back", arguments: 1...50)
  func roundTrip(seed: UInt64) throws {
    var dice = Dice(seed)
    let entries = Self.some(&dice)
    let zip = try unzipped(#require(Zip.bytes(entries)))
    #expect(zip.entries == entries)
    for entry in entries { #expect(zip[entry.name] == entry.content) }
    #expect(zip["nothing"] == nil)
  }

  @Test("other programs read what is written, and we read what they store")
  func others() throws {
    let scratch = try ScratchFolder()
    let path = scratch.path + "/a.zip"
    try Disk.place(#require(Zip.bytes([Zip.Entry("a/b.txt", Array("çay".utf8)), Zip.Entry("c", [])])), at: path)
    #expect(
      run(
        "python3 -c \"import zipfile,sys; z=zipfile.ZipFile('\(path)'); sys.exit(z.testzip() is not None or z.read('a/b.txt').decode() != 'çay')\""
      ) == 0)
    let other = scratch.path + "/b.zip"
    #expect(run("python3 -c \"import zipfile; z=zipfile.ZipFile('\(other)','w'); z.writestr('x','1'); z.writestr('y/z',b'')\"") == 0)
    #expect(try unzipped(RegularFile.bytes(other, limit: 1 << 20)).entries == [Zip.Entry("x", Array("1".utf8)), Zip.Entry("y/z", [])])
    #expect(run("python3 -c \"import zipfile; z=zipfile.ZipFile('\(other)','w',zipfile.ZIP_DEFLATED); z.writestr('x','1'*999)\"") == 0)
    #expect(throws: Malformed.self) { try unzipped(RegularFile.bytes(other, limit: 1 << 20)) }
  }

  @Test("a changed byte is refused, or stands where nothing is said", arguments: 1...8)
  func tampered(seed: UInt64) throws {
    var dice = Dice(seed)
    let entries = Self.some(&dice)
    let bytes = try #require(Zip.bytes(entries))
    for i in bytes.indices {
      var changed = bytes
      changed[i] ^= 1 << UInt8.random(in: 0...7, using: &dice)
      // Who made the file and its mode there (central header, bytes 4, 5 and 36 to 41) are of no meaning.
      if let read = try? unzipped(changed) { #expect(read.entries == entries, "seed \(seed), byte \(i)") }
    }
    for count in bytes.indices { #expect(throws: Malformed.self) { try unzipped(Array(bytes[..<count])) } }
    #expect(throws: Malformed.self) { try unzipped(bytes + [0]) }
    #expect(throws: Malformed.self) { try unzipped([0] + bytes) }
  }

  @Test("two entries of one name, a name with a space, a folder of its own: refused where two programs could differ")
  func names() throws {
    for entries in [
      [Zip.Entry("a", []), Zip.Entry("b", []), Zip.Entry("a", [])], [Zip.Entry("a b", [])], [Zip.Entry("", [])], [Zip.Entry("\u{7f}", [])],
    ] {
      let bytes = try #require(Zip.bytes(entries))
      #expect(throws: Malformed.self) { try unzipped(bytes) }
    }
  }
}

@Suite struct InclusionProofTests {
  /// RFC 9162 sections 2.1.1 and 2.1.3.1, word for word and slow.
  private static func root(_ leaves: ArraySlice<Digest>) -> [UInt8] {
    guard leaves.count > 1 else { return leaves.first?.bytes ?? SHA256.hash([]).bytes }
    var k = 1
    while k * 2 < leaves.count { k *= 2 }
    let middle = leaves.startIndex + k
    return SHA256.hash([1] + root(leaves[..<middle]) + root(leaves[middle...])).bytes
  }

  private static func path(_ m: Int, _ leaves: ArraySlice<Digest>) -> [[UInt8]] {
    guard leaves.count > 1 else { return [] }
    var k = 1
    while k * 2 < leaves.count { k *= 2 }
    let middle = leaves.startIndex + k
    return m < k ? path(m, leaves[..<middle]) + [root(leaves[middle...])] : path(m - k, leaves[middle...]) + [root(leaves[..<middle])]
  }

  @Test("paths lead to the root, and to no other place in the tree", arguments: [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 64, 100])
  func paths(size: Int) throws {
    let leaves = (0..<size).map { SHA256.hash([UInt8($0)]) }
    let root = Self.root(leaves[...])
    var tree = MerkleTree()
    for leaf in leaves { tree.append(leaf: leaf) }
    #expect(tree.root.bytes == root)
    for m in 0..<size {
      let path = Self.path(m, leaves[...]).compactMap { Digest($0.span) }
      #expect(InclusionProof.root(leaf: leaves[m], index: m, size: size, path: path)?.bytes == root)
      #expect(InclusionProof.root(leaf: leaves[m], index: m, size: size, path: path + [leaves[0]]) == nil)
      if !path.isEmpty { #expect(InclusionProof.root(leaf: leaves[m], index: m, size: size, path: path.dropLast()) == nil) }
      for other in 0..<size where other != m {
        #expect(InclusionProof.root(leaf: leaves[m], index: other, size: size, path: path)?.bytes != root)
      }
      #expect(InclusionProof.root(leaf: leaves[m], index: size, size: size, path: path) == nil)
      #expect(InclusionProof.root(leaf: leaves[m], index: -1, size: size, path: path) == nil)
    }
  }

  @Test("a day's paths, at the borders of blocks", arguments: [1, 2, 1023, 1024, 1025, 2048, 2049, 3000])
  func days(size: Int) throws {
    let log = try OwnLog()
    let seal = try log.closedDay(log.day, records: size)
    let wanted = Set([0, 1, 511, 1022, 1023, 1024, 1025, 2047, 2048, size - 2, size - 1].filter { (0..<size).contains($0) })
    let tree = try ProofTree(log.archive.day(log.day), size: size, wanted: wanted)
    #expect(tree.root == seal.root)
    for record in wanted {
      let leaf = try #require(tree.leaf(record))
      let hash = InclusionProof.leaf(salt: leaf.salt, line: leaf.line)
      #expect(InclusionProof.root(leaf: hash, index: record, size: size, path: leaf.path) == seal.root)
    }
    #expect(tree.leaf(size) == nil)
  }
}
