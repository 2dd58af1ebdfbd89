// Dialects: see Docs/architecture.md.
