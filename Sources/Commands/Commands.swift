// Commands: see Docs/architecture.md.
