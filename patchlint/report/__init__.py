"""Report in, text out: one pure module per format.

Each format's module has ``render(report, style) -> str`` and imports nothing but the
nouns, the standard library and the helpers beside it.  Start at ``render.py``.
"""
