import Record

/// What is wrong with a file, gathered while it is read.
final class ConfigurationFaults {
  let file: String
  private(set) var errors: [ConfigurationFault] = []
  private(set) var warnings: [ConfigurationFault] = []

  init(file: String) { self.file = file }

  func add(_ error: JSON5Error) { add(ConfigurationFault(file: file, error)) }
  func add(_ fault: ConfigurationFault) { errors.append(fault) }
  func warn(_ node: JSON5Node, _ what: String) { warn(ConfigurationFault(file: file, node.error(what))) }
  func warn(_ fault: ConfigurationFault) { warnings.append(fault) }

  /// In the order of lines; what is in other files, the dialects, behind it.
  var sortedErrors: [ConfigurationFault] {
    errors.filter { $0.file == file }.sorted { $0.line < $1.line } + errors.filter { $0.file != file }
  }
}

/// One object of the file. Whatever is wrong with it is added to the faults, and reading goes on.
struct ConfigurationSection {
  let node: JSON5Node
  private let faults: ConfigurationFaults

  /// nil, and a fault, where this is no object. Members of other names than `keys` are faults.
  init?(_ node: JSON5Node, _ faults: ConfigurationFaults, keys: [String]) {
    do throws(JSON5Error) {
      for member in try node.members() where !keys.contains(member.name) {
        let what = "unknown key" + Suggestion.text(member.name, keys) + "; known here: " + keys.joined(separator: ", ")
        faults.add(JSON5Error(line: member.line, column: member.column, path: member.node.path, what: what))
      }
    } catch {
      faults.add(error)
      return nil
    }
    self.node = node
    self.faults = faults
  }

  subscript(key: String) -> JSON5Node? { node[key] }

  /// Reads a value where there is one; else the target keeps its default.
  /// - Parameter required: what the value is; its absence is then a fault.
  func read<T>(_ key: String, required: String? = nil, into target: inout T, _ value: (JSON5Node) throws(JSON5Error) -> T) {
    guard let inner = node[key] else {
      if let required { faults.add(missing(key, required)) }
      return
    }
    do throws(JSON5Error) { target = try value(inner) } catch { faults.add(error) }
  }

  private func missing(_ key: String, _ what: String) -> JSON5Error {
    JSON5Error(line: node.line, column: node.column, path: JSON5Path.member(node.place, key).description, what: "is missing: \(what)")
  }

  /// A list whose values are all of one kind; those that are wrong are left out. nil where there is no list.
  func list<T>(_ key: String, _ value: (JSON5Node) throws(JSON5Error) -> T) -> [T]? {
    guard node[key] != nil else { return nil }
    var values: [T] = []
    for inner in nodes(key) { do throws(JSON5Error) { values.append(try value(inner)) } catch { faults.add(error) } }
    return values
  }

  /// The values of a list; none where there is no list.
  func nodes(_ key: String) -> [JSON5Node] {
    guard let list = node[key] else { return [] }
    do throws(JSON5Error) { return try list.elements() } catch {
      faults.add(error)
      return []
    }
  }

  /// The object of that key; nil where there is none.
  func section(_ key: String, keys: [String]) -> ConfigurationSection? {
    node[key].flatMap { ConfigurationSection($0, faults, keys: keys) }
  }

  /// The objects of a list, each of which says by `type` what it is.
  /// - Parameters:
  ///   - types: all that this format knows.
  ///   - now: those that this version can do, with their keys. The others are refused by name.
  /// - Returns: whether there is such a list.
  func sections(_ key: String, types: [String], now: [String: [String]], each: (_ type: String, ConfigurationSection) -> Void) -> Bool {
    guard node[key] != nil else { return false }
    for inner in nodes(key) {
      do throws(JSON5Error) {
        _ = try inner.members()
        guard let typeNode = inner["type"] else {
          let what = "is missing: one of " + types.joined(separator: ", ")
          throw JSON5Error(line: inner.line, column: inner.column, path: JSON5Path.member(inner.place, "type").description, what: what)
        }
        let type = try ConfigurationValue.choice(typeNode, types)
        guard let keys = now[type] else {
          let able = types.filter { now[$0] != nil }.joined(separator: ", ")
          throw typeNode.error("\"\(type)\" is not there yet in this version; take this entry out (there is: \(able))")
        }
        if let section = ConfigurationSection(inner, faults, keys: keys) { each(type, section) }
      } catch {
        faults.add(error)
      }
    }
    return true
  }
}

/// What somebody who mistyped probably meant.
enum Suggestion {
  /// ` (did you mean "clock"?)`; empty where nothing is near.
  static func text(_ word: String, _ known: [String]) -> String {
    // Long words are none of ours: comparing them would only cost time.
    guard word.utf8.count <= 40 else { return "" }
    let near = known.map { (name: $0, distance: distance(Array(word.utf8), Array($0.utf8))) }.min { $0.distance < $1.distance }
    guard let near, near.distance <= max(1, near.name.utf8.count / 3) else { return "" }
    return " (did you mean \"\(near.name)\"?)"
  }

  /// How many letters must be changed, added, left out or swapped with their neighbour.
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
        row.append(cost)
      }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}
