from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from msgspec.structs import replace
from report_story import EMPTY, FILE, LAZY, RULES, STORY
from report_strategies import law, reports
from report_variants import HOSTILE, REPORTS

from patchlint.report.render import render
from patchlint.report.style import Style

VOID = {"meta", "input"}


class Page(HTMLParser):
    """The page as a browser's eyes see it: tags in order, text by the tag that holds it."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.tags, self.texts, self.faults = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        self.texts.append((self.stack[-1] if self.stack else "", data))

    def inside(self, tag):
        return "".join(data for holder, data in self.texts if holder == tag)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def page(report=STORY, **style):
    return Page(render(report, "html", Style(rules=RULES, **style)))


def text_of(one):
    return " ".join("".join(data for holder, data in one.texts if holder != "script").split())


@law
@given(report=reports)
def test_tags_are_balanced_and_of_our_making(report):
    told = page(report)
    assert told.faults == []
    assert told.stack == []
    assert len(told.all("script")) == (1 if report.findings else 0)
    assert not any(name.startswith("on") for _, attrs in told.tags for name in attrs)


@pytest.mark.parametrize("report", REPORTS)
def test_nothing_is_loaded(report):
    told = page(REPORTS[report])
    assert {tag for tag, _ in told.tags}.isdisjoint({"link", "img", "iframe", "object", "base"})
    assert not any("src" in attrs or "style" in attrs for _, attrs in told.tags)
    for attrs in told.all("a"):
        # within the page, or to a mail when somebody follows the link
        outside = not attrs["href"].startswith("#")
        assert not outside or attrs["href"].startswith("https://lore.kernel.org/r/")
        assert not outside or attrs["rel"] == "noreferrer"
    assert "url(" not in told.inside("style")
    assert "http" not in told.inside("style") + told.inside("script")


def test_the_policy_allows_this_style_and_this_script_alone():
    told = page()
    (policy,) = [
        attrs["content"]
        for attrs in told.all("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    for tag in ("style", "script"):
        digest = b64encode(sha256(told.inside(tag).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")


def test_every_finding_and_both_its_chains():
    told = page()
    cards = [attrs for attrs in told.all("details") if attrs.get("class") == "finding"]
    assert [card["data-level"] for card in cards] == ["error", "warning", "note"]
    said = text_of(told)
    assert "before task: done before return to user space" in said
    assert "after work item: done some time later" in said
    assert "handed to a work item by queue_rcu_work nest_reaper fs/burrow/nest.c:187" in said
    assert "umount (syscall): __do_sys_umount → burrow_umount" in said
    assert "no flush of burrow_wq on this path" in said
    marked = [attrs for attrs in told.all("tr") if "marked" in attrs["class"]]
    assert len(marked) == 5


def test_the_index_leads_to_each_finding():
    told = page()
    ids = [attrs["id"] for _, attrs in told.tags if "id" in attrs]
    assert len(ids) == len(set(ids)) == 3
    inside = [attrs["href"] for attrs in told.all("a") if attrs["href"].startswith("#")]
    assert inside == [f"#{name}" for name in ids]


def test_two_hundred_findings_are_folded():
    many = replace(STORY, findings=tuple(replace(FILE, line=n) for n in range(1, 201)))
    told = page(many)
    cards = [attrs for attrs in told.all("details") if attrs.get("class") == "finding"]
    assert len(cards) == len(told.all("a")) == 200
    assert not any("open" in card for card in cards)
    assert all("open" in card for card in page().all("details") if "data-level" in card)


def test_it_can_be_read_without_the_script():
    told = page()
    (form,) = told.all("form")
    assert "hidden" in form
    assert not any("hidden" in attrs for tag, attrs in told.tags if tag != "form")


def test_errors_limitations_and_rules_are_told():
    said = text_of(page())
    assert "broken.mbox:31 the diff ends in the middle of a hunk" in said
    assert "no tree: callers outside the diff are not known (graph)" in said
    assert "User space sees `EBUSY`." in said


def test_a_report_without_findings():
    said = text_of(page(EMPTY))
    assert "no findings in 3 patches" in said
    assert not page(EMPTY).all("details")


def test_hostile_text_is_shown_as_text():
    told = page(HOSTILE)
    assert "<script>alert('x')</script>" in told.inside("span")
    assert "alert('x')" not in told.inside("script")
    assert {len(attrs) for attrs in told.all("script")} == {0}


def test_a_callback_that_is_not_in_the_chain_makes_no_hand_over():
    lost = replace(LAZY, after=replace(LAZY.after, callback="nobody"))
    assert "handed to" not in text_of(page(replace(STORY, findings=(lost,))))


def test_dark_light_and_print():
    style = page().inside("style")
    assert re.search(r"@media \(prefers-color-scheme: dark\)", style)
    assert "@media print" in style
    assert "color-scheme: light dark" in style


@pytest.mark.parametrize(("missing", "said"), [((4,), "patch 4"), ((3, 4), "patches 3, 4")])
def test_missing_patches_are_told_in_their_number(missing, said):
    series = replace(EMPTY.series[0], missing=missing)
    told = render(replace(EMPTY, series=(series,)), "html", Style())
    assert f"{said} of 4 missing" in told
