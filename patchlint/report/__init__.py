"""Report in, text out: one pure module per format."""
