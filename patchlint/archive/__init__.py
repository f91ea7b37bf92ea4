"""Many series: the fast path over archives, the store, questions to it.

Read in this order: ``scan`` (the two passes), ``sources`` (where mails lie), ``survey``
(first pass: one row for each mail, from its bytes alone), ``judge`` (second pass: decode,
group, check), ``store`` (one SQLite file), ``pool`` and ``many`` (worker processes here and
on a cluster), ``outcomes`` (what came of a finding: by ``posts``, ``talk`` and ``traces``),
``ask`` (findings as they were stored), ``changes`` and ``listing`` (postings of one change as
one), ``export`` and ``plot``.

Invariants: one process writes the store; results are written in the order of the tasks,
so that an interrupted scan and an uninterrupted one leave the same rows; a portion's rows
and the mark how far its source was read are one transaction; nothing is held back that
could have been a finding (words hold back, with hunks alone); a mail, a
series or a worker that fails is a row in ``limitations`` or ``errors``.

Sizing, from an epoch of 101,000 mails (850 MB, 320 MB packed) on two cores: some
10,000 mails a second with two processes, so 5,000 for each core; the process that writes
the store is busy for 12 microseconds a mail and keeps up with some fifteen workers; 530
bytes of store a mail; 110 MB of memory a process.  For 30 million mails of 250 GB
unpacked that is under two hours of one core, six minutes of sixteen, and a store of
16 GB; workers without a clone of their own need the 250 GB sent to them once.  A store
for each list keeps its indexes in memory and can be asked, exported and thrown away alone.
"""
