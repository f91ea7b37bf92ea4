from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
import site_kit
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from site_kit import HOSTILE, link, make

from patchlint.archive import changes, site
from patchlint.cli.main import main
from patchlint.ruleset.load import load
from patchlint.ruleset.record import read

ATOM = "{http://www.w3.org/2005/Atom}"


class Page(HTMLParser):
    """A page's links, text and faults."""

    def __init__(self, text):
        super().__init__()
        self.links, self.tags, self.said, self.stack, self.faults = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.links += [value for name, value in attrs if name in {"href", "src"}]
        if tag not in {"meta", "link", "input"}:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        self.said.append(data)

    def text(self):
        return " ".join("".join(self.said).split())


def built(out, *stores, options=()):
    assert main(["site", *map(str, stores), "--out", str(out), *options]) == 0
    return out


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    top = tmp_path_factory.mktemp("stores")
    return [
        make(top / "a.db", range(40)),
        make(top / "b.db", range(20, 60), name="linux-fsdevel"),
        make(top / "hostile.db", range(90, 96), name="<b>list", said=HOSTILE),
    ]


@pytest.fixture(scope="module")
def folder(stores, tmp_path_factory):
    return built(tmp_path_factory.mktemp("site") / "out", *stores)


@pytest.fixture(scope="module")
def parsed(folder):
    return {
        name: Page(data.decode()) for name, data in files(folder).items() if name.endswith(".html")
    }


def test_each_change_has_one_page(parsed, stores):
    found = changes.gather([str(store) for store in stores])
    assert len(found.changes) == 66
    pages = {name for name in parsed if name.startswith("changes/")}
    assert pages == {f"changes/{change.key}.html" for change in found.changes}


def test_tags_are_balanced_and_links_lead_somewhere(parsed, folder):
    there = set(files(folder))
    for name, page in parsed.items():
        assert page.faults == [], name
        assert page.stack == [], name
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), name
        for href in page.links:
            if href.startswith("https://lore.kernel.org/r/"):
                continue
            target = (folder / name).parent.joinpath(href.partition("#")[0] or folder / name)
            assert target.resolve().relative_to(folder.resolve()).as_posix() in there, (name, href)


def test_pages_may_load_nothing_but_what_is_beside_them(parsed):
    for name, page in parsed.items():
        assert not [tag for tag, _ in page.tags if tag in {"img", "iframe", "object", "base"}]
        assert not any(n.startswith("on") or n == "style" for _, a in page.tags for n in a), name
        scripts = [attrs for tag, attrs in page.tags if tag == "script"]
        assert {attrs.get("src", "").rpartition("/")[2] for attrs in scripts} <= {
            "site.js",
            "search.js",
            "data.js",
        }
        (policy,) = [a["content"] for _, a in page.tags if "http-equiv" in a]
        assert policy == site.POLICY


def test_a_change_is_told_with_its_postings_and_its_fate(parsed):
    key = site_kit.finding(20, "").fingerprint
    page = parsed[f"changes/{key}.html"]
    said = page.text()
    assert re.search(r"handed to a work item by \w+ nest20_reaper fs/burrow20/nest_20\.c:187", said)
    assert said.count("put nest 20 from a work item") >= 2
    assert link("20-v1@example.org") in page.links
    assert link("20-v2@example.org") in page.links
    assert "linux-burrow, linux-fsdevel" in said
    assert "What came of it discussed Re: burrow 20" in said
    assert "Earlier changes of the same family" in said


def test_each_change_has_the_script_that_shows_it_beside_its_page(parsed, folder):
    for name, page in parsed.items():
        if name.startswith("changes/"):
            script = (folder / name).with_suffix(".sh")
            assert script.name in page.links, name
            done = subprocess.run(["sh", "-n", script], capture_output=True, check=False)
            assert (done.returncode, done.stderr) == (0, b""), name
    key = site_kit.finding(20, "").fingerprint
    assert f"patchlint confirm {key}" in (folder / f"changes/{key}.sh").read_text()
    said = parsed[f"changes/{key}.html"].text()
    assert "No workload is known that goes through burrow20_unlock(): give it a command" in said


def test_a_change_is_told_with_what_the_record_knows(stores):
    one = next(one for one in read().judged if one.verdict == "right" and one.outcome == "reverted")
    found = changes.gather([str(stores[0])])
    # the same function of the same subsystem
    place = {"function": one.function, "path": f"{one.folder}/loop.c"}
    finding = replace(found.changes[0].finding, family=one.family, cleanup=one.cleanup, **place)
    late = replace(found.changes[0].postings[-1], date=4e9)
    own = replace(found.changes[0], finding=finding, postings=(late,))
    alone = replace(found, changes=(own,))
    pages = dict(site.pages(alone, load(), site.Look(), read(), lambda _: site.Proof("", "")))
    said = Page(pages[f"changes/{own.key}.html"]).text()
    assert re.search(rf"earlier ?{one.cleanup}\(\) in \w+\(\) was ", said)


@pytest.mark.parametrize(("number", "fate"), [(3, "still in a later version"), (0, "fixed later")])
def test_the_list_and_the_page_say_the_same_of_what_came(parsed, number, fate):
    finding = site_kit.finding(number, "")
    page = parsed[f"changes/{finding.fingerprint}.html"].text()
    assert page.count(fate) >= 2  # beside its place, and in what came of it
    rule = parsed[f"rules/{finding.rule}.html"].text()
    assert f"{finding.rule} · {fate}" in rule


def test_folders_of_the_machine_are_not_published(tmp_path):
    store = make(tmp_path / "a.db", range(2), name="/home/me/lists/burrow.mbox")
    out = built(tmp_path / "out", store)
    assert (out / "lists/burrow.html").is_file()
    for name, data in files(out).items():
        assert b"/home/me" not in data, name


def test_what_the_archive_does_not_tell_is_said(parsed):
    key = site_kit.finding(5, "").fingerprint
    assert "The archive says nothing of it." in parsed[f"changes/{key}.html"].text()


def test_hostile_text_is_shown_as_text(parsed, folder):
    (page,) = [
        page
        for name, page in parsed.items()
        if name == f"changes/{site_kit.finding(90, '').fingerprint}.html"
    ]
    assert "<script>alert(1)</script>\\u202e \\x1b[31m" in page.text()
    assert "{{ 7 * 7 }}" in page.text()
    for name, data in files(folder).items():
        text = data.decode()
        assert "\u202e" not in text, name
        assert "\x1b" not in text, name
        if name.endswith((".html", ".xml", ".js")):
            assert "<script>alert" not in text, name


def test_groups_have_pages_and_years_without_any_are_shown(parsed, stores, tmp_path):
    said = parsed["index.html"].text()
    assert "66 changes in" in said
    for name in ("families/mount.html", "rules/mount-put-deferred.html", "years/2011.html"):
        assert name in parsed
    gap = make(tmp_path / "gap.db", [0, 300])
    out = built(tmp_path / "out", gap)
    index = Page((out / "index.html").read_text()).text()
    assert re.search(r"2018 1 1 2017 0 0 2016 0 0", index)
    assert not (out / "years/2016.html").exists()
    assert len(stores) == 3


def test_a_wrong_clock_makes_no_years(tmp_path, capsys):
    store = make(tmp_path / "clock.db", range(3))
    year = "2011"
    with sqlite3.connect(store) as connection:
        wrong = [("1899", -2_208_988_800.0), ("2077", 3_376_684_800.0)]
        for number, (_, date) in enumerate(wrong, 1):
            connection.execute("UPDATE messages SET date = ? WHERE id = ?", (date, number))
            connection.execute("UPDATE findings SET date = ? WHERE id = ?", (date, number))
        connection.execute("DELETE FROM sums")
    connection.close()
    assert main(["stats", str(store), "--by", "year"]) == 0
    out = capsys.readouterr().out
    rows = [line.split()[0] for line in out.splitlines() if line[:4].isdecimal()]
    assert rows == [year]
    index = Page((built(tmp_path / "out", store) / "index.html").read_text()).text()
    assert "no date" in index
    for name, _ in wrong:
        assert name not in index


def test_a_rule_shows_its_record_and_what_it_says(parsed):
    said = parsed["rules/mount-put-deferred.html"].text()
    assert re.search(r"Record (error|warning|note) ?\d+ ", said)
    assert "## What it finds" in said


def test_the_feed_is_atom_and_its_names_do_not_change(folder, stores, tmp_path):
    feed = ET.fromstring((folder / "feed.xml").read_text())  # noqa: S314 - our own
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == site.NEWEST
    for node in (feed, *entries):
        for name in ("id", "title", "updated"):
            assert node.findtext(f"{ATOM}{name}")
    dates = [entry.findtext(f"{ATOM}updated") for entry in entries]
    assert dates == sorted(dates, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == dates[0]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", date) for date in dates)
    assert all(entry.find(f"{ATOM}author/{ATOM}name") is not None for entry in entries)

    out = built(tmp_path / "out", *stores, options=["--url", "https://example.org/late"])
    there = ET.fromstring((out / "feed.xml").read_text())  # noqa: S314 - our own
    again = there.findall(f"{ATOM}entry")
    assert [e.findtext(f"{ATOM}id") for e in again] == [e.findtext(f"{ATOM}id") for e in entries]
    first = again[0].find(f"{ATOM}link").get("href")
    assert first.startswith("https://example.org/late/changes/")


def test_the_same_stores_give_the_same_bytes(folder, stores, tmp_path):
    assert files(built(tmp_path / "again", *reversed(stores))) == files(folder)


def test_a_site_is_made_anew_without_what_is_gone(tmp_path, capsys):
    both = make(tmp_path / "both.db", range(4))
    out = built(tmp_path / "out", both)
    gone = f"changes/{site_kit.finding(3, '').fingerprint}.html"
    assert gone in files(out)
    kept = (out / f"changes/{site_kit.finding(1, '').fingerprint}.html").stat().st_mtime_ns
    (out / "changes/notes.txt").write_text("mine")
    built(out, make(tmp_path / "one.db", range(3)))
    assert gone not in files(out)
    assert "changes/notes.txt" in files(out)
    assert (out / f"changes/{site_kit.finding(1, '').fingerprint}.html").stat().st_mtime_ns == kept
    assert "3 changes, " in capsys.readouterr().out


def test_a_folder_with_other_things_is_left_alone(stores, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["site", str(stores[0]), "--out", str(tmp_path)]) == 2
    assert "other files" in capsys.readouterr().err
    assert set(files(tmp_path)) == {"thesis.txt"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.db", "--out", "out"], "no such store"),
        (["{store}", "--out", "{store}"], "not a folder"),
        (["{store}", "--out", "out", "--url", "ftp://x"], "no http"),
        (["{store}", "--out", "out", "--link-url", "javascript:x"], "no http"),
    ],
)
def test_what_cannot_be_done_is_said(stores, tmp_path, capsys, arguments, said):
    there = {"{store}": str(stores[0]), "out": str(tmp_path / "out")}
    assert main(["site", *(there.get(one, one) for one in arguments)]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_manifest_that_names_other_places_takes_nothing_away(tmp_path):
    out = built(tmp_path / "out", make(tmp_path / "a.db", range(2)))
    (tmp_path / "thesis.txt").write_text("mine")
    listed = ["../thesis.txt", str(tmp_path / "thesis.txt"), 7]
    (out / ".patchlint-site.json").write_text(json.dumps(listed))
    built(out, tmp_path / "a.db")
    assert (tmp_path / "thesis.txt").exists()


def test_a_store_without_findings_gives_a_site(tmp_path):
    out = built(tmp_path / "out", make(tmp_path / "none.db", []))
    said = Page((out / "index.html").read_text()).text()
    assert "0 changes in 0 mails" in said
    ET.fromstring((out / "feed.xml").read_text())  # noqa: S314 - our own


def test_mails_are_linked_where_the_user_reads_them(stores, tmp_path):
    out = built(
        tmp_path / "out", stores[0], options=["--link-url", "https://inbox.example.org/%s/"]
    )
    key = site_kit.finding(1, "").fingerprint
    page = Page((out / f"changes/{key}.html").read_text())
    assert "https://inbox.example.org/1-v1@example.org/" in page.links


def test_dates_that_are_none_do_not_stop_it(tmp_path):
    store = make(tmp_path / "odd.db", range(3))
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE findings SET date = NULL WHERE id = 1")
        connection.execute("UPDATE findings SET date = 1e300 WHERE id = 2")
        connection.execute("UPDATE messages SET date = -1e300")
        connection.execute("UPDATE findings SET fingerprint = '../../x' WHERE id = 3")
        connection.execute("DELETE FROM sums")
    connection.close()
    out = built(tmp_path / "out", store)
    assert len(list((out / "changes").glob("*.html"))) == 3
    assert (out / "years/no-date.html").exists() or "no date" in (out / "index.html").read_text()


@given(st.text())
def test_a_page_has_a_name_that_stays_in_its_folder(name):
    path = site.page_name(name, "lists")
    assert re.fullmatch(r"lists/[A-Za-z0-9._-]+\.html", path)
    assert not path.startswith("lists/.")
    assert site.page_name(name, "lists") == path


@given(st.lists(st.text(max_size=20), unique=True, max_size=20))
def test_different_things_have_different_pages(names):
    assert len({site.page_name(name, "lists") for name in names}) == len(names)


def test_every_shipped_rule_that_looked_has_a_page(tmp_path):
    store = make(tmp_path / "a.db", range(1))
    with sqlite3.connect(store) as connection:
        for rule in load().rules:
            connection.execute(
                "INSERT OR IGNORE INTO rules (id, title, level, digest) VALUES (?, ?, ?, ?)",
                (rule.id, rule.title, rule.level, "d"),
            )
    connection.close()
    out = built(tmp_path / "out", store)
    for rule in load().rules:
        page = Page((out / f"rules/{rule.id}.html").read_text())
        assert rule.title in page.text()
