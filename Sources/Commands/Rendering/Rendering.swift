import Record

/// Text for people, made from the answer's JSON alone: so a daemon's answer and a folder's look the same, and nothing is
/// shown that `--json` does not say. Characters that a terminal would obey are made visible.
public enum Rendering {
  public static func text(_ command: CommandName, _ answer: JSONValue, style: Style) -> String {
    switch command {
    case .who, .nat, .device: HolderText(style: style).answer(command, answer)
    case .table: ListText(style: style).table(answer)
    case .search: ListText(style: style).search(answer)
    case .days: ListText(style: style).days(answer)
    case .heads: ListText(style: style).heads(answer)
    case .show: RecordText(style: style).show(answer)
    case .explain: RecordText(style: style).explain(answer)
    case .status: ReportText(style: style).status(answer)
    case .`init`: ReportText(style: style).made(answer)
    case .seal: ReportText(style: style).seal(answer)
    case .`import`: ReportText(style: style).imported(answer)
    case .copy: ReportText(style: style).copy(answer)
    case .reindex: ReportText(style: style).reindexed(answer)
    case .checkConfig: ReportText(style: style).checked(answer)
    case .export: RecordText(style: style).exported(answer)
    case .hold: ReportText(style: style).held(answer)
    case .queries: ListText(style: style).queries(answer)
    case .destruction: ReportText(style: style).destroyed(answer)
    case .drill: ReportText(style: style).drilled(answer)
    }
  }
}
