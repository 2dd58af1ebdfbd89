import Glibc
import Record
import Testing

@testable import Archive

/// A folder that goes with its owner.
final class ScratchFolder {
  let path: String

  init() throws {
    path = "/tmp/muhur-test-" + Hex.text(randomBytes(8))
    try Disk.makeFolder(path)
  }

  deinit { removeTree(path) }
}

func removeTree(_ path: String) {
  for entry in (try? folderEntries(path)) ?? [] {
    let child = path + "/" + entry.name
    if entry.kind == .folder { removeTree(child) } else { unlink(child) }
  }
  rmdir(path)
}

/// What the auditor's own tool reads; nil where it complains.
func zcat(_ path: String) -> [UInt8]? {
  guard let pipe = popen("zcat '\(path)'", "r") else { return nil }
  var out: [UInt8] = []
  while case let c = fgetc(pipe), c >= 0 { out.append(UInt8(truncatingIfNeeded: c)) }
  return pclose(pipe) == 0 ? out : nil
}

/// MTH by the RFC's own recursive words, over leaf hashes.
func mth(_ leaves: ArraySlice<Digest>) -> Digest {
  if leaves.isEmpty { return SHA256.hash([]) }
  if leaves.count == 1, let leaf = leaves.first { return leaf }
  var k = 1
  while k * 2 < leaves.count { k *= 2 }
  let left = mth(leaves.prefix(k))
  let right = mth(leaves.dropFirst(k))
  return SHA256.hash([1] + left.bytes + right.bytes)
}

@Suite struct MerkleTreeTests {
  @Test("the root equals the RFC's recursive definition at every size, and a block may be appended as one subtree")
  func root() {
    var tree = MerkleTree()
    var leaves: [Digest] = []
    for n in 0..<300 {
      #expect(tree.root == mth(leaves[...]))
      let leaf = SHA256.hash([0] + Array("leaf \(n)".utf8))
      leaves.append(leaf)
      tree.append(leaf: leaf)
    }
    var blocks = MerkleTree()
    for start in stride(from: 0, to: 256, by: 64) { blocks.append(subtree: mth(leaves[start..<start + 64]), height: 6) }
    #expect(blocks.size == 256)
    #expect(blocks.root == mth(leaves[0..<256]))
  }

  @Test("the root of an empty tree is the SHA-256 of nothing")
  func empty() {
    #expect(MerkleTree().root.description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }
}

@Suite struct SaltStreamTests {
  @Test("salt i is block i of the AES-256-CTR key stream with a zero IV (NIST SP 800-38A cipher, counter from 0)")
  func stream() {
    let stream = SaltStream(DaySalt(key: [UInt8](repeating: 0, count: 32)))
    // AES-256 of the zero block under the zero key (FIPS 197 known answer), and of the block 1.
    #expect(Hex.text(stream.salt(0)) == "dc95c078a2408989ad48a21492842087")
    #expect(Hex.text(stream.salt(1)) == "530f8afbc74536b9a963b4f1c4cb738b")
    let late = stream.salt(5_000_000)
    #expect(SaltStream(DaySalt(key: [UInt8](repeating: 0, count: 32))).salt(5_000_000) == late)
    #expect(Hex.text(stream.salt(1)) == "530f8afbc74536b9a963b4f1c4cb738b")
  }

  @Test("a salt file is 64 lower-case digits and LF, nothing else")
  func file() {
    let salt = DaySalt.random()
    #expect(DaySalt(fileBytes: salt.fileBytes.span) == salt)
    #expect(DaySalt(fileBytes: Array(salt.fileBytes.dropLast()).span) == nil)
    #expect(DaySalt(fileBytes: (salt.fileBytes + [0x0a]).span) == nil)
    #expect(DaySalt(fileBytes: Array(String(repeating: "A", count: 64).utf8 + [0x0a]).span) == nil)
  }
}

@Suite struct LayoutTests {
  @Test("names read back as what they were made of, and other names are none")
  func names() {
    #expect(Layout.tail(first: 118_784) == "tail-0000118784.ndjson")
    #expect(Layout.tailFirst("tail-0000118784.ndjson") == 118_784)
    for name in [
      "tail-118784.ndjson", "tail-00001187845.ndjson", "tail-+000118784.ndjson", "tail-0000118784.ndjson.tmp", "tail-0000118784.NDJSON",
    ] {
      #expect(Layout.tailFirst(name) == nil, "\(name)")
    }
    #expect(Layout.seal(417, .token(authority: "kamu-SM_1")) == "00000417.kamu-SM_1.tsr")
    #expect(Layout.sealFile("00000417.kamu-SM_1.tsr")?.file == .token(authority: "kamu-SM_1"))
    #expect(Layout.sealFile("00000417.json")?.number == 417)
    #expect(Layout.sealFile("00000417.p7s")?.file == .signature)
    for name in [
      "00000417.tsr", "00000417..tsr", "00000417.a.b.tsr", "00000417.ü.tsr", "417.json", "00000417.json.tmp", "0000041x.json", "00000417",
      "00000000.json", "00000000.p7s", "00000000.local.tsr",
    ] {
      #expect(Layout.sealFile(name) == nil, "\(name)")
    }
    for name in ["salt.tmp", ".tmp", "\u{600}.tmp"] { #expect(Layout.isTemporary(name), "\(name)") }
    for name in ["tmp", "salt.tmp2", "salt.TMP"] { #expect(!Layout.isTemporary(name), "\(name)") }
  }
}

@Suite struct BlockTests {
  private func lines(_ count: Int, bytes: Int = 40) -> [[UInt8]] {
    (0..<count).map { i in
      Array("{\"time\":\"2026-11-23T14:03:07.\(String(1_000_000 + i).dropFirst())+03:00\",\"via\":\"udp\",\"raw\":\"".utf8)
        + [UInt8](repeating: UInt8(97 + i % 26), count: bytes) + Array("\"}".utf8)
    }
  }

  private func write(_ blocks: [[[UInt8]]], to path: String, effort: BlockWriter.Effort = .dense) throws {
    let descriptor = try Disk.create(path)
    defer { close(descriptor) }
    let writer = BlockWriter()
    var offset = 0
    for block in blocks {
      writer.begin(descriptor, at: offset, path: path, effort: effort)
      for line in block { try writer.append(line.span) }
      offset += try writer.finish()
    }
  }

  private func read(_ folder: DayFolder, from: Int = 0) throws -> [[UInt8]] {
    var out: [[UInt8]] = []
    try DayReader(folder, from: from).forEach { number, line in
      #expect(number == from + out.count)
      out.append(line.array)
      return true
    }
    return out
  }

  @Test("what is written reads back, from any record on, and zcat reads the same", arguments: [BlockWriter.Effort.dense, .fast])
  func roundTrip(effort: BlockWriter.Effort) throws {
    let scratch = try ScratchFolder()
    let all = lines(1024 * 2 + 5)
    try write(
      [Array(all[0..<1024]), Array(all[1024..<2048]), Array(all[2048...])], to: scratch.path + "/" + Layout.records, effort: effort)
    #expect(zcat(scratch.path + "/" + Layout.records) == Array(all.joined(separator: [0x0a])) + [0x0a])
    let folder = DayFolder(root: scratch.path, name: ".")
    #expect(try read(folder) == all)
    for from in [1, 1023, 1024, 2047, 2048, 2052] { #expect(try read(folder, from: from) == Array(all[from...])) }
    #expect(try read(folder, from: 2053) == [])
    #expect(try DayReader.record(1500, of: folder) == all[1500])
    #expect(try DayReader.record(2053, of: folder) == nil)
  }

  @Test("a block over 4 MiB is streamed both ways")
  func large() throws {
    let scratch = try ScratchFolder()
    let all = lines(12, bytes: 1_000_000) + lines(3)
    try write([all], to: scratch.path + "/" + Layout.records)
    #expect(try read(DayFolder(root: scratch.path, name: ".")) == all)
    #expect(try read(DayFolder(root: scratch.path, name: "."), from: 13) == Array(all[13...]))
  }

  @Test("a day without records is one empty member")
  func empty() throws {
    let scratch = try ScratchFolder()
    try write([[]], to: scratch.path + "/" + Layout.records)
    #expect(try RegularFile.bytes(scratch.path + "/" + Layout.records, limit: 100).count >= Block.leastBytes)
    #expect(zcat(scratch.path + "/" + Layout.records) == [])
    #expect(try read(DayFolder(root: scratch.path, name: ".")) == [])
  }

  @Test("a reader that stays follows tails, blocks made of them and new tails, and gives every record once")
  func follow() throws {
    let scratch = try ScratchFolder()
    let folder = DayFolder(root: scratch.path, name: ".")
    let all = lines(3000)
    let reader = DayReader(folder)
    var got: [[UInt8]] = []
    func more() throws {
      try reader.forEach { number, line in
        #expect(number == got.count)
        got.append(line.array)
        return true
      }
    }
    func append(_ range: Range<Int>, to first: Int, tornBytes: Int = 0) throws {
      let path = folder.path(Layout.tail(first: first))
      let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
      defer { close(descriptor) }
      var bytes: [UInt8] = all[range].flatMap { $0 + [UInt8(0x0a)] }
      bytes.append(contentsOf: all[range.upperBound].prefix(tornBytes))
      try Disk.write(descriptor, bytes.span, path: path)
    }
    try more()
    try append(0..<700, to: 0, tornBytes: 0)
    try more()
    #expect(got.count == 700)
    try append(700..<1500, to: 0)
    try append(1500..<1600, to: 1500)
    try write([Array(all[0..<1024])], to: folder.path(Layout.records))
    try more()
    #expect(got.count == 1600)
    try Disk.remove(folder.path(Layout.tail(first: 0)))
    try append(1600..<2500, to: 1500, tornBytes: 10)
    try more()
    #expect(got == Array(all[0..<2500]))
    #expect(throws: ArchiveError.self) { try DayReader(folder, from: 1024).forEach { _, _ in true } }
  }

  @Test("hostile members are refused: damaged, lying about their length, with bytes behind, too many or too long lines")
  func hostile() throws {
    let scratch = try ScratchFolder()
    let folder = DayFolder(root: scratch.path, name: ".")
    let path = folder.path(Layout.records)
    try write([lines(50)], to: path)
    let good = try RegularFile.bytes(path, limit: 1 << 20)
    for i in good.indices where !(4...9).contains(i) {
      var bad = good
      bad[i] ^= 0x10
      try Disk.place(bad, at: path, replacing: true)
      let got = try? read(folder)
      // LENGTH made too long counts as cut off: nothing is given out. The last bits of the deflate data may be unused.
      #expect(got == nil || got == [] || (i == good.count - 9 && got == lines(50)), "byte \(i)")
    }
  }
}
