"""Rules that are read in two steps are those that are read in one."""

from __future__ import annotations

import pickle

import pytest
from msgspec.structs import asdict

from patchlint.graph.words import Words
from patchlint.model.kernel import NameFacts, ReleaseNames
from patchlint.ruleset import load as loading
from patchlint.ruleset.load import load, load_late


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_what_names_tell_is_read_alone_and_the_rest_when_asked_for(monkeypatch):
    whole = load()
    late = load_late()
    with monkeypatch.context() as patched:
        patched.setattr(loading, "load", None)
        names = asdict(late.names)
    assert names == {name: getattr(whole.kernel, name) for name in NameFacts.__struct_fields__}
    assert (late.rules, late.digest) == (whole.rules, whole.digest)
    assert asdict(late.kernel) == asdict(whole.kernel)
    assert pickle.loads(pickle.dumps(late)).digest == whole.digest  # noqa: S301 - our own bytes


def test_without_a_cache_all_is_read_at_once():
    assert load_late() == load()


@pytest.mark.parametrize("broken", [b"", b"{}", b"[1]", b"{"])
def test_a_damaged_cache_is_passed_over(broken):
    load()
    roots = [loading.cache.shipped()]
    loading.cache.put("names", roots, loading.cache.state(roots), broken)
    assert load_late() == load()


def test_the_names_of_releases_are_those_of_the_tables():
    kernel = load().kernel
    quiet = [
        name
        for name, one in kernel.cleanups.items()
        if one.kind in {"memory", "async"} or not one.visible
    ]
    assert kernel.releases == ReleaseNames(
        tuple(kernel.cleanups),
        tuple(name for name, one in kernel.cleanups.items() if one.kind == "inherit"),
        tuple(quiet),
        tuple(one.pattern for one in kernel.macros if one.action.startswith("scope")),
    )
    assert dict(Words(load_late().names)) == dict(Words(kernel))
