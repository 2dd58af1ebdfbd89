import Archive
import Attribution
import Dialects
import Evidence
import Record

/// Questions about who held an address.
struct HolderQuestions {
  let log: any LogAccess
  let progress: (String) -> Void

  func who(_ invocation: Invocation) throws -> Reply {
    let question = try whoQuestion(invocation)
    let answers = try log.questions(progress: progress).who(question)
    return try reply(DeletedDays(log).removed(from: answers, at: question.at))
  }

  func whoQuestion(_ invocation: Invocation) throws -> Who {
    let text = invocation.words[0]
    guard let ip = IPAddress(text) else {
      throw UsageError("\(Arguments.quoted(text)) is no IP address", hint: "write 10.20.3.57 or 2001:db8::57")
    }
    guard let at = invocation.value("at") else { throw UsageError("--at is missing", hint: "--at '2026-11-20 14:03'") }
    var question = Who(ip: ip, at: try TimeArgument(at).instant(in: log.zone), site: invocation.value("site"))
    if let window = invocation.value("window") { question.window = try DurationArgument.read(window, option: "window") }
    return question
  }

  func nat(_ invocation: Invocation) throws -> Reply {
    let (ip, port) = try EndpointArgument.read(invocation.words[0], name: "IP[:PORT]")
    let to = try invocation.value("to").map { text throws(UsageError) in try EndpointArgument.read(text, name: "--to") }
    guard port != nil || to != nil else {
      throw UsageError("without a port --to is necessary: many stand behind one address", hint: "\(ip):PORT, or --to IP[:PORT]")
    }
    guard let at = invocation.value("at") else { throw UsageError("--at is missing", hint: "--at '2026-11-20 14:03:07'") }
    var question = Nat(ip: ip, port: port, at: try TimeArgument(at).instant(in: log.zone), to: to, site: invocation.value("site"))
    if let window = invocation.value("window") { question.window = try DurationArgument.read(window, option: "window") }
    if let name = invocation.value("protocol") {
      guard TransportProtocol.read(Array(name.utf8).span) != nil else {
        throw UsageError("--protocol: \(Arguments.quoted(name)) is no protocol", hint: "tcp, udp, icmp or a number up to 255")
      }
      question.proto = name
    }
    let answers = try log.questions(blocks: true, progress: progress).nat(question)
    return try reply(DeletedDays(log).removed(from: answers, at: question.at))
  }

  func device(_ invocation: Invocation) throws -> Reply {
    guard !invocation.words[0].isEmpty else { throw UsageError("the device's name is empty") }
    let (from, to) = try Between.of(invocation, in: log.zone)
    var answers = try log.questions(progress: progress).device(DeviceQuestion(invocation.words[0], from: from, to: to))
    if let site = invocation.value("site") { answers.answers.removeAll { $0.site != site } }
    var reply = try reply(DeletedDays(log).removed(from: answers))
    // A host may be named like an address, so it is asked all the same.
    if reply.exit == .noAnswer, IPAddress(invocation.words[0]) != nil {
      reply.words.append("\(invocation.words[0]) is an address: `muhur who` tells who had it at a time, `muhur table` on a day")
    }
    return reply
  }

  func reply(_ answers: Answers) throws -> Reply {
    // The index may know a record before its proof can be read; what fails is said, not left out.
    var failure: (any Error)?
    let json = answers.json { place in
      do { return try log.seals.proof(of: place.record, on: place.day, in: log.zone) } catch {
        failure = failure ?? error
        return (nil, nil)
      }
    }
    if let failure { throw failure }
    return Reply(answers.answers.isEmpty ? .noAnswer : .answered, json: json.bytes, answers: answers.answers.count)
  }

  func table(_ invocation: Invocation) throws -> Reply {
    let day = try CalendarDay.argument(invocation.words[0])
    if try DeletedDays(log).contains(day) { throw try Export.absent(BundleMaking.Place(day: day, record: 0), log) }
    var rows = try log.questions(progress: progress).table(day)
    if let site = invocation.value("site") { rows.removeAll { $0.site != site } }
    var json: [UInt8] = []
    json.append("{\"day\":\"")
    json.append(day)
    json.append("\",\"rows\":[")
    for (i, row) in rows.enumerated() {
      if i > 0 { json.append(0x2c) }
      row.json.write(into: &json)
    }
    json.append("]}")
    return Reply(rows.isEmpty ? .noAnswer : .answered, json: json, answers: rows.count)
  }
}
