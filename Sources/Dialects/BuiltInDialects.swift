/// The dialect files that are compiled into the program: those of etc/dialects, which BuiltIn is a link to.
enum BuiltInDialects {
  static var files: [DialectFolder.File] {
    [
      DialectFolder.File(name: "arpwatch", path: "arpwatch.json5", bytes: PackageResources.arpwatch_json5),
      DialectFolder.File(name: "aruba", path: "aruba.json5", bytes: PackageResources.aruba_json5),
      DialectFolder.File(name: "bsd-kernel-arp", path: "bsd-kernel-arp.json5", bytes: PackageResources.bsd_kernel_arp_json5),
      DialectFolder.File(name: "cisco-asa", path: "cisco-asa.json5", bytes: PackageResources.cisco_asa_json5),
      DialectFolder.File(name: "cisco-ios", path: "cisco-ios.json5", bytes: PackageResources.cisco_ios_json5),
      DialectFolder.File(name: "citrix-adc", path: "citrix-adc.json5", bytes: PackageResources.citrix_adc_json5),
      DialectFolder.File(name: "conntrack", path: "conntrack.json5", bytes: PackageResources.conntrack_json5),
      DialectFolder.File(name: "coovachilli", path: "coovachilli.json5", bytes: PackageResources.coovachilli_json5),
      DialectFolder.File(name: "dnsmasq-dhcp", path: "dnsmasq-dhcp.json5", bytes: PackageResources.dnsmasq_dhcp_json5),
      DialectFolder.File(name: "efficientip-dhcp", path: "efficientip-dhcp.json5", bytes: PackageResources.efficientip_dhcp_json5),
      DialectFolder.File(name: "fortigate", path: "fortigate.json5", bytes: PackageResources.fortigate_json5),
      DialectFolder.File(name: "fortigate-cef", path: "fortigate-cef.json5", bytes: PackageResources.fortigate_cef_json5),
      DialectFolder.File(name: "freeradius", path: "freeradius.json5", bytes: PackageResources.freeradius_json5),
      DialectFolder.File(name: "hostapd", path: "hostapd.json5", bytes: PackageResources.hostapd_json5),
      DialectFolder.File(name: "infoblox-dhcp", path: "infoblox-dhcp.json5", bytes: PackageResources.infoblox_dhcp_json5),
      DialectFolder.File(name: "isc-dhcpd", path: "isc-dhcpd.json5", bytes: PackageResources.isc_dhcpd_json5),
      DialectFolder.File(name: "juniper-srx", path: "juniper-srx.json5", bytes: PackageResources.juniper_srx_json5),
      DialectFolder.File(name: "kea", path: "kea.json5", bytes: PackageResources.kea_json5),
      DialectFolder.File(name: "kea-legal-log", path: "kea-legal-log.json5", bytes: PackageResources.kea_legal_log_json5),
      DialectFolder.File(name: "lost-messages", path: "lost-messages.json5", bytes: PackageResources.lost_messages_json5),
      DialectFolder.File(name: "meraki", path: "meraki.json5", bytes: PackageResources.meraki_json5),
      DialectFolder.File(name: "mikrotik", path: "mikrotik.json5", bytes: PackageResources.mikrotik_json5),
      DialectFolder.File(name: "netfilter", path: "netfilter.json5", bytes: PackageResources.netfilter_json5),
      DialectFolder.File(name: "netscreen", path: "netscreen.json5", bytes: PackageResources.netscreen_json5),
      DialectFolder.File(name: "openvpn", path: "openvpn.json5", bytes: PackageResources.openvpn_json5),
      DialectFolder.File(name: "paloalto", path: "paloalto.json5", bytes: PackageResources.paloalto_json5),
      DialectFolder.File(name: "pf-filterlog", path: "pf-filterlog.json5", bytes: PackageResources.pf_filterlog_json5),
      DialectFolder.File(name: "sophos-xg", path: "sophos-xg.json5", bytes: PackageResources.sophos_xg_json5),
      DialectFolder.File(name: "strongswan", path: "strongswan.json5", bytes: PackageResources.strongswan_json5),
      DialectFolder.File(name: "unifi", path: "unifi.json5", bytes: PackageResources.unifi_json5),
      DialectFolder.File(name: "windows-dhcp", path: "windows-dhcp.json5", bytes: PackageResources.windows_dhcp_json5),
      DialectFolder.File(name: "windows-security", path: "windows-security.json5", bytes: PackageResources.windows_security_json5),
    ]
  }
}
