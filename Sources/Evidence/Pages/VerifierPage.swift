import Record

/// What the verifier found, as a page to print and sign (`--report`), in Turkish and English: the table of days, what was
/// checked, what is not proven and why, and how to repeat it by hand.
struct VerifierPage {
  let reports: [VerifierReport]
  let options: VerifierOptions
  /// Without the program's name, as they were given.
  let arguments: [String]
  let made: Timestamp

  var bytes: [UInt8] {
    var page = Page(title: "Doğrulama raporu / Verification report")
    page.inBothLanguages { page, language in Section(content: self, isTurkish: language == .turkish).write(&page) }
    return page.bytes
  }

  private struct Section {
    let content: VerifierPage
    let isTurkish: Bool

    private func say(_ turkish: String, _ english: String) -> String { isTurkish ? turkish : english }

    func write(_ page: inout Page) {
      page.heading(say("Kayıt arşivi doğrulama raporu", "Report on the verification of a log"), 1)
      page.facts([
        (say("Yapıldığı an", "Made at"), both(content.made)),
        (say("Esas alınan an", "Judged as of"), both(Timestamp(microseconds: content.options.asOf, fractionDigits: 0))),
        (say("Program", "Program"), "muhur-verify \(Release.version)"),
      ])
      trust(&page)
      for report in content.reports { self.report(report, &page) }
      checked(&page)
      byHand(&page)
      page.paragraph(
        say(
          "Denetleyen: ____________________   İmza: ____________________",
          "Checked by: ____________________   Signature: ____________________"))
    }

    private func both(_ time: Timestamp) -> String {
      func clock(_ minutes: Int) -> String {
        String(time.at(offsetMinutes: minutes).description.dropLast(6).map { $0 == "T" ? " " : $0 })
      }
      return "\(clock(180)) (UTC+03:00) = \(clock(0)) (UTC)"
    }

    // MARK: Trust

    private func trust(_ page: inout Page) {
      page.heading(say("Güvenilen sertifikalar", "Trusted certificates"))
      page.paragraph(
        say(
          "Güven yalnız denetçinin verdiği bu sertifikalardan gelir, arşivden gelmez. Özetleri, kayıt sistemi kurulurken tutanağa yazılanlarla karşılaştırın.",
          "Trust comes from these certificates alone, which the auditor gave, never from the archive. Compare their fingerprints with those written "
            + "down when the log was begun."))
      func rows(_ trust: Trust?, _ title: String) -> [[String]] {
        trust?.certificates.map { [title, $0.name, $0.sha256.description] } ?? [[title, say("verilmedi", "none given"), "–"]]
      }
      page.table(
        [say("Ne için", "For"), say("Ad", "Name"), "SHA-256"],
        rows(content.options.signer, say("imza (--signer)", "signatures (--signer)"))
          + rows(content.options.tsa, say("zaman damgası (--tsa)", "time stamps (--tsa)")))
    }

    // MARK: One path

    private func report(_ report: VerifierReport, _ page: inout Page) {
      page.heading(report.path)
      page.facts([
        (say("Sonuç", "Result"), words(report.result)),
        (say("Kayıt sistemi", "Log"), report.logName.map { "\($0) (\(report.logID ?? "?"))" }),
        (say("Baş satırı", "Head line"), report.head?.description), (say("Günler", "Days"), String(report.days.count)),
        (say("Kayıtlar", "Records"), String(report.days.reduce(0) { $0 &+ $1.records })),
      ])
      page.table(
        [
          say("Gün", "Day"), say("Sonuç", "Result"), say("Kayıt", "Records"), say("Mühür", "Seals"),
          say("Var olduğu kanıtlanan an", "Proven to exist at"),
          say("Damgayı veren", "Says"),
        ],
        report.days.map { day in
          [
            "\(day.day)", words(day.result), String(day.records), String(day.seals),
            day.provenAt.map { both($0) } ?? say("kanıtlanmadı", "not proven"),
            day.authority ?? "–",
          ]
        })
      findings(report, &page)
      records(report, &page)
    }

    private func findings(_ report: VerifierReport, _ page: inout Page) {
      let all = (report.findings + report.days.flatMap(\.findings))
      page.heading(say("Bulgular", "Findings"), 3)
      guard !all.isEmpty else { return page.paragraph(say("Bulgu yoktur.", "There is none.")) }
      let kinds = Finding.What.allCases.filter { kind in all.contains { $0.what == kind } }
      page.list(kinds.map { "\($0.rawValue): \(meaning($0))" })
      // What is wrong stands first. A page of a million lines is read by nobody; --json has them all.
      let sorted =
        all.filter { $0.what.result == .broken } + all.filter { $0.what.result == .unproven } + all.filter { $0.what.result == .ok }
      page.table(
        [say("Gün", "Day"), say("Bulgu", "Finding"), say("Nerede", "Where"), say("Ayrıntı", "Detail")],
        sorted.prefix(Self.findingsListed).map { [$0.day?.description ?? "–", $0.what.rawValue, $0.place, $0.detail] })
      if sorted.count > Self.findingsListed {
        page.note(
          say(
            "\(sorted.count - Self.findingsListed) bulgu daha vardır; hepsi --json çıktısındadır.",
            "There are \(sorted.count - Self.findingsListed) more; --json lists all of them."))
      }
    }

    private static let findingsListed = 5000

    private func records(_ report: VerifierReport, _ page: inout Page) {
      guard let records = report.records else { return }
      page.heading(say("Kanıt dosyasındaki kayıtlar", "Records in the bundle"), 3)
      page.note(
        say(
          "Kanıt dosyasının içindeki README.html okumak içindir, kanıt değildir; geçerli olan aşağıdakilerdir.",
          "README.html in the bundle is a page to read, not evidence; what counts stands below."))
      for record in records.prefix(1000) {
        let time = record.provenAt.map { both($0) } ?? say("kanıtlanmadı", "not proven")
        page.paragraph(
          say(
            "\(record.day), kayıt \(record.record), mühür \(record.seal), ", "\(record.day), record \(record.record), seal \(record.seal), "
          )
            + say("var olduğu an: ", "existed at ") + time)
        page.code([String(decoding: record.line, as: UTF8.self)])
      }
    }

    private func words(_ result: Finding.Result) -> String {
      switch result {
      case .ok: say("Her şey doğrulandı.", "All holds.")
      case .unproven: say("Yanlış bir şey yok, ama kanıtlanmamış bir şey var.", "Nothing is wrong, but something is not proven.")
      case .broken:
        say(
          "Bir şey değiştirilmiş, çıkarılmış, yeri değiştirilmiş ya da bozuk.", "Something was changed, removed, reordered or is malformed."
        )
      }
    }

    private func words(_ result: VerifierReport.Day.Result) -> String {
      switch result {
      case .ok: say("sağlam (ok)", "ok")
      case .broken: say("bozuk (broken)", "broken")
      case .unproven: say("kanıtlanmamış (unproven)", "unproven")
      case .deleted: say("süresi dolup silinmiş (deleted)", "deleted, its time being over")
      case .open: say("açık gün (open)", "open")
      }
    }

    private func meaning(_ what: Finding.What) -> String {
      switch what {
      case .changed: say("mühürlenenden farklı", "differs from what was sealed")
      case .missing: say("mühürlenmiş ya da listelenmiş bir şey yok", "something sealed or listed is not there")
      case .extra: say("mühürlenmemiş ya da arşive ait olmayan bir şey var", "something that was not sealed, or belongs to no archive")
      case .malformed: say("biçimi bozuk", "its form is broken")
      case .chain: say("mühür zinciri uymuyor", "the chain of seals does not fit")
      case .signature: say("imza tutmuyor", "a signature does not hold")
      case .token: say("zaman damgası tutmuyor", "a time stamp does not hold")
      case .fork: say("aynı kayıt sisteminin başka bir geçmişi var", "there is another history of this log")
      case .deletedEarly: say("izin verilmeden silinmiş", "deleted although nothing permitted it")
      case .noToken: say("ne bu ne de sonraki bir mührün zaman damgası var", "neither this nor a later seal has a time stamp")
      case .untrusted:
        say("imzalayan ya da damga kurumu verilen sertifikalara dayanmıyor", "signer or authority does not chain to the certificates given")
      case .late: say("geç kanıtlanmış", "proven late")
      case .stale: say("son mühür eski", "the last seal is old")
      case .unsealed: say("son mühürden sonra kayıt var", "there are records after the last seal")
      case .clock: say("damga ile mührün saati uyuşmuyor", "the clocks of seal and time stamp disagree")
      case .tornCopy: say("kopyalanırken yarım kalmış", "cut off while it was copied")
      case .signerChanged: say("imzalayan, duyurulmadan değişmiş", "the signer changed without announcement")
      case .recordsNotChecked: say("kayıtları bu kez okunmadı (--from, --to)", "its records were not read this time (--from, --to)")
      case .deleted: say("saklama süresi dolduğu için, mühürlerin izniyle silinmiş", "deleted when its time was over, as the seals permit")
      case .chainNotChecked: say("zincir bütün arşiv olmadan denetlenemez", "the chain cannot be checked without the whole archive")
      case .revocationUnknown: say("sertifikanın iptal durumu bilinmiyor", "whether a certificate was revoked is not known")
      }
    }

    // MARK: The rest

    private func checked(_ page: inout Page) {
      page.heading(say("Ne denetlendi", "What was checked"))
      page.list([
        say(
          "her mührün biçimi, sıra numarası, öncekine bağlanışı, imzası",
          "each seal's form, number, link to the one before it, and signature"),
        say("her zaman damgası: durumu, özeti, imzası, sertifikası", "each time stamp: status, imprint, signature, certificate"),
        say(
          "her kayıt: SHA-256 bütünlük değeri ve özet ağacı, her mühürde yeniden hesaplanarak",
          "each record: integrity value and hash tree, calculated anew at every seal"),
      ])
      page.heading(say("Ne kanıtlanmaz", "What is not proven"))
      page.list([
        say(
          "Mühür, bu baytların damga anında var olduğunu kanıtlar; doğru ya da eksiksiz olduklarını kanıtlamaz.",
          "A seal proves that these bytes existed at the time of its time stamp; it does not prove that they are true or complete."),
        say(
          "Kayıt sunucusunun yöneticisi, mühürlenmeden önce kayıt ekleyebilir ya da çıkarabilir; dışarıya bir baş satırı ya da damga çıkmamışsa son saatleri yeniden yazabilir.",
          "Root on the log server can add or omit records before they are sealed, and rewrite the last hours unless a head line or a time stamp has "
            + "left the machine."),
        say(
          "Yerel damga kurumunun damgası, makinenin kendi saatinin sözüdür.",
          "A time stamp of the local authority is the word of the machine's own clock."),
      ])
    }

    private func byHand(_ page: inout Page) {
      page.heading(say("Nasıl tekrarlanır", "How to repeat it"))
      page.code(["muhur-verify " + content.arguments.map(Self.quoted).joined(separator: " ")])
      page.paragraph(
        say(
          "Bizim programımız olmadan, bir günün seals klasöründe, OpenSSL ile (NNNNNNNN mührün numarası, AD damga kurumunun dosya adındaki adı):",
          "Without any program of ours, in the folder seals of a day, with OpenSSL (NNNNNNNN is the seal's number, NAME the authority's in the file's name):"
        ))
      let name = say("AD", "NAME")
      page.code([
        "A=$(date -d \"$(openssl ts -reply -in NNNNNNNN.\(name).tsr -text 2>/dev/null | sed -n 's/^Time stamp: //p')\" +%s)",
        "openssl ts -verify -data NNNNNNNN.p7s -in NNNNNNNN.\(name).tsr -CAfile tsa.pem -partial_chain -attime $A",
        "openssl cms -verify -cades -binary -inform DER -in NNNNNNNN.p7s -content NNNNNNNN.json -CAfile signer.pem -purpose any -partial_chain -attime $A -out /dev/null",
        "zcat ../records.ndjson.gz | head -c BYTES | sha256sum",
      ])
      page.paragraph(
        say(
          "BYTES, mührün .json dosyasındaki bytes değeridir; çıkan özet aynı dosyadaki sha256 olmalıdır.",
          "BYTES is `bytes` in the seal's .json; the sum must be its `sha256`."))
    }

    /// For a shell.
    private static func quoted(_ word: String) -> String {
      let isPlain =
        !word.isEmpty
        && word.utf8.allSatisfy {
          $0.isLetter || $0.isDigit || $0 == 0x2d || $0 == 0x2e || $0 == 0x2f || $0 == 0x3d || $0 == 0x3a || $0 == 0x5f || $0 == 0x2b
        }
      return isPlain ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
  }
}
