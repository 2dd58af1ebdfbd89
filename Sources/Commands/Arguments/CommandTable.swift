import Dialects

/// All commands, their options and their help. The parser, the daemon's access control and `--help` read this one table.
public enum CommandTable {
  typealias Option = CommandDescription.Option
  typealias Word = CommandDescription.Word
  typealias Example = CommandDescription.Example

  public static func command(_ name: String) -> CommandDescription? { all.first { $0.name.rawValue == name } }

  /// Which log is meant; permitted before and behind every command.
  static let places = [
    Option(
      name: "archive", value: "DIR",
      about: "read this archive, such as an auditor's copy, in place of asking the daemon; questions go to several together", repeats: true),
    Option(name: "index", value: "DIR", about: "where the index of --archive lies, or is built (default: $XDG_CACHE_HOME/muhur/LOGID)"),
    Option(name: "keys", value: "DIR", about: "the signer's and the local authority's keys, where an archive without daemon is written"),
    Option(name: "socket", value: "PATH", about: "the daemon's socket (default: \(defaultSocket))"),
  ]

  static let common = [
    Option(name: "json", about: "answer in JSON"),
    Option(name: "help", about: "explain the command"),
    Option(name: "version", about: "print the version"),
  ]

  public static let defaultSocket = "/run/muhur/muhur.sock"

  static func isKnown(_ option: String) -> Bool { kinds[option] != nil }
  static func takesValue(_ option: String) -> Bool { kinds[option] ?? false }

  /// Whether an option takes a value, over all commands: an option of one name is of one kind everywhere, so that it
  /// can be read before its command is known.
  private static let kinds: [String: Bool] = Dictionary(
    (all.flatMap(\.options) + places + common).map { ($0.name, $0.value != nil) }, uniquingKeysWith: { a, _ in a })

  private static let caseNumber = Option(
    name: "case", value: "NO", about: "the case number or letter for which is asked; stands in the query notice")
  private static let site = Option(name: "site", value: "S", about: "only this address space, where units reuse addresses")
  private static let from = Option(name: "from", value: "TIME", about: "the beginning, inclusive; a day alone means its first moment")
  private static let to = Option(name: "to", value: "TIME", about: "the end, inclusive; a day alone means its last moment")
  private static let noAnswer = (code: 1, meaning: "no answer: nothing is known")

  public static let all: [CommandDescription] = questions + theLog + administration + configuration

  private static let questions: [CommandDescription] = [
    CommandDescription(
      name: .who, summary: "which device and user held an internal address at a time", words: [Word(name: "IP")],
      options: [
        Option(name: "at", value: "TIME", about: "the time in question; necessary"),
        Option(
          name: "window", value: "5m",
          about: "how near to TIME a change of holder or a gap lowers the certainty (default 5m); makes no answer"),
        site, caseNumber,
        Option(name: "export", value: "FILE.zip", about: "also write an evidence bundle of the answer"),
      ],
      about: [
        "Answers with the device (MAC, DUID or client identifier), its host name and users, from when to when it held the "
          + "address, how certain that is, and the records that prove it. Where nobody is known to have held it, the holder "
          + "before and the one after are shown.",
        "`confirmed`: inside a known lease or between two observations. `likely`: the lease time comes from the configuration, "
          + "or there is a gap in the reception. `possible`: after the last observation with unknown lease time, or in conflict; "
          + "then every candidate is shown.",
      ],
      examples: [
        Example(line: "muhur who 10.20.3.57 --at '2026-11-20 14:03' --case '2026/7712 Sor.'", about: "asks the daemon, for a case"),
        Example(
          line: "muhur --archive /media/usb/archive who 10.20.3.57 --at 2026-11-20T14:03:00+03:00 --json",
          about: "asks an auditor's copy, for a program"),
      ],
      exits: [(code: 1, meaning: "nobody is known to have held the address then")], access: .question, pathOptions: ["export"]),
    CommandDescription(
      name: .nat, summary: "who stood behind a public address and port at a time", words: [Word(name: "IP[:PORT]")],
      options: [
        Option(name: "at", value: "TIME", about: "the time in question; necessary"),
        Option(name: "window", value: "60s", about: "how far sessions may lie from TIME (default 60s)"),
        Option(name: "to", value: "IP[:PORT]", about: "the other end; necessary where no port is given"),
        Option(name: "protocol", value: "P", about: "tcp, udp, icmp or a number"),
        site, caseNumber,
      ],
      about: [
        "Finds the sessions that a firewall or gateway logged for this public address and port, and for each the internal "
          + "address, and its holder over the session's time."
      ],
      examples: [Example(line: "muhur nat 195.142.10.8:51834 --at '2026-11-20 14:03:07'", about: "one answer for each session that fits")],
      exits: [noAnswer], access: .question),
    CommandDescription(
      name: .device, summary: "every address that a device or user held", words: [Word(name: "MAC|DUID|HOSTNAME|USER")],
      options: [from, to, site, caseNumber],
      about: [
        "Lists the intervals in which this device or user held an address between the two times. A MAC is taken in every usual "
          + "spelling (3c:52:82:1a:7f:09, 3C-52-82-1A-7F-09, 3c52.821a.7f09)."
      ],
      examples: [Example(line: "muhur device 3c:52:82:1a:7f:09 --from 2026-11-01 --to 2026-11-30", about: "the whole month")],
      exits: [noAnswer], access: .question),
    CommandDescription(
      name: .table, summary: "a day's list of addresses and their holders", words: [Word(name: "DAY")],
      options: [Option(name: "csv", about: "comma-separated (RFC 4180); see below"), site, caseNumber],
      about: [
        "The list of internal addresses that the law asks for: IP, start, end, MAC, host name, user. One row for each interval "
          + "that touches the day.",
        "In --csv a cell that a spreadsheet would take for a formula (it begins with =, +, -, @, tab or carriage return) gets an "
          + "apostrophe before it: host names and user names are chosen by strangers.",
      ],
      examples: [Example(line: "muhur table 2026-11-20 --csv > 2026-11-20.csv", about: "for a spreadsheet")],
      exits: [(code: 1, meaning: "the day has no interval")], access: .question),
    CommandDescription(
      name: .search, summary: "records that hold a text", words: [Word(name: "TEXT")],
      options: [
        from, to,
        Option(name: "kind", value: "K", about: "only records with an event of this kind: lease, binding, session, login, notice"),
        caseNumber,
      ],
      about: [
        "An address, a MAC, a user or a host name is looked up in the index. Any other text is compared with the bytes of each record "
          + "received between the two times, letter case included, and with the decoded text of messages that are not UTF-8; that reads "
          + "the days' blocks and shows its progress. At most 1,000 records are given; `truncated` says that there are more."
      ],
      examples: [
        Example(
          line: "muhur search BIM-PC --from '2026-11-20 09:00' --to '2026-11-20 18:00'", about: "what was logged about it in those hours")
      ],
      exits: [(code: 1, meaning: "no record holds the text")], access: .question),
    CommandDescription(
      name: .show, summary: "one record whole, and what proves it", words: [Word(name: "DAY"), Word(name: "RECORD")], options: [caseNumber],
      about: [
        "Prints the record as it lies in the archive, the received bytes, the events read from them, the seal that covers it, and when that was proven."
      ],
      examples: [Example(line: "muhur show 2026-11-20 118800", about: "records are numbered from 0 in each day")],
      exits: [(code: 1, meaning: "there is no such record")], access: .question),
    CommandDescription(
      name: .export, summary: "an evidence bundle of some records",
      words: [Word(name: "DAY"), Word(name: "RECORD", count: .many)],
      options: [Option(name: "out", value: "FILE.zip", about: "the file to write; necessary"), caseNumber],
      about: [
        "Writes one .zip that proves these records, and discloses no other: with seals, signatures, time stamps and inclusion proofs."
      ],
      examples: [Example(line: "muhur export 2026-11-20 118800 --out evidence.zip", about: "for the file of a case")],
      exits: [noAnswer], access: .question, pathOptions: ["out"]),
  ]

  private static let theLog: [CommandDescription] = [
    CommandDescription(
      name: .days, summary: "the days of the log and their state",
      about: [
        "One line for each day: records, bytes, seals, how many records are sealed, whether the day is closed, whether a token is there, and how many messages were lost."
      ],
      examples: [Example(line: "muhur days", about: "newest last")], access: .view),
    CommandDescription(
      name: .heads, summary: "the head lines, one for each closed day",
      about: [
        "A head line names the log, the final seal of a day and the hash of its signature. Once such a line lies elsewhere (a register, "
          + "a letter, another machine), that day and all before it can no longer be rewritten: `muhur-verify --head FILE` compares."
      ],
      examples: [Example(line: "muhur heads | tail -n 1", about: "the line to record elsewhere")], access: .view),
    CommandDescription(
      name: .status, summary: "the daemon's state: sources, losses, seals, tokens, disk, warnings",
      about: [
        "What is received and from whom, what was lost, the last seal, tokens that are waited for, the authorities, the disk, and in words what needs attention."
      ],
      examples: [Example(line: "muhur status --json", about: "for monitoring; ends with 0 whenever it was answered")], access: .view),
  ]

  private static let administration: [CommandDescription] = [
    CommandDescription(
      name: .`init`, summary: "make a new log and its keys",
      options: [
        Option(name: "log", value: "NAME", about: "the log's name, which stands in every seal (default: the host's name)"),
        Option(name: "timezone", value: "ZONE", about: "the zone of its days and times (default: /etc/timezone, else Europe/Istanbul)"),
        Option(name: "resume", about: "go on with an archive that was restored from a copy"),
      ],
      about: [
        "Makes log.json and the folder of the days in --archive, and in --keys the signer's key and certificate and those of the local "
          + "time-stamp authority. Both options are necessary. What exists is never overwritten.",
        "The fingerprints that it prints belong on paper, or on another machine: an auditor compares them with the certificates he is given.",
      ],
      examples: [
        Example(
          line: "muhur init --archive /var/lib/muhur/archive --keys /etc/muhur/keys --log efeler.bel.tr",
          about: "once, before muhurd starts for the first time")
      ],
      exits: [(code: 1, meaning: "there is a log or a key already; nothing was changed")], place: .here, access: .administration),
    CommandDescription(
      name: .seal, summary: "seal what is there now",
      options: [
        Option(name: "final", value: "DAY", about: "close a past day that has no final seal"),
        Option(name: "confirm-clock", about: "confirm that the clock is right, although it is more than eight days ahead of the open day"),
      ],
      about: [
        "Signs the day's records as they are now and has the signature time-stamped. Ends with 0 once it is signed; a token that still waits is said in words."
      ],
      examples: [Example(line: "muhur seal", about: "before a disk leaves the house")], exits: [noAnswer], access: .administration),
    CommandDescription(
      name: .`import`, summary: "read log files into the open day", words: [Word(name: "FILE", count: .many)],
      options: [
        Option(name: "source", value: "NAME", about: "the device that wrote the file, as in the configuration; necessary"),
        Option(
          name: "format", value: "F",
          about: FileFormat.allCases.map(\.rawValue).joined(separator: ", ") + " (default: by what the file looks like)"),
        Option(name: "year", value: "Y", about: "the year of the first line, where lines have none"),
        Option(name: "again", about: "also where the same file was imported before"),
      ],
      about: [
        "Each line, lease or request becomes a record, byte for byte, with `via` import; its events rest on the times in the file. A notice "
          + "holds the file's SHA-256; the same file again is refused without --again. Through the socket the open file is handed over, so the "
          + "daemon needs no right to read it.",
        "Of a packet capture (pcap, pcapng) each message of DHCP and RADIUS accounting and each sighting of an address (ARP, neighbour "
          + "discovery) becomes a record; other packets are passed over, and so are sightings of an unchanged pair within half of "
          + "binding_timeout.",
        "static is a list of addresses that you declare, in columns ip,mac,hostname,since (a day or a time; the last two may be left out).",
        "With --archive what was read is sealed where --keys names the log's keys, else by the daemon when it starts.",
      ],
      examples: [
        Example(line: "muhur import /var/log/dhcpd.log.1 --source dhcp1", about: "an old log, through the daemon"),
        Example(line: "muhur import /var/lib/dhcp/dhcpd.leases --source dhcp1", about: "the leases that a server remembers"),
        Example(line: "muhur import monday.pcapng --source mirror", about: "what was captured on the wire"),
        Example(
          line: "muhur --archive old/archive import messages --source dhcp1 --year 2024", about: "into an archive that no daemon holds"),
      ],
      exits: [(code: 1, meaning: "the same file was imported before, or nothing in it can be read; nothing was written")],
      access: .administration, wordsArePaths: true),
    CommandDescription(
      name: .copy, summary: "copy the archive, also while it is written", words: [Word(name: "DEST")],
      options: [Option(name: "check", about: "copy nothing: say how far the copy in DEST is behind, and whether it is whole")],
      about: [
        "Copies into DEST, which may hold an older copy: what is there already is kept. Seals are taken first, then tails, then blocks, so "
          + "the copy holds together while records arrive. At the end the copy is checked; the head line says how far it reaches. "
          + "Days that retention has deleted go from the copy as well. The daemon records the copy in a `copied` notice.",
        "With --check nothing is written: seals, signatures, tokens and the chain of the copy are checked, and compared with the log's.",
      ],
      examples: [
        Example(line: "muhur copy /mnt/backup/archive", about: "the first and every later time"),
        Example(line: "muhur copy --check /mnt/backup/archive", about: "how many days and seals it lacks"),
      ],
      exits: [
        (code: 1, meaning: "the copy is broken or DEST holds something else"),
        (code: 3, meaning: "copied, but something in it is not proven"),
      ],
      access: .administration, wordsArePaths: true),
    CommandDescription(
      name: .reindex, summary: "build the index again from the archive",
      about: [
        "Builds the index from every record. Messages that have no event, or events of a dialect whose name or version is another "
          + "today, are read again with today's dialects and the configuration's `devices`; what that gives takes the place of the recorded "
          + "events in answers of `who`, `device`, `table`, `nat` and `search`. All other events are taken as they are recorded: a dialect of "
          + "your own that you change needs a new `version`. Nothing is read for senders that are not among `devices`, unless there are none.",
        "The archive is not changed: `show` and `export` give records as they were written. An imported line without a year is read again only "
          + "where its recorded event says which one it is.",
        "With --archive there is no configuration to say whose messages they are: events are taken as they are recorded.",
      ],
      examples: [Example(line: "muhur reindex", about: "after better dialects were installed")], access: .administration),
    CommandDescription(
      name: .hold, summary: "keep days for a case, beyond their time",
      words: [Word(name: "FROM", count: .optional), Word(name: "TO", count: .optional)],
      options: [
        Option(name: "case", value: "NO", about: "the case; necessary"), Option(name: "release", about: "end the hold of this case"),
      ],
      about: [
        "Days from FROM to TO are not deleted when their time is over, until the hold is released. The hold stands once it is sealed, which "
          + "this does at once. Seals name the days and a hash of the case: the case itself stays in the log."
      ],
      examples: [
        Example(line: "muhur hold 2025-01-10 2025-01-12 --case '2026/7712 Sor.'", about: "three days"),
        Example(line: "muhur hold --release --case '2026/7712 Sor.'", about: "all that is held for this case"),
      ],
      exits: [(code: 1, meaning: "these days are deleted already, or nothing is held for the case")], access: .administration),
    CommandDescription(
      name: .queries, summary: "who asked what, and what was exported",
      options: [from, to, Option(name: "case", value: "NO", about: "only what was asked for this case")],
      about: [
        "Lists the recorded questions and exports: when, user and uid, what was asked, for which case, how many answers. Reads the whole log, "
          + "or the days between the two times. Questions that were asked of a folder (--archive) are recorded nowhere."
      ],
      examples: [Example(line: "muhur queries --from 2026-11-01 --to 2026-11-30 --json", about: "for whoever audits the auditors")],
      exits: [(code: 1, meaning: "nothing was asked")], access: .administration),
    CommandDescription(
      name: .destruction, summary: "the record of what retention has deleted", words: [Word(name: "DAY", count: .optional)],
      options: [
        Option(name: "from", value: "TIME", about: "the first day"), Option(name: "to", value: "TIME", about: "the last day"),
        Option(name: "out", value: "FILE", about: "also write it as a page (HTML, Turkish and English), to print and sign"),
      ],
      about: [
        "For each deleted day: how many records and bytes, their integrity value, the seal that permitted the deletion, when it was done and under "
          + "which retention. All of it is read from the log: seals are kept for ever."
      ],
      examples: [Example(line: "muhur destruction --from 2024-01-01 --to 2024-12-31 --out imha-2024.html", about: "a year's record")],
      exits: [(code: 1, meaning: "nothing was deleted")], access: .administration, pathOptions: ["out"]),
    CommandDescription(
      name: .drill, summary: "try whether evidence can be given, once a year",
      options: [
        Option(name: "records", value: "N", about: "how many records are tried (default \(Drill.usualRecords))"),
        Option(name: "copy", value: "DIR", about: "a backup to check as well, all its records included", repeats: true),
        Option(name: "signer", value: "FILE", about: "PEM: the certificates that may sign seals"),
        Option(name: "tsa", value: "FILE", about: "PEM: the time-stamp authorities"),
        Option(name: "out", value: "FILE", about: "also write the report as a page (HTML, Turkish and English)"),
      ],
      about: [
        "Picks records at random over the whole archive, makes an evidence bundle of each, judges it as an auditor would, checks the backups, and "
          + "reports with the date. Nothing of the records stands in the report. Without --signer and --tsa it is not judged whose signatures and "
          + "time stamps these are."
      ],
      examples: [Example(line: "muhur drill --records 50 --copy /mnt/backup/archive --out tatbikat-2026.html", about: "for the file")],
      exits: [(code: 1, meaning: "something is broken, or there is nothing to try"), (code: 3, meaning: "something is not proven")],
      access: .administration, pathOptions: ["copy", "signer", "tsa", "out"]),
  ]

  private static let configuration: [CommandDescription] = [
    CommandDescription(
      name: .checkConfig, summary: "check the configuration and its dialects", words: [Word(name: "FILE", count: .optional)],
      options: [Option(name: "config", value: "FILE", about: "the configuration (default: /etc/muhur/muhur.json5)")],
      about: ["Names every fault with file, line and the key's path, as `devices[0].clock`, and runs the examples of the dialects."],
      examples: [Example(line: "muhur check-config && systemctl reload muhurd", about: "reload only what is right")],
      exits: [(code: 2, meaning: "the configuration is wrong")], place: .here, access: .administration),
    CommandDescription(
      name: .explain, summary: "how messages are read, and why not", words: [Word(name: "FILE|-", count: .optional)],
      options: [
        Option(name: "source", value: "NAME", about: "read as from this device of the configuration"),
        Option(name: "dialect", value: "D", about: "only with this dialect"),
        Option(
          name: "charset", value: "NAME",
          about: "of bytes that are not UTF-8: windows-1254 (default), iso-8859-9, utf-8, utf-16le, utf-16be, cp857, cp437"),
        Option(name: "base64", about: "each line is one message in base64"),
        Option(name: "dialects", value: "DIR", about: "the folder of dialects", repeats: true),
        Option(name: "config", value: "FILE", about: "the configuration (default: /etc/muhur/muhur.json5)"),
      ],
      about: [
        "Reads messages, one a line, from FILE or the standard input, and shows the syslog header, the dialect that understood the message, and "
          + "its events; or why there are none. Needs no archive and no daemon."
      ],
      examples: [Example(line: "tail -n 5 /var/log/dhcpd.log | muhur explain", about: "why a device's messages make no events")],
      exits: [(code: 1, meaning: "no message has an event")], place: .here, access: .view),
  ]
}
