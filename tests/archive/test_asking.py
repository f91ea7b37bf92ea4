from __future__ import annotations

import csv
import io
import itertools
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import archive_kit as kit
import pytest
from msgspec.structs import replace

from patchlint.archive import ask, changes, export
from patchlint.archive.records import COVER
from patchlint.archive.store import Store
from patchlint.cli import dispatch
from patchlint.cli.main import COMMANDS
from patchlint.model.effect import Promise
from patchlint.report import words
from patchlint.report.render import FORMATS

YEAR = 366 * kit.DAY


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asking")
    posts = [
        kit.patch(1, 1, "early", kit.BAD),
        replace(
            kit.patch(1, 2, "later", kit.BAD, author="Other <other@example.org>"),
            when=kit.START + YEAR,
        ),
        replace(
            kit.patch(2, 2, "later", kit.BAD, author="Other <other@example.org>"),
            when=kit.START + YEAR,
        ),
    ]
    path = folder / "scan.db"
    kit.run([kit.epoch(folder / "linux-demo.git", posts)], path)
    return path


def command(capsys, *arguments: str) -> tuple[int, str, str]:
    status = dispatch.run(list(map(str, arguments)), COMMANDS)
    out, err = capsys.readouterr()
    return status, out, err


def test_findings_come_back_as_they_went_in(store):
    with Store(str(store), write=False) as opened:
        report = ask.findings(opened, ask.Question())
    assert len(report.series) == 2
    assert report.series[1].expected == 2
    again = kit.finding(report.series[0], 1, "early-v1-1@example.org")
    assert report.findings[0] == again
    assert [one.series for one in report.findings] == [0, 1, 1]
    assert report.limitations[0].message == "callers are not known"


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ({}, 2),
        ({"since": "2021"}, 2),
        ({"until": "2020"}, 1),
        ({"until": "2020-08"}, 0),
        ({"since": "2020-09-13", "until": "2020-09-13"}, 1),
        ({"author": "OTHER@"}, 2),
        ({"author": "%"}, 0),
        ({"level": "error"}, 0),
        ({"level": "note"}, 2),
        ({"rules": ("widget-put-deferred",)}, 2),
        ({"rules": ("file-put-deferred",)}, 0),
        ({"source": "linux-demo"}, 2),
        ({"source": "linux-other"}, 0),
        ({"subsystem": "fs"}, 2),
        ({"outcome": "unknown"}, 2),
        ({"outcome": "fixed"}, 0),
    ],
)
def test_questions_narrow(store, question, number):
    # one fingerprint was posted twice, in two years by two people
    found = changes.gather([str(store)], ask.Question(**question))
    assert len(found.changes) == number
    counted = changes.count(found, "rule")
    assert sum(sum(levels.values()) for _, levels in counted) == number


def test_a_change_is_one_row_with_its_postings(capsys, store):
    _, out, _ = command(capsys, "findings", store, "--format", "json", "--until", "2020")
    (told,) = json.loads(out)["findings"]
    assert told["message_id"] == "early-v1-1@example.org"  # the posting that was asked for
    history = told["history"]
    assert [one["message_id"] for one in history["postings"]] == [
        "early-v1-1@example.org",
        "later-v1-1@example.org",
    ]
    assert history["lists"] == ["linux-demo"]
    assert history["date"].startswith("2021-09-14")
    assert history["outcome"] == "unknown"


def test_where_mails_are_read_is_a_setting(capsys, store, monkeypatch):
    monkeypatch.setenv("PATCHLINT_LINK_URL", "https://example.org/mail?id=%s")
    _, out, _ = command(capsys, "findings", store, "--format", "terse")
    assert "https://example.org/mail?id=later-v1-1@example.org; unknown)" in out
    monkeypatch.setenv("PATCHLINT_LINK_URL", "javascript:alert(1)//%s")
    status, out, err = command(capsys, "findings", store)
    assert (status, out) == (2, "")
    assert "no http or https URL" in err


def test_day_that_is_none_is_refused(capsys, store):
    status, out, err = command(capsys, "findings", store, "--since", "yesterday")
    assert (status, out) == (2, "")
    assert "yesterday" in err


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_every_format_prints(capsys, store, kind):
    status, out, _ = command(capsys, "findings", store, "--format", kind, "--verbose")
    assert status == 0
    assert "widget" in out
    for told in ("2021-09-14", "linux-demo", "unknown", "lore.kernel.org/r/later-v1-1@example.org"):
        assert told in " ".join(out.split())


def test_commands_to_a_ci_system_stay_commands(store, capsys):
    """What stands in the mails does not: see the console's own tests."""
    _, out, _ = command(capsys, "findings", store, "--format", "github")
    assert out.startswith("::")


def test_page_has_charts(capsys, store):
    _, out, _ = command(capsys, "findings", store, "--format", "html")
    assert out.count("<svg") >= 3
    assert "Findings by subsystem" in out


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("year", ["2020", "2021"]),
        ("rule", ["widget-put-deferred"]),
        ("subsystem", ["fs"]),
        ("outcome", ["unknown"]),
        ("level", ["warning"]),
        ("list", ["linux-demo"]),
        ("family", ["widget"]),
    ],
)
def test_stats_count(capsys, store, by, names):
    _, out, _ = command(capsys, "stats", store, "--by", by, "--format", "json")
    groups = json.loads(out)["groups"]
    assert [group["name"] for group in groups] == names
    assert sum(group["total"] for group in groups) == 2
    _, text, _ = command(capsys, "stats", store, "--by", by)
    assert all(name in text for name in names)
    assert "2 changes in 3 postings of 3 mails" in text


def test_stats_of_several_stores_count_a_change_and_a_mail_once(capsys, store, copy):
    _, one, _ = command(capsys, "stats", store)
    _, both, _ = command(capsys, "stats", store, copy, "--by", "list")
    (told, twice) = (out.splitlines()[-1].partition(";")[0] for out in (one, both))
    assert told == twice == "2 changes in 3 postings of 3 mails, 3 of patches"


def test_one_of_a_kind_is_told_as_one(capsys, tmp_path):
    mail = kit.epoch(tmp_path / "demo.git", [kit.patch(1, 1, "lone", kit.GOOD)])
    status, _, err = command(capsys, "scan", mail, "--store", tmp_path / "demo.db", "--jobs", "1")
    assert (status, "1 mail read, " in err) == (0, True)
    assert err.endswith("has 0 findings\n")


def test_stats_count_no_cover_letter_as_a_patch(capsys, tmp_path):
    cover = kit.Post("set-0@example.org", "[PATCH 0/2] set: all of it", "What it does.\n")
    renamed = "diff --git a/fs/a.c b/fs/b.c\nrename from fs/a.c\nrename to fs/b.c\n"
    posts = [
        cover,
        kit.patch(1, 2, "set", kit.BAD),
        kit.patch(2, 2, "set", renamed),
        kit.Post("x@example.org", "Re: [PATCH 0/2] set: all of it", "> What\n\nWhy?\n"),
        kit.patch(0, 1, "odd", kit.GOOD),
    ]
    kit.run([kit.epoch(tmp_path / "demo.git", posts)], tmp_path / "demo.db")
    _, out, _ = command(capsys, "stats", tmp_path / "demo.db", "--format", "json")
    told = json.loads(out)["store"]
    assert (told["mails"], told["patch_mails"]) == (5, 3)
    with Store(str(tmp_path / "demo.db"), write=False) as opened:
        kinds = opened.rows("SELECT message_id, patch FROM messages ORDER BY id")
        assert {row["message_id"]: row["patch"] for row in kinds}["set-0@example.org"] == COVER


@pytest.mark.parametrize(
    ("name", "place", "said"),
    [
        ("git/0.git", "/lore/linux-nest/git/0.git", "linux-nest"),
        ("repo", "/a/linux-nest.lists.example.org.0/repo", "linux-nest"),
        ("linux-nest.example.org.12", "/b/c", "linux-nest"),
        ("burrow-6.12.mbox", "/b/burrow-6.12.mbox", "burrow-6.12"),
        ("nest.mbox", "/b/nest.mbox", "nest"),
        ("old+b.u.r.r.o.w.lists.open-nest.org.0", "/b/c", "old+b.u.r.r.o.w"),
        ("b.u.r.r.o.w.example.org", "/b/c", "b.u.r.r.o.w"),
        ("nest.lists.sub.example.org.3", "/b/c", "nest"),
        ("nest-5.15.example.org", "/b/c", "nest-5.15"),
        ("nest.v2.mbox.gz", "/b/c", "nest.v2"),
    ],
)
def test_a_list_is_called_without_folders_and_host(name, place, said):
    assert changes.called(name, place) == said


def test_a_year_without_a_change_is_counted(capsys, store):
    _, out, _ = command(
        capsys, "stats", store, "--by", "year", "--since", "2021", "--author", "A Dev"
    )
    assert re.search(r"^2020 +0 +0 +0 +0$", out, re.MULTILINE)
    assert re.search(r"^2021 +0 +0 +0 +0$", out, re.MULTILINE)


def test_charts_are_written(capsys, store, tmp_path):
    status, _, _ = command(capsys, "stats", store, "--by", "year", "--plot", tmp_path / "a.svg")
    assert status == 0
    root = ET.fromstring((tmp_path / "a.svg").read_text())  # noqa: S314 - our own chart
    texts = [element.text for element in root.iter() if element.text]
    assert {"2020", "2021", "Findings by year"} <= set(texts)
    status, _, _ = command(capsys, "stats", store, "--plot", tmp_path / "a.png")
    assert status == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_json_lines_hold_chains(capsysbinary, store):
    status = dispatch.run(["export", str(store)], COMMANDS)
    out = capsysbinary.readouterr().out
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert len(rows) == 3
    assert rows[0]["after_chain"][0]["function"] == "drop"


def test_csv_has_a_header_and_no_formulas(store):
    with Store(str(store), write=False) as opened:
        out = io.BytesIO()
        assert export.write(opened, "messages", "csv", out) == (3, True)
    rows = list(csv.reader(io.StringIO(out.getvalue().decode())))
    assert rows[0][:2] == ["id", "message_id"]
    assert export._harmless("=1+1") == "'=1+1"


def test_parquet_is_read_back(store, tmp_path):
    from pyarrow import parquet

    with Store(str(store), write=False) as opened, (tmp_path / "f.parquet").open("wb") as out:
        assert export.write(opened, "findings", "parquet", out) == (3, True)
    table = parquet.read_table(tmp_path / "f.parquet").to_pylist()
    assert [row["rule"] for row in table] == ["widget-put-deferred"] * 3
    assert table[0]["line"] == 11


def test_datasette_metadata_names_only_what_is_there(capsys, store):
    _, out, _ = command(capsys, "export", store, "--format", "datasette")
    described = json.loads(out)["databases"]["scan"]
    with Store(str(store), write=False) as opened:
        for table, about in described["tables"].items():
            columns = {row["name"] for row in opened.rows(f"PRAGMA table_info({table})")}
            assert columns
            named = {*about.get("facets", ()), about.get("label_column"), about.get("sort_desc")}
            assert named - {None} <= columns
        for query in described["queries"].values():
            sql = re.sub(r"(?<!\w):[a-z]+", "1", query["sql"])
            assert list(opened.rows(sql)) is not None


@pytest.fixture
def shown(store, capsys, tmp_path):
    """What the real Datasette answers, with the metadata that is exported."""
    metadata = tmp_path / "metadata.json"
    metadata.write_text(command(capsys, "export", store, "--format", "datasette")[1])

    def get(path):
        done = subprocess.run(
            [sys.executable, "-m", "datasette", str(store), "--metadata", str(metadata),
             "--get", f"/scan/{path}".rstrip("/")],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    return get


def test_datasette_shows_dates_links_and_lists_to_read(shown):
    rows = json.loads(shown("browse_findings.json?_shape=array"))
    assert rows
    for row in rows:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["date"])
        assert row["lore"].startswith("https://lore.kernel.org/r/")
        assert "[{" not in "".join(str(value) for value in row.values())
        assert row["function"] in row["before_chain"].split(" → ")
    assert 'href="https://lore.kernel.org/r/' in shown("browse_findings")


def test_datasette_answers_each_canned_query(shown, store):
    home = shown("")
    names = json.loads(export.datasette(str(store)))["databases"]["scan"]["queries"]
    assert len(names) >= 8
    for name in names:
        assert f'href="/scan/{name}"' in home
        found = json.loads(shown(f"{name}.json?finding=1&author=a&function=f&_shape=array"))
        assert isinstance(found, list)


@pytest.fixture
def copy(store, tmp_path):
    """The store as a file of its own, to be written to."""
    return shutil.copy(store, tmp_path / "copy.db")


def test_a_link_to_lore_holds_any_message_id(copy):
    with Store(str(copy)) as opened:
        opened.connection.execute(
            "UPDATE messages SET message_id = 'a/b?c#d%e@x'"
            " WHERE id = (SELECT min(id) FROM messages)"
        )
        links = [row["lore"] for row in opened.rows("SELECT lore FROM browse_mails ORDER BY id")]
    assert links[0] == "https://lore.kernel.org/r/a%2Fb%3Fc%23d%25e@x/"


def test_views_for_reading_say_contexts_as_reports_do(copy):
    with Store(str(copy)) as opened:
        for context, guarantee in itertools.product(words.CONTEXTS, words.GUARANTEES):
            opened.connection.execute(
                "UPDATE findings SET before_context = ?, before_guarantee = ?,"
                " after_context = ?, after_guarantee = ?",
                (context, guarantee) * 2,
            )
            (row, *_) = opened.rows("SELECT before, after FROM browse_findings")
            promise = Promise(context, guarantee, ())
            name = words.CONTEXTS[context]
            assert row["before"] == f"{name}: {words.guarantee(promise)}"
            called = name if context != "unknown" else words.context(replace(promise, callback="f"))
            assert row["after"] == f"{called}: {words.guarantee(promise)}"


def test_a_mail_that_went_to_several_lists_is_counted_once(store, copy):
    (one, both) = (
        changes.gather([str(path) for path in paths]) for paths in ([store], [store, copy])
    )
    assert both.mails == one.mails > 0
    assert len(both.changes) == len(one.changes)


def test_csv_runs_nothing_in_a_spreadsheet(copy, capsys):
    with Store(str(copy)) as opened:
        opened.connection.execute("UPDATE findings SET subject = '=HYPERLINK(1)', author = '\n+1'")
        # a row that misses its digest is damaged, and not written
        opened.connection.execute("DROP TABLE sums")
    _, out, _ = command(capsys, "export", copy, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {(row["subject"], row["author"]) for row in rows} == {("'=HYPERLINK(1)", "'\n+1")}


@pytest.mark.parametrize("name", ["findings", "stats", "export"])
def test_missing_store_is_an_error(capsys, tmp_path, name):
    status, out, err = command(capsys, name, tmp_path / "none.db")
    assert (status, out) == (2, "")
    assert "no such store" in err


@pytest.mark.parametrize("name", ["scan", "findings", "stats", "export"])
def test_help_has_an_example(capsys, name):
    status, out, _ = command(capsys, name, "--help")
    assert status == 0
    assert f"patchlint {name} " in out.split("examples:")[1]


def test_a_rule_that_nobody_knows_is_none(capsys, store):
    for command in ("findings", "stats"):
        status = dispatch.run([command, str(store), "--rule", "file-put-defered"], COMMANDS)
        assert status == 2
        assert "did you mean 'file-put-deferred'" in capsys.readouterr().err
        assert dispatch.run([command, str(store), "--rule", "file-put-deferred"], COMMANDS) == 0
        capsys.readouterr()


@pytest.mark.parametrize("option", ["--author", "--subsystem"])
def test_a_filter_that_nothing_passes_is_no_check_of_nothing(capsys, store, option):
    assert dispatch.run(["findings", str(store), option, "nobody"], COMMANDS) == 0
    assert capsys.readouterr().out == "no findings match\n"
    assert (
        dispatch.run(["findings", str(store), option, "nobody", "--format", "html"], COMMANDS) == 0
    )
    out = capsys.readouterr().out
    assert "no findings match" in out
    assert "nothing was checked" not in out


def test_a_store_without_a_finding_is_one_of_no_findings(capsys, tmp_path):
    store = tmp_path / "scan.db"
    kit.run([kit.mbox(tmp_path / "x.mbox", [kit.patch(1, 1, "x", kit.GOOD)])], store)
    assert dispatch.run(["findings", str(store)], COMMANDS) == 0
    assert capsys.readouterr().out == "no findings\n"
