"""What FINDING may be, and which finding of it is meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchlint.cli.main import main
from patchlint.confirm import claim

pytestmark = pytest.mark.usefixtures("alone")

EXAMPLE = Path(__file__).parent.parent.parent / "fixtures" / "examples" / "lazy-detach.mbox"


def finding(**other):
    """A finding in JSON with what a claim needs."""
    return {
        "rule": "lamp-late",
        "level": "warning",
        "family": "mount",
        "cleanup": "mntput",
        "function": "unlamp",
        "message": "late",
        "fingerprint": "00112233aabbccdd",
        "before": {"guarantee": "before-return-to-user", "chain": [{"function": "unlamp"}]},
        "after": {"callback": "lamp_fn", "chain": [{"function": "lamp_fn"}]},
        **other,
    }


def report(*findings):
    return json.dumps({"schema": "patchlint/1", "findings": findings}).encode()


@pytest.fixture
def example_report(tmp_path, capsys):
    """The report on the shipped example, as a file, and the fingerprint in it."""
    main(["check", "--no-tree", "--format", "json", str(EXAMPLE)])
    text = capsys.readouterr().out
    path = tmp_path / "report.json"
    path.write_text(text)
    return path, json.loads(text)["findings"][0]["fingerprint"]


def test_the_loudest_finding_is_meant_when_none_is_named():
    claims = claim.of_json(
        report(finding(level="note"), finding(level="error", fingerprint="ff")), "r"
    )
    assert claim.choose(claims, None).fingerprint == "ff"


def test_a_fingerprint_may_be_cut_short():
    claims = claim.of_json(report(finding(), finding(fingerprint="0f00")), "r")
    assert claim.choose(claims, "0011").fingerprint == "00112233aabbccdd"
    with pytest.raises(claim.ClaimError, match="begins 2 fingerprints"):
        claim.choose(claims, "0")
    with pytest.raises(claim.ClaimError, match="no finding ab; there are: 00112233aabbccdd, 0f00"):
        claim.choose(claims, "ab")
    with pytest.raises(claim.ClaimError, match="there is no finding"):
        claim.choose((), None)


def test_one_finding_cut_out_of_a_report_will_do():
    (one,) = claim.of_json(json.dumps(finding()).encode(), "r")
    assert one.after.callback == "lamp_fn"


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b'{"findings": 3}',
        b'{"findings": [{}]}',
        b'{"findings": [{"rule": []}]}',
        b"[" * 100_000,
        json.dumps({"findings": [finding(before={"chain": [3]})]}).encode(),
    ],
)
def test_what_is_no_report_is_said(text):
    with pytest.raises(claim.ClaimError, match=r"^r\.json: is no"):
        claim.of_json(text, "r.json")


def test_report_series_and_standard_input_lead_to_one_script(
    example_report, capsys, monkeypatch, tmp_path
):
    path, fingerprint = example_report
    scripts = []
    for words in ([str(path)], [str(EXAMPLE), "--no-tree"], [fingerprint, str(path)]):
        assert main(["confirm", *words]) == 0
        scripts.append(capsys.readouterr().out)
    with path.open("rb") as opened:
        monkeypatch.setattr("sys.stdin", type("In", (), {"buffer": opened, "isatty": lambda: 0}))
        assert main(["confirm", fingerprint[:6]]) == 0
    scripts.append(capsys.readouterr().out)
    assert scripts[0].startswith(f"#!/bin/sh\n# patchlint confirm {fingerprint} [mount-put-defer")
    assert set(scripts) == {scripts[0]}
    out = tmp_path / "show.sh"
    assert main(["confirm", str(path), "--output", str(out)]) == 0
    assert out.read_text() == scripts[0]


def test_a_store_has_findings_too(tmp_path, capsys):
    store = tmp_path / "s.db"
    assert main(["scan", "--store", str(store), "--quiet", str(EXAMPLE)]) == 0
    capsys.readouterr()
    assert main(["confirm", str(store)]) == 0
    assert "[mount-put-deferred]" in capsys.readouterr().out


def test_what_cannot_be_confirmed_is_said_with_status_two(tmp_path, capsys):
    empty = tmp_path / "empty.json"
    empty.write_bytes(report())
    for words, said in (
        ([str(empty)], "there is no finding to confirm"),
        (["ffff", str(empty)], "no finding ffff; there are: none"),
        (["ffff", "eeee", str(empty)], "two fingerprints"),
        ([str(tmp_path / "absent.mbox")], "absent.mbox"),
    ):
        assert main(["confirm", *words]) == 2
        caught = capsys.readouterr()
        assert caught.out == ""
        assert said in caught.err
        assert "Traceback" not in caught.err


def test_other_findings_are_named(tmp_path, capsys):
    path = tmp_path / "two.json"
    path.write_bytes(report(finding(), finding(fingerprint="0f00")))
    assert main(["confirm", str(path)]) == 0
    assert "of 2 findings this is 00112233aabbccdd, the loudest; others: 0f00" in (
        capsys.readouterr().err
    )
