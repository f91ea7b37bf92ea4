"""The site in a real browser: what it shows, what it loads, what keys do."""

from __future__ import annotations

import re

import pytest
import site_kit
from site_kit import HOSTILE, chromium, drive, make

from patchlint.cli.main import main

COUNT = 500


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of 500 findings, and some whose text is hostile."""
    top = tmp_path_factory.mktemp("site")
    stores = [
        make(top / "a.db", range(300)),
        make(top / "b.db", range(300, COUNT - 10), name="linux-fsdevel"),
        make(top / "c.db", range(COUNT - 10, COUNT), name="<b>list", said=HOSTILE),
    ]
    assert main(["site", *map(str, stores), "--out", str(top / "out")]) == 0
    return top / "out"


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return tmp_path_factory.mktemp("profile")


def change(number):
    return f"changes/{site_kit.finding(number, '').fingerprint}.html"


NARROW = (
    *("index.html", "search.html", "rules/mount-put-deferred.html", "years/2012.html"),
    *(change(29), change(COUNT - 5)),
)
WIDTHS = "return [at.innerWidth, page.documentElement.scrollWidth];"
COLOR = "return at.getComputedStyle(page.body).backgroundColor;"
FORM = "const form = page.forms[0].elements;"
SHOWN = """
  return [page.querySelector('output').textContent,
    page.querySelectorAll('#results li').length, at.location.hash];
"""
KEYS = """
  const rows = [...page.querySelectorAll('.go')], seen = [];
  for (const name of ['j', 'j', 'j', 'k', 'x']) {
    key(name);
    seen.push(rows.indexOf(page.activeElement));
  }
  return seen;
"""
SLASH = """
  const loaded = wait('load');
  key('/');
  await loaded;
  await soon();
  return [frame.contentWindow.location.pathname, frame.contentDocument.activeElement.name];
"""
UP = """
  const loaded = wait('load');
  key('u');
  await loaded;
  return frame.contentWindow.location.pathname;
"""
TYPING = """
  const field = page.activeElement;
  key('j');
  const kept = page.activeElement === field;
  key('Escape');
  key('j');
  return [kept, page.activeElement.className];
"""
FOUND = """
  return [page.body.textContent.includes('<script>alert(1)</script>'),
    page.querySelectorAll('script:not([src])').length];
"""
INJECT = """
  const made = page.createElement('script');
  made.textContent = 'window.hit = 1';
  page.body.append(made);
  const image = new at.Image();
  image.src = '/favicon.ico';
  await soon();
  return [at.hit ?? 0, image.naturalWidth];
"""
#: name -> (page, width of its window, what is done there)
VISITS = {
    **{f"narrow {page}": (page, 360, WIDTHS) for page in NARROW},
    "light": ("index.html?light", 1000, COLOR),
    "all": ("search.html?all", 1000, SHOWN),
    "words": ("search.html?words", 1000, f"{FORM} type(form.q, 'BURROW29 iput'); {SHOWN}"),
    "kept": ("search.html?kept#q=burrow29&level=error", 1000, SHOWN),
    "none": ("search.html?none", 1000, f"{FORM} type(form.q, 'no such thing'); {SHOWN}"),
    "id": ("search.html?id", 1000, f"{FORM} type(form.q, '123-v1@example.org'); {SHOWN}"),
    "keys": ("index.html?keys", 1000, KEYS),
    "slash": (f"{change(29)}?slash", 1000, SLASH),
    "up": (f"{change(30)}?up", 1000, UP),
    "typing": ("search.html?typing", 1000, TYPING),
    "hostile": (change(COUNT - 3), 1000, FOUND),
    "hostile in search": ("search.html?hostile#q=alert", 1000, FOUND),
}


@pytest.fixture(scope="module")
def visited(site, profile):
    """What each visit saw, by its name; the console's words; the paths that were asked for."""
    told, console, asked = drive(site, profile, *VISITS.values())
    return dict(zip(VISITS, told, strict=True)), console, asked


def about(number):
    """The names that a search for a change finds it by."""
    return f"burrow{number % 40}: burrow{number}_unlock"


def test_no_page_is_wider_than_a_small_phone(visited):
    told, _, _ = visited
    for page in NARROW:
        width, content = told[f"narrow {page}"]
        assert width == 360
        assert content <= 360, page


def test_search_finds_by_words_and_choices_and_keeps_them_in_the_address(visited):
    told, _, _ = visited
    assert told["all"] == [f"{COUNT} of {COUNT}, the newest 200 shown", 200, ""]
    both = [n for n in range(COUNT - 10) if "burrow29" in about(n) and n % 6 == 3]
    assert told["words"] == [f"{len(both)} of {COUNT}", len(both), "#q=BURROW29+iput"]
    loud = [n for n in range(COUNT - 10) if "burrow29" in about(n) and n % 4 == 3]
    assert told["kept"][:2] == [f"{len(loud)} of {COUNT}", len(loud)]
    assert told["none"][:2] == [f"0 of {COUNT}", 0]
    assert told["id"][:2] == [f"1 of {COUNT}", 1]


def test_keys_go_from_change_to_change_and_to_the_search(visited):
    told, _, _ = visited
    assert told["keys"] == [0, 1, 2, 1, 1]
    assert told["slash"] == ["/search.html", "q"]
    assert told["up"] == "/index.html"
    assert told["typing"] == [True, "go"]


def test_hostile_text_is_text(visited):
    told, _, _ = visited
    assert told["hostile"] == [True, 0]
    assert told["hostile in search"] == [True, 0]


def test_nothing_is_asked_for_but_the_site_and_nothing_is_complained_of(visited, site):
    _, console, asked = visited
    assert console == []
    there = {f"/{path.relative_to(site).as_posix()}" for path in site.rglob("*")}
    assert {path.partition("?")[0] for path in asked} - there <= {"/driver.html", "/favicon.ico"}


def test_a_page_could_not_run_or_load_what_is_not_of_the_site(site, profile):
    told, console, _ = drive(site, profile, (change(29), 1000, INJECT))
    assert told == [[0, 0]]
    assert len(console) == 2
    assert all("Content Security Policy" in said for said in console), console


def test_light_and_dark_follow_the_reader(visited, site, profile):
    dark = ["--blink-settings=preferredColorScheme=0"]
    (paper,), _, _ = drive(site, profile, ("index.html", 1000, COLOR), options=dark)
    assert paper == "rgb(20, 23, 28)"
    assert visited[0]["light"] == "rgb(255, 255, 255)"


def test_search_works_from_a_disk_without_any_server(site, profile):
    address = f"{(site / 'search.html').as_uri()}#q=123-v1%40example.org"
    out, console = chromium(profile, "--virtual-time-budget=5000", "--dump-dom", address)
    assert '<output aria-live="polite">1 of 500</output>' in out
    assert f'href="{change(123)}"' in out
    assert console == []


def test_a_change_prints(site, profile, tmp_path):
    pdf = tmp_path / "change.pdf"
    chromium(profile, f"--print-to-pdf={pdf}", (site / change(29)).as_uri())
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes())) <= 3
