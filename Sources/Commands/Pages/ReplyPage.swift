import Archive
import Evidence
import Record

/// README.html of an evidence bundle: a letter's worth to read and print, in Turkish and in English. What it says was
/// true of the log when it was made; evidence are the files beside it.
struct ReplyPage {
  let making: BundleMaking
  /// What `who` answered; nil where records were exported by number.
  let answer: JSONValue?
  let caseNumber: String?
  /// The collector's own records among those in the bundle.
  let notices: Set<BundleMaking.Place>
  let made: Timestamp
  let software: String

  var bytes: [UInt8] {
    var page = Page(title: "Kanıt / Evidence: " + making.log.name)
    page.inBothLanguages { page, language in Section(content: self, say: Wording(language: language)).write(&page) }
    return page.bytes
  }
}

/// The same words in two languages.
struct Wording {
  let language: Page.Language

  func callAsFunction(_ turkish: String, _ english: String) -> String { language == .turkish ? turkish : english }

  func certainty(_ word: String?) -> String {
    switch word {
    case "confirmed": self("kesin (confirmed)", "confirmed")
    case "likely": self("muhtemel (likely)", "likely")
    default: self("olası (possible)", "possible")
    }
  }

  func certaintyMeans(_ word: String?) -> String {
    switch word {
    case "confirmed":
      self(
        "sorulan an, bilinen bir kiranın içinde ya da bu cihazın iki gözlemi arasındadır; yakınında boşluk, çelişki ve el değiştirme yoktur.",
        "the time lies within a known lease or between two observations of this device, with no gap, conflict or change of holder near it.")
    case "likely":
      self(
        "kira süresi yapılandırmadan alınmıştır ya da o sırada kayıtlarda boşluk vardır.",
        "the lease time was taken from the configuration, or the reception had a gap.")
    default:
      self(
        "sorulan an son gözlemden sonradır ve kira süresi bilinmemektedir, ya da kayıtlar çelişmektedir; bütün adaylar gösterilir.",
        "the time is after the last observation and the lease time is not known, or records contradict each other; all candidates are shown."
      )
    }
  }

  func basis(_ word: String?) -> String {
    switch word {
    case "lease": self("DHCP sunucusunun verdiği adres kirası", "an address lease given by the DHCP server")
    case "binding":
      self("adresin cihazla birlikte gözlenmesi (ARP, komşu keşfi, anahtar kaydı)", "the address seen together with the device")
    case "login": self("kullanıcı oturumu", "a user's login")
    case "declared": self("kurumun bildirdiği sabit adres", "a static address declared by the institution")
    default: visible(word ?? "?")
    }
  }

  func ended(_ word: String?) -> String {
    switch word {
    case "released": self("cihaz bıraktı", "released by the device")
    case "expired": self("süresi doldu", "expired")
    case "superseded": self("adres başka cihaza verildi", "the address went to another device")
    case "declined": self("cihaz reddetti", "declined by the device")
    case "open": self("sürüyor", "still open")
    default: self("bilinmiyor", "unknown")
    }
  }

  func gap(_ word: String?) -> String {
    switch word {
    case "collector-down": self("toplayıcı çalışmıyordu", "the collector did not run")
    case "dropped": self("ileti kaybı", "messages were lost")
    case "source-silent": self("kaynak sustu", "a source was silent")
    case "source-gap": self("kaynakta eksik ileti", "messages of a source are missing")
    case "clock-stepped": self("saat değiştirildi", "the clock was stepped")
    case "clock-suspect": self("saat kuşkulu", "the clock was suspect")
    case "before-first-record": self("ilk kayıttan önce", "before the first record")
    case "deleted": self("saklama süresi dolan kayıtlar silindi", "records deleted when their retention was over")
    case "after-last-record": self("son kayıttan sonra", "after the last record")
    default: visible(word ?? "?")
    }
  }

  /// In Turkey's time and in UTC, so that nobody has to calculate.
  func both(_ time: Timestamp) -> String {
    func clock(_ minutes: Int) -> String {
      let text = time.at(offsetMinutes: minutes).description
      return String(text.dropLast(6).map { $0 == "T" ? " " : $0 })
    }
    return "\(clock(180)) (UTC+03:00) = \(clock(0)) (UTC)"
  }

  func both(_ value: JSONValue?) -> String? {
    guard let text = value?.string else { return nil }
    return Timestamp(rfc3339: text).map { both($0) } ?? visible(text)
  }
}

private struct Section {
  let content: ReplyPage
  let say: Wording

  private var making: BundleMaking { content.making }
  private var answers: [JSONValue] { content.answer?["answers"]?.array ?? [] }

  func write(_ page: inout Page) {
    page.heading(say("Kayıt sorgusuna yanıt", "Reply to a question about log records"), 1)
    page.facts([
      (say("Dosya / yazı no.", "Case"), content.caseNumber ?? say("belirtilmedi", "not given")),
      (say("Kayıt sistemi", "Log"), "\(making.log.name) (\(making.log.id))"),
      (say("Hazırlandığı an", "Made at"), say.both(content.made)), (say("Yazılım", "Software"), content.software),
    ])
    if let answer = content.answer {
      question(answer["question"], &page)
      if answers.isEmpty { nobody(answer, &page) } else { holders(&page) }
      gaps(answer, &page)
    } else {
      page.heading(say("Soru", "Question"))
      page.paragraph(
        say(
          "Aşağıdaki kayıtların zaman damgalı kayıt zincirinde bulunduğunun kanıtı istenmiştir.",
          "Proof was asked for that the records below are part of the time-stamped log."))
    }
    records(&page)
    verify(&page)
    limits(&page)
  }

  // MARK: Question and answer

  private func question(_ question: JSONValue?, _ page: inout Page) {
    let ip = question?["ip"]?.string ?? "?"
    let at = say.both(question?["at"]) ?? "?"
    let site = question?["site"]?.string.map { say(" (birim: \($0))", " (site: \($0))") } ?? ""
    page.heading(say("Soru", "Question"))
    page.paragraph(
      say(
        "\(ip)\(site) iç IP adresini \(at) anında hangi cihaz ve hangi kullanıcı kullanıyordu?",
        "Which device and which user held the internal IP address \(ip)\(site) at \(at)?"))
  }

  private func holders(_ page: inout Page) {
    page.heading(say("Yanıt", "Answer"))
    if answers.count > 1 {
      page.note(
        say(
          "Kayıtlar \(answers.count) aday arasında karar vermeye yetmemektedir; hepsi aşağıdadır.",
          "The records do not decide between \(answers.count) candidates; all of them are below."))
    }
    for holder in answers { self.holder(holder, &page) }
  }

  private func holder(_ holder: JSONValue, _ page: inout Page) {
    func text(_ name: String) -> String? { holder[name]?.string }
    var rows: [(name: String, value: String?)] = [
      (say("IP adresi", "IP address"), text("ip")), (say("MAC adresi", "MAC address"), text("mac")),
      (
        say("MAC hakkında", "About the MAC"),
        holder["mac_random"]?.bool == true
          ? say("cihazın kendisinin ürettiği (rastgele) bir adres olabilir", "may have been made up by the device (locally administered)")
          : nil
      ), ("DUID", text("duid")), (say("İstemci kimliği", "Client identifier"), text("client_id")),
      (say("Cihaz adı", "Host name"), text("hostname")),
      (say("Birim", "Site"), text("site").flatMap { $0 == RecordLine.defaultSite ? nil : $0 }),
      (say("Başlangıç", "From"), say.both(holder["start"])), (say("Son görülme", "Last seen"), say.both(holder["last_seen"])),
      (
        say("Bitiş", "To"),
        (say.both(holder["end"]).map { $0 + ", " } ?? "") + say.ended(text("end_reason"))
      ), (say("Kesinlik", "Certainty"), say.certainty(text("certainty")) + ": " + say.certaintyMeans(text("certainty"))),
      (say("Dayanak", "Basis"), say.basis(text("basis"))),
      (
        say("Saat", "Clock"),
        text("clock") == "device"
          ? say("cihazın kendi saatine göre", "by the device's own clock")
          : say("toplayıcının alış saatine göre", "by the collector's time of reception")
      ),
    ]
    for user in holder["users"]?.array ?? [] { rows.append((say("Kullanıcı", "User"), self.user(user))) }
    page.facts(rows)
  }

  private func user(_ user: JSONValue) -> String {
    var parts = [user["user"]?.string ?? user["phone"]?.string ?? "?"]
    if user["user"]?.string != nil, let phone = user["phone"]?.string { parts.append(say("telefon ", "phone ") + phone) }
    if let method = user["method"]?.string { parts.append(method) }
    if let start = say.both(user["start"]) { parts.append(say("başlangıç ", "from ") + start) }
    if let end = say.both(user["end"]) { parts.append(say("bitiş ", "to ") + end) }
    return parts.joined(separator: "\n") + "\n" + say.certainty(user["certainty"]?.string)
  }

  private func nobody(_ answer: JSONValue, _ page: inout Page) {
    page.heading(say("Yanıt", "Answer"))
    page.note(
      say(
        "Kayıtlara göre bu adresi o anda kullandığı bilinen bir cihaz yoktur.",
        "As far as the records tell, no device is known to have held this address then."))
    page.paragraph(
      say(
        "Bu, adresin kullanılmadığını kanıtlamaz: elle yazılmış bir adres, kaydı tutulmayan bir sunucu ya da kayıp bir ileti görülmez. "
          + "Aşağıda önceki ve sonraki kullanım, o günün sayıları ile kayıplar ve susan kaynaklar vardır.",
        "This does not prove that the address was not in use: an address typed in by hand, a server that is not logged, or a lost message "
          + "is not seen. Below are the use before and after, the day's counts, and losses and silent sources."))
    for (name, title) in [("before", say("Önceki kullanım", "The holder before")), ("after", say("Sonraki kullanım", "The holder after"))] {
      page.heading(title, 3)
      if let near = answer[name], !near.isNull { holder(near, &page) } else { page.paragraph(say("bilinmiyor", "none is known")) }
    }
    page.heading(say("Sayılar", "Counts"), 3)
    page.table(
      [
        say("Gün", "Day"), say("Mühür", "Seal"), say("Mühürdeki kayıt", "Records in the seal"),
        say("O ana dek kaybolan ileti", "Messages lost so far"),
      ],
      making.seals.map { ["\($0.day)", String($0.number), String($0.records), String($0.dropped)] })
  }

  private func gaps(_ answer: JSONValue, _ page: inout Page) {
    page.heading(say("Kayıttaki boşluklar", "Gaps in what was received"))
    let gaps = answer["gaps"]?.array ?? []
    guard !gaps.isEmpty else {
      return page.paragraph(
        say("Sorulan ana değen bilinen bir boşluk yoktur.", "No gap is known that touches the time asked about."))
    }
    page.table(
      [say("Ne", "What"), say("Kaynak", "Source"), say("Başlangıç", "From"), say("Bitiş", "To")],
      gaps.map {
        [
          say.gap($0["what"]?.string), $0["source"]?.string ?? say("bütün kaynaklar", "all sources"), say.both($0["from"]) ?? "–",
          say.both($0["to"]) ?? "–",
        ]
      })
  }

  // MARK: Evidence

  private func records(_ page: inout Page) {
    page.heading(say("Kanıt kayıtları", "The records"))
    page.paragraph(
      say(
        "Her kayıt, alındığı günün sırasındaki numarasıyla anılır; mühür onu imzalar, zaman damgası mührün o anda var olduğunu gösterir.",
        "Each record is named by its number in its day; a seal signs it, and the time stamp shows that the seal existed at that time."))
    page.table(
      [
        say("Gün", "Day"), say("Kayıt", "Record"), say("Mühür", "Seal"), say("Zaman damgası", "Time stamp"),
        say("Damgayı veren", "Given by"),
      ],
      making.file.records.map { record in
        let token = making.seal(of: record)?.tokens.first
        return [
          "\(record.day)", String(record.record), String(record.seal), token.map { say.both($0.time) } ?? say("henüz yok", "none yet"),
          token?.name ?? "–",
        ]
      })
    for record in making.file.records.prefix(200) {
      let place = BundleMaking.Place(day: record.day, record: record.record)
      let whose = content.notices.contains(place) ? say(" (toplayıcının kendi kaydı)", " (of the collector about itself)") : ""
      page.heading(say("\(record.day), kayıt \(record.record)\(whose)", "\(record.day), record \(record.record)\(whose)"), 3)
      if let line = try? RecordLine(record.line.span) {
        page.facts([
          (say("Alındığı an", "Received"), say.both(line.time)), (say("Kaynak", "Source"), line.source),
          (say("Gönderen", "From"), line.from), (say("İleti", "Message"), line.text.map { visible($0) }),
        ])
      }
      page.code([String(decoding: record.line, as: UTF8.self)])
    }
    if making.file.records.count > 200 {
      page.paragraph(
        say("Kalan kayıtlar bundle.json içindedir.", "The other records are in bundle.json."))
    }
  }

  private func verify(_ page: inout Page) {
    page.heading(say("Nasıl doğrulanır", "How to check it"))
    page.paragraph(
      say(
        "İmzalayanın ve damga kurumunun sertifikaları bu dosyadan değil, başka bir yoldan (kurumun tutanağından, sertifika makamından) alınmalıdır; "
          + "buradakiler yalnız bilgidir. Bu sayfa kanıt değildir: kanıt, yanındaki dosyalardır.",
        "Take the certificates of signer and authority from elsewhere (the institution's register, the certificate authority), not from this "
          + "file; those in it are information. This page is not evidence: the files beside it are."))
    page.paragraph(say("Hepsini bir komut doğrular:", "One command checks everything:"))
    page.code(["muhur-verify --signer signer.crt --tsa tsa.crt \(say("KANIT", "EVIDENCE")).zip"])
    guard let seal = making.seals.first else { return }
    let stem = String(Layout.seal(seal.number, .json).dropLast(5))
    if let token = seal.tokens.first {
      page.paragraph(
        say(
          "Bizim programımız olmadan, dosya açıldıktan sonra seals klasöründe, yalnız OpenSSL ile üç komut (mühür \(seal.number) için):",
          "Without any program of ours, in the folder seals of the unpacked file, three commands with OpenSSL alone (for seal \(seal.number)):"
        ))
      let response = Layout.seal(seal.number, .token(authority: token.authority))
      page.code([
        "A=$(date -d \"$(openssl ts -reply -in \(response) -text 2>/dev/null | sed -n 's/^Time stamp: //p')\" +%s)",
        "openssl ts -verify -data \(stem).p7s -in \(response) -CAfile tsa.crt -partial_chain -attime $A",
        "openssl cms -verify -cades -binary -inform DER -in \(stem).p7s -content \(stem).json -CAfile signer.crt -purpose any -partial_chain -attime $A -out /dev/null",
      ])
    }
    page.facts(
      making.seals.flatMap { seal in
        [
          (
            name: say("Mühür \(seal.number) imzalayanı (sertifika SHA-256)", "Signer of seal \(seal.number) (certificate SHA-256)"),
            value: Optional(seal.signer.description)
          )
        ]
          + seal.tokens.map {
            (
              name: say("Damga: \($0.name) (sertifika SHA-256)", "Time stamp: \($0.name) (certificate SHA-256)"),
              value: $0.certificate.description
            )
          }
      })
    page.paragraph(
      say(
        "Kaydın mühre bağlılığı RFC 9162 bölüm 2.1.3 kapsama kanıtıdır: yaprak SHA-256(00 ‖ salt ‖ line), yol bundle.json içinde, kök mührün .json dosyasındaki root.",
        "A record is bound to its seal by an inclusion proof of RFC 9162 section 2.1.3: the leaf is SHA-256(00 ‖ salt ‖ line), the path is in "
          + "bundle.json, the root is `root` in the seal's .json."))
  }

  private func limits(_ page: inout Page) {
    page.heading(say("Neyi kanıtlar, neyi kanıtlamaz", "What it proves, and what not"))
    page.list([
      say(
        "Kanıtlar: bu kayıtlar, zaman damgasının anında bu baytlarla vardı ve o günden beri değişmedi.",
        "It proves that these records existed with these bytes at the time of the time stamp, and have not changed since."),
      say(
        "Kanıtlamaz: kaydı gönderen cihazın doğru söylediğini. UDP ile gelen iletinin göndericisi doğrulanmamıştır.",
        "It does not prove that the device that sent a message told the truth. Who sent a message by UDP is not authenticated."),
      say(
        "MAC adresi bir cihazı gösterir, onu kullanan kişiyi değil; MAC adresi değiştirilebilir.",
        "A MAC address names a device, not the person who used it, and it can be changed."),
      say(
        "Bu dosya başka hiçbir kişinin kaydını içermez.",
        "This file discloses no other person's records."),
    ])
  }
}
