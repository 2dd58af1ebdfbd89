import Record

/// Decides whether a later day may begin (design section 4). The open day never goes back, and a clock that is suddenly
/// far ahead opens nothing until the kernel calls it synchronised or the operator vouches for it: a day that was begun
/// cannot be taken back.
struct DayClock {
  enum Verdict: Equatable {
    case begin
    case stay
    /// Far ahead, and nobody vouches for it. `first`: not told yet.
    case suspect(first: Bool)
  }

  static let farDays = 8

  private var open: CalendarDay
  private var suspected: CalendarDay?
  private var isConfirmed = false
  private let isSynchronised: () -> Bool

  init(day: CalendarDay, isSynchronised: @escaping () -> Bool = { Clock.state().isSynchronised }) {
    open = day
    self.isSynchronised = isSynchronised
  }

  /// - Parameter day: later than the open one.
  mutating func judge(_ day: CalendarDay) -> Verdict {
    guard day > open else { return .stay }
    if day.number - open.number <= Self.farDays || isConfirmed || isSynchronised() { return .begin }
    defer { suspected = day }
    return .suspect(first: suspected != day)
  }

  mutating func begun(_ day: CalendarDay) {
    open = day
    suspected = nil
    isConfirmed = false
  }

  mutating func confirm() { isConfirmed = true }
}
