"""Many series: the fast path over archives, the store, questions to it."""
