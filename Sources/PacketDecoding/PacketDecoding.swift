// PacketDecoding: from a captured packet to the events in it.
//
// A packet passes one function, `PacketReader.read`: link layer and VLAN tags (`LinkLayer`), IP with its extension headers
// (`IPPacket`), fragments (`Reassembly`), UDP, and then one of DHCPv4, DHCPv6, ARP, neighbour discovery and RADIUS
// accounting, one file each. `CaptureFile` takes files of libpcap and Wireshark apart into packets.
//
// Always true here:
// - Bytes are read through `Span` and `ByteCursor`; nothing traps, whatever comes, and the work for a packet grows with its
//   length only. What is remembered between packets (fragments, requests, leases, sightings) lies in tables of fixed size.
// - A message that breaks its own format gives no event, however much of it could be read.
// - What travels inside another packet (VXLAN, GRE, Teredo, PPPoE, MPLS, an ICMP error's quotation) belongs to another
//   network: it is not looked into.
// - Checksums are not judged: where the capturing machine sends, its network card fills them in later.
//
// Start with `PacketReader`.
