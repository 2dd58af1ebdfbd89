import Archive
import Glibc
import Record
import TestSupport
import Testing

@testable import Evidence

@Suite struct PageTests {
  @Test("nothing from outside becomes markup, turns the direction of writing or hides")
  func escaped() {
    let hostile = "<script>alert(\"1\")</script>&amp;' \u{202e}gnp.exe\u{0}\u{7f}\u{200b}\u{1b}[2J"
    let text = Page.escaped(hostile)
    #expect(!text.contains("<") && !text.contains(">") && !text.contains("\"") && !text.contains("'"))
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && ![0x7f, 0x202e, 0x200b].contains($0.value) })
    var page = Page(title: hostile)
    page.heading(hostile)
    page.paragraph(hostile)
    page.note(hostile)
    page.facts([(hostile, hostile), ("none", nil)])
    page.table([hostile], [[hostile]])
    page.list([hostile])
    page.code([hostile])
    let whole = page.text
    #expect(whole.ranges(of: "<script").isEmpty && !whole.unicodeScalars.contains("\u{202e}") && !whole.unicodeScalars.contains("\u{1b}"))
    #expect(whole.ranges(of: "src=").isEmpty && whole.ranges(of: "href=").isEmpty, "a page needs nothing from elsewhere")
    #expect(whole.ranges(of: "<th>none").isEmpty, "what has no value has no row")
  }

  @Test("--report writes a page in both languages: days, findings, what is not proven, how to repeat it")
  func report() throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "a'b <i>")
    unlink(archive + "/days/2026-11-03/seals/00000004.p7s")
    let path = scratch.path + "/report.html"
    let arguments = [
      "--quiet", "--signer", Small.folder + "/signer.pem", "--tsa", Small.folder + "/tsa.pem", "--as-of", "2026-11-07T20:00:00+03:00",
      "--report", path, archive,
    ]
    #expect(VerifierCommand.run(arguments) == 1)
    let page = String(decoding: try RegularFile.bytes(path, limit: 1 << 20), as: UTF8.self)
    for text in [
      "lang=\"tr\"", "lang=\"en\"", "2026-11-07", "missing", "bozuk (broken)", "openssl cms -verify", "a&#39;b &lt;i&gt;", "UTC+03:00",
      "sealed or listed is not there",
    ] { #expect(!page.ranges(of: text).isEmpty, "\(text)") }
    #expect(page.ranges(of: "<i>").isEmpty)
    #expect(VerifierCommand.run(arguments) == 2, "nothing is overwritten")
    #expect(
      VerifierCommand.run(["--quiet", "--report", scratch.path + "/none/x.html", archive]) == 1,
      "broken is worse than a page that cannot be placed")
  }
}
