"""Shows on a running kernel what a finding says: a script to run, a guest to run it in."""
