"""The one place that starts other programs; nothing else does (see pyproject.toml)."""
