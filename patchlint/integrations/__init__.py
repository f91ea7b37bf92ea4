"""Where kernel developers work: git hooks, b4, list drafts, patchwork."""
