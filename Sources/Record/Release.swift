/// Which release this is; stands in every seal, and behind `--version`.
public enum Release {
  public static let version = "0.1.0"
}
