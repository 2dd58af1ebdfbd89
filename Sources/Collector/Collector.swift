// Collector: see Docs/architecture.md.
