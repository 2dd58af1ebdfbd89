import Evidence
import Record

/// The destruction record as a page, in Turkish and English.
struct DestructionPage {
  let answer: JSONValue

  var bytes: [UInt8] {
    var page = Page(title: "İmha tutanağı / Destruction record: " + (answer["log"]?["name"]?.string ?? ""))
    page.inBothLanguages { page, language in write(&page, Wording(language: language)) }
    return page.bytes
  }

  private func write(_ page: inout Page, _ say: Wording) {
    let days = answer["days"]?.array ?? []
    page.heading(say("Kayıt imha tutanağı", "Record of destruction"), 1)
    page.facts([
      (say("Kayıt sistemi", "Log"), "\(answer["log"]?["name"]?.string ?? "") (\(answer["log"]?["id"]?.string ?? ""))"),
      (say("Günler", "Days"), "\(answer["from"]?.string ?? "") – \(answer["to"]?.string ?? "") (\(days.count))"),
      (say("Silinen kayıt", "Records deleted"), answer["records"]?.integer.map(Words.grouped)),
      (say("Silinen bayt (sıkıştırılmamış)", "Bytes deleted (as text)"), answer["bytes"]?.integer.map(Words.grouped)),
    ])
    page.paragraph(
      say(
        "Kural: kayıtlar yapılandırılan saklama süresince (retention) tutulur; süre bitince, imzalı bir mühür yeni başlangıç gününü (kept_from) "
          + "bildirdikten sonra, tutulması istenmemiş günlerin kayıtları ve anahtarı silinir (5651 sayılı Kanun ve yönetmeliği: iki yıl; "
          + "6698 sayılı Kanun: süresi biten kişisel veri silinir). Mühürler silinmez.",
        "Rule: records are kept for the configured retention; when it is over, and after a signed seal has said the new first day (kept_from), "
          + "the records and the key of days that are not held for a case are deleted (law 5651 and its regulation: two years; law 6698: "
          + "personal data is deleted once its term is over). Seals are never deleted."))
    page.table(
      [
        say("Gün", "Day"), say("Kayıt", "Records"), say("Bütünlük değeri (SHA-256)", "Integrity value (SHA-256)"),
        say("Son mühür", "Final seal"),
        say("İzin veren mühür", "Permitted by seal"), say("Süre", "Retention"), say("Silindiği an", "Deleted at"),
      ],
      days.map { day in
        let permit = day["permitted_by"]
        return [
          day["day"]?.string ?? "?", day["records"]?.integer.map(Words.grouped) ?? "?", day["sha256"]?.string ?? "–",
          day["final_seal"]?.integer.map(String.init) ?? "–",
          permit?["seal"]?.integer.map { "\($0) (kept_from \(permit?["kept_from"]?.string ?? "?"))" } ?? "–",
          day["retention"]?.string ?? "–",
          say.both(day["deleted_at"]) ?? "–",
        ]
      })
    page.paragraph(
      say(
        "Doğrulama: muhur-verify --signer signer.crt --tsa tsa.crt ARŞİV her silinen günü \"deleted\" olarak, izinsiz silineni \"deleted-early\" olarak bildirir.",
        "To check: muhur-verify --signer signer.crt --tsa tsa.crt ARCHIVE reports each such day as \"deleted\", and one that nothing permitted as "
          + "\"deleted-early\"."))
  }
}
