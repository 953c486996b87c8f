"""Installing commands for coding agents into a repository: planned first, then done, and taken away again."""
