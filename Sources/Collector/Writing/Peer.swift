import Attribution
import Dialects
import PacketDecoding
import Record

/// What is known of one sender, worked out when its first message comes and kept: which device it is, and the members of
/// its records that are always the same. Owned by the writer.
final class Peer {
  struct Key: Hashable {
    var address: IPAddress
    var port: UInt16
    var connection: UInt32
    var source: ObjectIdentifier
  }

  /// `,"via":"udp","source":"dhcp1","from":"10.20.0.2:51412"`.
  let sender: [UInt8]
  /// The same for whoever indexes its records.
  let fed: RecordFeed.Sender
  /// nil for one that no entry of `devices` names.
  let device: Configuration.Device?
  /// How its messages are read; events of an unlisted sender are not kept once there are devices.
  let reading: SourceReading
  /// Tells senders apart where a line's meaning depends on the line before it. Not on the port: that changes.
  let senderKey: UInt64
  let keepsEvents: Bool
  let activity: SenderActivity
  /// Reads its packets; nil where its messages are text.
  let packets: PacketReading?
  /// Reads the entries of a file whose format is no dialect's.
  var reader: EntryReader?
  /// Its lines were written at times that they tell themselves: `after` looks at those.
  let isFile: Bool

  init(
    via: Via, sender: [UInt8], device: Configuration.Device?, reading: SourceReading, senderKey: UInt64, keepsEvents: Bool,
    activity: SenderActivity,
    reader: EntryReader? = nil, isFile: Bool = false, packets: PacketReading? = nil
  ) {
    self.sender = sender
    fed = RecordFeed.Sender(via: via, source: device?.name, site: device?.site, members: sender)
    self.device = device
    self.reading = reading
    self.senderKey = senderKey
    self.keepsEvents = keepsEvents
    self.activity = activity
    self.packets = packets
    self.reader = reader
    self.isFile = isFile
  }
}

/// What is remembered of the packets of one source, so that the next are understood. Owned by the writer.
final class PacketReading {
  var reader: PacketReader

  init(_ reader: PacketReader) { self.reader = reader }
}

/// What `status` says of a device, or of a sender that no device names. Owned by the writer.
final class SenderActivity {
  let name: String
  let isListed: Bool
  /// Whether its records name it as their source.
  let isDevice: Bool
  let silentAfter: Int64?
  var received = 0
  var events = 0
  /// Receive time of its latest message.
  var last: Int64
  /// Since when it has been silent beyond `silent_after`.
  var silentSince: Int64?
  /// When its latest message was written, as far as that is known; nil before the first.
  var said: Int64?
  /// Messages of its own that never came, as its numbers or words say; and when the latest of them should have come.
  var missing = 0
  var lastGap: Int64?
  /// The dialect that an unlisted sender's first messages would be read by.
  var looksLike: String?
  var looked = 0
  /// Repeated sightings of unchanged pairs in its packets; nil where it captures none.
  var thinned: Int?

  init(name: String, isListed: Bool, isDevice: Bool, silentAfter: Int64?, since: Int64) {
    self.name = name
    self.isListed = isListed
    self.isDevice = isDevice
    self.silentAfter = silentAfter
    last = since
  }
}
