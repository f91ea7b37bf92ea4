"""Any report at all, as hypothesis makes it."""

from __future__ import annotations

from typing import get_args

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from patchlint.model.context import GUARANTEES, Context
from patchlint.model.effect import EntryChain, Promise, Step
from patchlint.model.finding import (
    LEVELS,
    Accepted,
    Confidence,
    Finding,
    HunkLine,
    PatchRef,
    Report,
    SeriesRef,
)
from patchlint.model.history import Event, History, Posting
from patchlint.model.problem import InputError, Limitation, Note
from patchlint.model.record import OUTCOMES, VERDICTS, Judgement, Track

#: A report takes a while to make up; how long is no matter.
law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TRICKY = [
    "",
    "mntput",
    "fs/burrow/nest.c",
    "a@example.org",
    "Ada <ada@example.org>",
    "From here\nFrom there",
    "\x1b]0;x\x07",
    "\u202e\u2028\x85",
    "\udcff\ud800",
    "]]><!--",
    "</script><script>",
    "%0A::error::x",
    "ERROR: x",
    "\r\nBcc: x@example.org",
    "穴" * 70,
    "w" * 1200,
]

texts = st.sampled_from(TRICKY) | st.text(st.characters(exclude_categories=()), max_size=30)
numbers = st.integers(-1, 3) | st.integers(0, 10**9)


def maybe(strategy):
    return st.none() | strategy


def made(noun, *positional, **named):
    """Build a noun; hypothesis would look up the types of its fields, and these are not there."""

    def build(*values, **fields):
        return noun(*values, **fields)

    return st.builds(build, *positional, **named)


def some(strategy, most=3):
    return st.lists(strategy, max_size=most).map(tuple)


steps = made(Step, texts, texts, numbers, texts)
promises = made(
    Promise,
    st.sampled_from(get_args(Context)),
    st.sampled_from(GUARANTEES),
    some(steps, 6),
    maybe(texts),
    maybe(texts),
)
ends = st.sampled_from(OUTCOMES)
judgements = made(
    Judgement,
    *[texts] * 11,
    st.sampled_from(LEVELS),
    st.sampled_from(get_args(Confidence)),
    texts,
    texts,
    st.sampled_from(VERDICTS),
    ends,
    texts,
)
tracks = made(
    Track,
    texts,
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.dictionaries(ends, st.integers(1, 9)),
)
dates = maybe(st.floats())
postings = made(Posting, texts, texts, texts, texts, dates, st.integers(1, 9), some(texts))
events = made(Event, ends, texts, dates, texts, texts)
histories = made(History, st.lists(postings, min_size=1, max_size=3).map(tuple), some(events), ends)
findings = made(
    Finding,
    rule=st.sampled_from(["mount-put-deferred", "file-put-deferred"]) | texts,
    level=st.sampled_from(LEVELS),
    confidence=st.sampled_from(get_args(Confidence)),
    series=st.integers(-1, 2),
    patch=st.integers(0, 3),
    message_id=maybe(texts),
    commit=maybe(texts),
    path=texts,
    line=numbers,
    side=st.sampled_from(["pre", "post"]),
    function=texts,
    family=texts,
    cleanup=texts,
    before=promises,
    after=promises,
    condition=maybe(texts),
    entry_points=some(made(EntryChain, texts, texts, some(texts))),
    symptoms=some(texts),
    advice=some(texts),
    message=texts,
    fingerprint=texts,
    why=texts,
    evidence=some(texts),
    also=some(texts),
    hunk=some(
        made(
            HunkLine, st.sampled_from(" +-"), texts, maybe(numbers), maybe(numbers), st.booleans()
        ),
        9,
    ),
    author_says=maybe(texts),
    quote=some(texts, 5),
    precedent=maybe(judgements),
    track=maybe(tracks),
    history=maybe(histories),
)
patches = made(
    PatchRef,
    st.integers(1, 3),
    maybe(texts),
    maybe(texts),
    texts,
    some(texts),
    texts,
    maybe(st.floats()),
    texts,
    texts,
)
series = made(
    SeriesRef,
    texts,
    st.integers(1, 9),
    maybe(texts),
    maybe(texts),
    st.integers(1, 4),
    some(st.integers(1, 4)),
    some(patches),
    st.sampled_from(["hunks", "whole", "mixed"]),
    maybe(texts),
    some(texts),
)
reports = made(
    Report,
    texts,
    some(series, 2),
    some(findings, 4),
    some(
        made(
            Limitation,
            st.sampled_from(["mail", "graph"]),
            texts,
            maybe(texts),
            maybe(texts),
            maybe(numbers),
            st.booleans(),
        )
    ),
    some(made(InputError, texts, texts, maybe(texts), maybe(numbers))),
    some(made(Accepted, findings, texts, texts), 2),
    some(made(Note, texts, maybe(texts)), 2),
)
