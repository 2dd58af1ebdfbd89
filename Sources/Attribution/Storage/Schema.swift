/// The tables of an index file. Times are `Moment`s, places `RecordPosition`s, text and identifiers are blobs, because
/// they are compared byte by byte.
enum Schema {
  /// Counted up with every change of the tables or of the rules that fill them: a file of another version is not read
  /// but built again.
  static let version = 2

  static let tables = """
    CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE site(id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);
    CREATE TABLE address(id INTEGER PRIMARY KEY, site INTEGER NOT NULL, ip BLOB NOT NULL, length INTEGER NOT NULL);
    CREATE UNIQUE INDEX address_ip ON address(length, ip, site);
    CREATE TABLE detail(id INTEGER PRIMARY KEY, mac_source BLOB, duid BLOB, client_id BLOB, hostname BLOB, relay BLOB,
      circuit_id BLOB, source BLOB, user BLOB, phone BLOB, method BLOB, session BLOB, nas BLOB, outer_ip BLOB);
    CREATE TABLE observation(\(observationColumns), PRIMARY KEY(address, track, time, position, number)) WITHOUT ROWID;
    CREATE TABLE interval(address INTEGER NOT NULL, basis INTEGER NOT NULL, start INTEGER NOT NULL, position INTEGER NOT NULL,
      number INTEGER NOT NULL, last_seen INTEGER NOT NULL, last_ack INTEGER NOT NULL, first_timed INTEGER, last_timed INTEGER,
      known_until INTEGER, assumed_until INTEGER, longest INTEGER, configured INTEGER, timeout INTEGER NOT NULL,
      end INTEGER, reason INTEGER, end_position INTEGER, mac INTEGER, mac_in_duid INTEGER, mac_source BLOB, duid BLOB, client_id BLOB,
      hostname BLOB, relay BLOB, circuit_id BLOB, source BLOB, clock_device INTEGER NOT NULL, difference INTEGER,
      PRIMARY KEY(address, basis, start, position, number)) WITHOUT ROWID;
    CREATE TABLE name(key BLOB NOT NULL, address INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
      PRIMARY KEY(key, address)) WITHOUT ROWID;
    CREATE TABLE port_block(nat_ip BLOB NOT NULL, first INTEGER NOT NULL, time INTEGER NOT NULL, position INTEGER NOT NULL,
      number INTEGER NOT NULL, last INTEGER NOT NULL, site INTEGER NOT NULL, src_ip BLOB NOT NULL, protocol BLOB, is_free INTEGER NOT NULL,
      source BLOB, PRIMARY KEY(nat_ip, first, time, position, number)) WITHOUT ROWID;
    CREATE TABLE gap(position INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER, source BLOB, what TEXT NOT NULL);
    CREATE TABLE list(number INTEGER PRIMARY KEY, time INTEGER NOT NULL);
    CREATE TABLE setting(position INTEGER PRIMARY KEY, time INTEGER NOT NULL, binding_timeout INTEGER NOT NULL,
      tolerance INTEGER NOT NULL);
    """

  static let observationColumns = """
    address INTEGER NOT NULL, track INTEGER NOT NULL, time INTEGER NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL,
    flags INTEGER NOT NULL, mac INTEGER, seconds INTEGER, until INTEGER, difference INTEGER, detail INTEGER NOT NULL
    """
}
