"""Which findings of stores are versions of one change, and which are not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from patchlint.archive import changes
from patchlint.model.history import Posting

TITLE = "burrow: put the nest later"


def version(number, *, posting=None, series=None, **other):
    known = {
        "title": TITLE, "author": "Ada <ada@example.org>", "path": "fs/burrow/nest.c",
        "function": "nest_drop", "cleanup": "mntput", "callback": "nest_reaper",
    }  # fmt: skip
    known |= other
    mail = posting or f"{number}@example.org"
    return SimpleNamespace(
        finding=SimpleNamespace(
            fingerprint=f"{number:016x}",
            path=known["path"],
            function=known["function"],
            cleanup=known["cleanup"],
            after=SimpleNamespace(callback=known["callback"]),
        ),
        at=(0, number if series is None else series),
        posting=Posting(mail, "", f"[PATCH] {known['title']}", known["author"], 1.0, 1, ()),
    )


def groups(*versions):
    return sorted(len(group) for group in changes._groups(versions, changes._shared(versions)))


@pytest.mark.parametrize(
    "other",
    [
        {"function": "nest_put"},
        {"callback": "nest_worker"},
        # another version shows, or moves, another release first
        {"cleanup": "dput"},
        {"cleanup": "dput", "author": "Bob <bob@example.org>"},
        {"cleanup": "dput", "callback": "nest_worker"},
    ],
)
def test_versions_of_one_change_are_one(other):
    assert groups(version(1), version(2, **other)) == [2]


@pytest.mark.parametrize(
    "other",
    [
        {"title": "burrow: put the den later"},
        {"cleanup": "dput", "path": "fs/burrow/den.c"},
        {"cleanup": "dput", "function": "den_drop"},
        {"cleanup": "dput", "callback": "nest_worker", "author": "Bob <bob@example.org>"},
    ],
)
def test_different_changes_stay_apart(other):
    assert groups(version(1), version(2, **other)) == [1, 1]


def test_two_findings_of_one_posting_are_two_changes_and_those_of_the_next_find_their_own():
    first = version(1, posting="1@x"), version(2, posting="1@x", cleanup="dput")
    assert groups(*first) == [1, 1]
    again = version(3, posting="2@x"), version(4, posting="2@x", cleanup="dput")
    assert groups(*first, *again) == [2, 2]
    # whose version this is nobody can tell
    assert groups(*first, version(5, posting="3@x", cleanup="iput")) == [1, 1, 1]


def test_patches_of_one_rewrite_that_lose_the_same_are_changes_of_their_own():
    titles = ["burrow: put the nest later", "burrow: put the den later", "burrow: drop the nest"]
    series = [version(1, posting=f"{t}@1", series=1, title=t) for t in titles]
    assert groups(*series) == [1, 1, 1]
    again = [version(1, posting=f"{t}@2", series=2, title=t) for t in titles]
    assert groups(*series, *again) == [2, 2, 2]
    shared = changes._shared(series)
    keys = {changes._key(changes._print_of(one, shared)) for one in (*series, *again)}
    assert len(keys) == len(titles)
    # one that was renamed from one version to the next is the same
    assert groups(version(1, series=1), version(1, series=2, title="burrow: anew")) == [2]
    assert changes._key(changes._print_of(version(1), ())) == f"{1:016x}"


def test_a_posting_to_two_lists_is_no_second_finding():
    assert groups(version(1), version(1), version(2, cleanup="dput")) == [3]
