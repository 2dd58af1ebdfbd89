// Evidence: see Docs/architecture.md.
