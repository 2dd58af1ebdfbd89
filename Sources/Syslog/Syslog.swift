// Syslog: see Docs/architecture.md.
