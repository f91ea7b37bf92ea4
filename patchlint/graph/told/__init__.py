"""The parts of a downgrade, one file for each thing that is told of a loss.

``later`` (what does it now, and the late effect that stands for all), ``timing`` (times and
waits), ``condition`` (the branch on which it is deferred), ``names`` (what moved along),
``position`` (where), ``shape`` (of which kind).  ``graph/downgrades.py`` puts them together.
"""
