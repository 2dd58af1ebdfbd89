import Record
import TestSupport
import Testing

@testable import Dialects

@Suite struct DialectFileTests {
  @Test("the built-in dialects' own examples hold")
  func examples() {
    #expect(DialectSet.builtIn.checkExamples().map(\.description) == [])
    #expect(DialectSet.builtIn.dialects.allSatisfy { $0.examples.count >= 2 })
  }

  @Test("every file of etc/dialects is built in, and is what is built in")
  func complete() throws {
    let files = try DialectFolder.files(in: Corpus.package + "/etc/dialects")
    #expect(files.map(\.name) == BuiltInDialects.files.map(\.name))
    #expect(zip(files, BuiltInDialects.files).filter { $0.bytes != $1.bytes }.map(\.0.name) == [])
  }
}
