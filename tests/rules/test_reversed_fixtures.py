"""A patch that takes a loss back loses nothing: found fixtures, the other way round."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rule_fixtures
from rule_fixtures import LOUD, Line, Source, fixture_files, make, read


def reversed_fixture(fixture):
    """The fixture of one patch with its two states exchanged."""
    sources = tuple(
        Source(
            source.new,
            source.old,
            [Line(line.text, since=line.until, until=line.since) for line in source.lines],
        )
        for source in fixture.sources
    )
    return replace(fixture, sources=sources, remarks=(), messages={}, subjects={})


def candidates():
    """The first found fixture of one patch of each rule."""
    chosen = {}
    for path in fixture_files():
        fixture = read(path)
        if fixture.patches == 1 and fixture.found():
            chosen.setdefault(fixture.rule, fixture)
    return list(chosen.values())


@pytest.fixture(autouse=True)
def one_cache(shared_cache, monkeypatch):
    """No user's cache is read or written."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared_cache))


@pytest.mark.parametrize("fixture", candidates(), ids=lambda one: f"{one.rule}-{one.name}")
def test_the_other_way_round_nothing_loud_is_said(fixture, tmp_path):
    made = make(reversed_fixture(fixture), tmp_path)
    said = rule_fixtures.spoken(rule_fixtures.check(made, "hunks"))
    assert [rule_fixtures.say(one) for one in said if one.level in LOUD] == []
