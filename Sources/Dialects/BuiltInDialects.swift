/// The dialect files that are compiled into the program: those of etc/dialects, which BuiltIn is a link to.
enum BuiltInDialects {
  static var files: [DialectFolder.File] {
    [
      DialectFolder.File(name: "dnsmasq-dhcp", path: "dnsmasq-dhcp.json5", bytes: PackageResources.dnsmasq_dhcp_json5),
      DialectFolder.File(name: "fortigate", path: "fortigate.json5", bytes: PackageResources.fortigate_json5),
      DialectFolder.File(name: "isc-dhcpd", path: "isc-dhcpd.json5", bytes: PackageResources.isc_dhcpd_json5),
      DialectFolder.File(name: "kea", path: "kea.json5", bytes: PackageResources.kea_json5),
      DialectFolder.File(name: "kea-legal-log", path: "kea-legal-log.json5", bytes: PackageResources.kea_legal_log_json5),
      DialectFolder.File(name: "windows-dhcp", path: "windows-dhcp.json5", bytes: PackageResources.windows_dhcp_json5),
    ]
  }
}
