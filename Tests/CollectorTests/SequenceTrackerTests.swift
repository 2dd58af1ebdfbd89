import Record
import TestSupport
import Testing

@testable import Collector

@Suite struct SequenceTrackerTests {
  /// What is missing after these numbers, which come a tenth of a second apart.
  private func missing(_ numbers: [Int64]) -> Int? {
    var tracker = SequenceTracker()
    var total: Int?
    var now: Int64 = 0
    for number in numbers {
      now += 100_000
      tracker.see(number, now: now)
      if let gap = tracker.take(now: now) { total = (total ?? 0) + gap.count }
    }
    if let gap = tracker.take(now: now + SequenceTracker.patienceMicroseconds) { total = (total ?? 0) + gap.count }
    #expect(!tracker.isWaiting)
    return total
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var rule: String
    var numbers: [Int64]
    var missing: Int?
    var testDescription: String { rule }

    init(_ rule: String, _ numbers: [Int64], _ missing: Int?) { (self.rule, self.numbers, self.missing) = (rule, numbers, missing) }
  }

  static let cases = [
    Case("numbers in order", [1, 2, 3, 4], nil),
    Case("the first number may be any", [7001, 7002], nil),
    Case("what is left out is missing", [1, 2, 3, 7, 8], 3),
    Case("also at the end", [1, 2, 3, 7], 3),
    Case("several times", [1, 2, 5, 6, 7, 8, 9, 11, 12, 13], 3),
    Case("disorder is no loss", [1, 2, 4, 3, 5, 8, 6, 7, 9], nil),
    Case("disorder beside a loss", [1, 2, 6, 4, 7], 2),
    Case("a number twice is no loss", [1, 2, 2, 3, 3, 4], nil),
    Case("a restart from one is no loss", Array(900...910) + [1, 2, 3], nil),
    Case("a restart soon after the beginning is no loss", [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7], nil),
    Case("behind a restart what is left out is missing again", Array(900...910) + [1, 2, 5], 2),
    Case("the numbers begin again behind the greatest", [2_147_483_646, 2_147_483_647, 1, 2], nil),
    Case("a jump beyond all measure is a new beginning", [1, 2, 3, 1_500_000_000, 1_500_000_001], nil),
    Case("two programs that each count are no loss", [5, 1000, 6, 1001, 7, 1002, 8, 1003, 9, 1004], nil),
    Case("nor with the greater first", [1000, 5, 1001, 6, 1002, 7, 1003, 8, 1004, 9], nil),
    Case("a loss of one of two", [5, 1000, 6, 1001, 7, 1002, 8, 1003, 12, 1004, 13], 3),
    Case("numbers that leave out every other tell nothing", (0..<40).map { $0 * 2 }, nil),
  ]

  @Test("numbers and what is missing", arguments: cases)
  func numbers(_ c: Case) { #expect(missing(c.numbers) == c.missing) }

  @Test("a gap lies between the messages around it, and waits for those that are late")
  func times() {
    var tracker = SequenceTracker()
    tracker.see(1, now: 10)
    tracker.see(5, now: 20)
    #expect(tracker.take(now: 20) == nil && tracker.isWaiting)
    tracker.see(3, now: 30)
    #expect(tracker.take(now: SequenceTracker.patienceMicroseconds + 29) == nil)
    #expect(tracker.take(now: SequenceTracker.patienceMicroseconds + 30) == .init(count: 2, since: 10, until: 20))
    #expect(!tracker.isWaiting)
  }

  @Test("any numbers: what is missing is never more than what was left out, and memory is bounded")
  func anyNumbers() {
    var random = Seeded(5424)
    for _ in 0..<200 {
      var tracker = SequenceTracker()
      var now: Int64 = 0
      for _ in 0..<500 {
        now += Int64.random(in: 0...1_000_000, using: &random)
        tracker.see(Int64.random(in: 0...9_999_999_999, using: &random), now: now)
        if let gap = tracker.take(now: now) { #expect(gap.count > 0 && gap.since <= gap.until) }
      }
      _ = tracker.take(now: now, all: true)
      #expect(!tracker.isWaiting)
    }
  }
}

@Suite struct SourceGapsTests {
  private let second = Timestamp.second

  @Test("a sender has one notice a second at most, and none is lost")
  func rate() {
    var gaps = SourceGaps()
    var told: [SourceGaps.Gap] = []
    var number: Int64 = 0
    for tick in 0..<100 {
      let now = Int64(tick) * 100_000
      number += 3
      gaps.see(number, key: 1, source: "a", now: now)
      number += 1
      gaps.see(number, key: 1, source: "a", now: now)
      for _ in 0..<2 {
        number += 1
        gaps.see(number, key: 1, source: "a", now: now)
      }
      told += gaps.take(now: now)
    }
    #expect(told.count <= 10)
    told += gaps.take(now: 11 * second, all: true)
    #expect(told.compactMap(\.count).reduce(0, +) == 99 * 2)
    #expect(told.allSatisfy { $0.source == "a" && $0.how == "numbers" && $0.since < $0.until })
  }

  @Test("many senders at once have few notices a second")
  func many() {
    var gaps = SourceGaps()
    for i in 0..<500 { gaps.lost(1, source: "\(i)", since: 0, until: 1) }
    #expect(gaps.take(now: second).count == SourceGaps.noticesASecond)
    #expect(gaps.take(now: 2 * second).count == SourceGaps.noticesASecond)
    #expect(gaps.take(now: 3 * second, all: true).count == 500 - 2 * SourceGaps.noticesASecond)
  }

  @Test("what a sender says of its losses is told, with its number where it says one")
  func told() {
    var gaps = SourceGaps()
    gaps.lost(nil, source: "a", since: 5, until: 10)
    gaps.lost(12, source: "a", since: 10, until: 20)
    gaps.lost(nil, source: "b", since: 0, until: 1)
    #expect(
      gaps.take(now: second) == [
        .init(source: "a", count: 12, since: 5, until: 20, how: "told"), .init(source: "b", count: nil, since: 0, until: 1, how: "told"),
      ])
    #expect(gaps.take(now: 2 * second).isEmpty)
  }

  @Test("a pause lasts until the sender's next message")
  func pause() {
    var gaps = SourceGaps()
    gaps.pauses(source: "a", at: 100)
    #expect(gaps.take(now: second) == [.init(source: "a", count: nil, since: 100, until: 100, how: "told")])
    gaps.speaks(source: "a", at: 60 * second)
    #expect(gaps.take(now: 60 * second) == [.init(source: "a", count: nil, since: 100, until: 60 * second, how: "told")])
    #expect(!gaps.hasPaused)
  }
}
