"""The nouns of patchlint: frozen structs that travel between the stages.

Only the standard library is imported here, and no stage module.  Read
``patchlint/run.py`` for the order in which the stages pass these on.
"""
