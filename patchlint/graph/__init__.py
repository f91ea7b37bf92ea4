"""Facts in, downgrades out: calls, deferrals, contexts, effects."""
