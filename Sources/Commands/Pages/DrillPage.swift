import Evidence
import Record

/// The report of a drill as a page, in Turkish and English.
struct DrillPage {
  let answer: JSONValue

  var bytes: [UInt8] {
    var page = Page(title: "Tatbikat raporu / Drill report: " + (answer["log"]?["name"]?.string ?? ""))
    page.inBothLanguages { page, language in write(&page, Wording(language: language)) }
    return page.bytes
  }

  private func write(_ page: inout Page, _ say: Wording) {
    let records = answer["records"]?.array ?? []
    page.heading(say("Kanıt tatbikatı raporu", "Report of an evidence drill"), 1)
    page.facts([
      (say("Tarih", "Date"), say.both(answer["made"])),
      (say("Kayıt sistemi", "Log"), "\(answer["log"]?["name"]?.string ?? "") (\(answer["log"]?["id"]?.string ?? ""))"),
      (say("Yazılım", "Software"), answer["software"]?.string),
      (
        say("Arşiv", "Archive"),
        say(
          "\(number("days")) gün, \(number("sealed_records")) mühürlü kayıt",
          "\(number("days")) days, \(number("sealed_records")) sealed records")
      ),
      (say("Sonuç", "Result"), result(answer["result"]?.string, say)),
    ])
    page.paragraph(
      say(
        "\(records.count) kayıt bütün arşivden rastgele seçildi; her biri için kanıt dosyası üretildi ve denetçinin doğrulayıcısıyla denetlendi.",
        "\(records.count) records were picked at random over the whole archive; for each an evidence bundle was made and judged by the auditor's verifier."
      ))
    if answer["trust"]?["signer"]?.bool != true || answer["trust"]?["tsa"]?.bool != true {
      page.note(
        say(
          "Güvenilen sertifikalar verilmedi (--signer, --tsa): imza ve damgaların kime ait olduğuna bakılmadı.",
          "No trusted certificates were given (--signer, --tsa): whose signatures and time stamps these are was not judged."))
    }
    page.table(
      [say("Gün", "Day"), say("Kayıt", "Record"), say("Mühür", "Seal"), say("Zaman damgası", "Time stamp"), say("Sonuç", "Result")],
      records.map { record in
        let found = (record["findings"]?.array ?? []).map { "\($0["what"]?.string ?? ""): \($0["detail"]?.string ?? "")" }
        return [
          record["day"]?.string ?? "?", record["record"]?.integer.map(String.init) ?? "?", record["seal"]?.integer.map(String.init) ?? "–",
          say.both(record["proven_at"]) ?? "–", ([result(record["result"]?.string, say)] + found).joined(separator: "; "),
        ]
      })
    page.heading(say("Yedekler", "Backups"))
    let copies = answer["copies"]?.array ?? []
    if copies.isEmpty { page.note(say("Hiçbir yedek denetlenmedi (--copy).", "No backup was checked (--copy).")) }
    for copy in copies {
      page.facts([
        (say("Yer", "Where"), copy["path"]?.string), (say("Son mühür", "Newest seal"), copy["newest_seal"]?.integer.map(String.init)),
        (say("Yapıldığı an", "Made"), say.both(copy["made"])),
        (say("Geride kalan gün", "Days behind"), copy["days_behind"]?.integer.map(String.init)),
        (say("Sonuç", "Result"), result(copy["result"]?.string, say)),
        (say("Neden", "Why"), (copy["why"]?.array ?? []).compactMap(\.string).joined(separator: "\n")), ("head", copy["head"]?.string),
      ])
    }
    page.paragraph(
      say(
        "Tatbikatı yapan: ____________________   İmza: ____________________",
        "Carried out by: ____________________   Signature: ____________________"))
  }

  private func number(_ name: String) -> String { answer[name]?.integer.map(Words.grouped) ?? "?" }

  private func result(_ word: String?, _ say: Wording) -> String {
    switch word {
    case "ok": say("sağlam (ok)", "ok: all holds")
    case "unproven": say("bir şey kanıtlanmamış (unproven)", "unproven: nothing is wrong, but something is not proven")
    default: say("bozuk (broken)", "broken")
    }
  }
}
