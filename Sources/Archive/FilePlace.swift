import Glibc

/// Where files lie, by their paths alone.
public enum FilePlace {
  /// Whether that is the folder itself or something in it. Links are not followed: what is named need not be there yet.
  public static func lies(_ path: String, in folder: String) -> Bool { parts(path).starts(with: parts(folder)) }

  private static func parts(_ path: String) -> [Substring] {
    var whole = path
    if !path.hasPrefix("/"), let here = getcwd(nil, 0) {
      whole = String(cString: here) + "/" + path
      free(here)
    }
    var parts: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return parts
  }
}
