"""Rules that are read when they are asked for are those that are read at once."""

from __future__ import annotations

import pickle

import pytest
from msgspec.structs import asdict

from patchlint.ruleset import load as loading
from patchlint.ruleset.load import RuleError, load, load_late


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_nothing_is_read_before_it_is_asked_for(monkeypatch):
    whole = load()
    with monkeypatch.context() as patched:
        patched.setattr(loading, "load", None)
        late = load_late()
    assert (late.rules, late.digest) == (whole.rules, whole.digest)
    assert asdict(late.kernel) == asdict(whole.kernel)
    assert pickle.loads(pickle.dumps(late)).digest == whole.digest  # noqa: S301 - our own bytes


def test_rules_of_ones_own_are_read_at_once(tmp_path):
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel" / "mechanisms.toml").write_text("[[activation]]\n")
    with pytest.raises(RuleError):
        load_late([tmp_path])


@pytest.mark.parametrize("broken", [b"", b"{}", b"[1]", b"{"])
def test_a_damaged_cache_is_passed_over(broken):
    whole = load()
    roots = [loading.cache.shipped()]
    loading.cache.put("rules", roots, loading.cache.state(roots), broken)
    assert load_late().digest == whole.digest
