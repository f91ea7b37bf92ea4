"""The nouns of patchlint: frozen dataclasses that travel between the stages.

Only the standard library is imported here, and no stage module.  Read
``patchlint/run.py`` for the order in which the stages pass these on.
"""
