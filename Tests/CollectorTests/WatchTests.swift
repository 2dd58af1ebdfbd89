import Record
import Testing

@testable import Collector

@Suite("What the writer watches besides messages")
struct WatchTests {
  @Test(
    "the clock: a step is told, a slow correction and a pause are not",
    arguments: [
      (wall: Int64(200_000), boot: Int64(200_000), step: Int64?.none),
      (200_100, 200_000, nil), (60_000_000, 60_000_000, nil), (200_000 + 499_999, 200_000, nil), (200_000 + 500_000, 200_000, 500_000),
      (-3_600_000_000, 200_000, -3_600_200_000), (86_400_000_000, 200_000, 86_399_800_000),
    ])
  func clock(wall: Int64, boot: Int64, step: Int64?) {
    var watch = ClockWatch()
    let start: Int64 = 1_795_435_200_000_000
    #expect(watch.look(wall: start, boot: 5_000_000) == nil)
    let seen = watch.look(wall: start + wall, boot: 5_000_000 + boot)
    #expect(seen?.microseconds == step)
    // What was told once is not told again.
    #expect(watch.look(wall: start + wall + 200_000, boot: 5_000_000 + boot + 200_000) == nil)
  }

  @Test(
    "the disk: how long it lasts, and when that is little",
    arguments: [
      // A day's text is 6 GB, so a gigabyte a day on disk.
      (free: 100, seconds: 86_400, text: 6_000, daysLeft: 100, isLow: false), (29, 86_400, 6_000, 29, true),
      (100, 43_200, 3_000, 100, false),
      (29, 300, 6_000 / 288, 29, true), (100, 86_400, 0, nil, false),
    ] as [(Int, Int, Int, Int?, Bool)])
  func disk(free: Int, seconds: Int, text: Int, daysLeft: Int?, isLow: Bool) throws {
    var space = try #require(DiskSpace(of: "/"))
    space.freeBytes = free * 1_000_000_000
    // Too small a part of it is little by itself.
    space.totalBytes = 1_000_000_000_000
    let outlook = DiskOutlook(space, recordBytes: text * 1_000_000, started: 0, now: Int64(seconds) * Timestamp.second)
    if let days = outlook.daysLeft, let expected = daysLeft {
      #expect(abs(days - expected) <= 1)
    } else {
      #expect(outlook.daysLeft == daysLeft)
    }
    #expect(outlook.isLow == isLow)
  }

  @Test("the disk: a rate of the first minutes alone warns of nothing")
  func young() throws {
    var space = try #require(DiskSpace(of: "/"))
    space.freeBytes = 500_000_000_000
    space.totalBytes = 1_000_000_000_000
    #expect(!DiskOutlook(space, recordBytes: 60_000_000_000, started: 0, now: 300 * Timestamp.second).isLow)
    #expect(DiskOutlook(space, recordBytes: 600_000_000_000, started: 0, now: 3000 * Timestamp.second).isLow)
  }
}
