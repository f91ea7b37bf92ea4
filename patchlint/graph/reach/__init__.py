"""Walks up a whole tree: in which contexts a function runs, and which entry points reach it.

Breadth first from the function to its callers, through function pointers (members of
operations tables, callbacks) up to entry points: system calls, members that the entry
tables know, registered callbacks, module init and exit.

Read in this order: ``way`` (what is found), ``walk`` (the walk from end to end), ``state`` (its
queue and its bounds); then the edges up: ``calls``, ``members`` (of which struct: ``receivers``),
``arguments``, ``tables`` and ``arrays``; ``entries`` (what is told of where a way begins); and
what a way carries up: ``guard`` (under which tests) and ``marking`` (what speaks against it;
``modules``: what is linked together).

Errs towards too many callers; each file says in which way.  A way that rests on a guess is
``likely``, not certain.  The walk is bounded; what was left out is said.

It carries the guard of what was lost: a caller that passes a constant which excludes the
branch is left out, and a flag is followed to the argument of the system call.  Functions of
a series come from its images after it (``images``), all others from the tree.
"""
