"""TOML in, rules and kernel facts out; downgrades in, findings out."""
