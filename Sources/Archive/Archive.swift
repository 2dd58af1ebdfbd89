// Archive: see Docs/architecture.md.
