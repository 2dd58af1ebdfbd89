// Attribution: see Docs/architecture.md.
