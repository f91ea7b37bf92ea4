"""Names of files that are no UTF-8: read, kept, asked for and shown like any other."""

from __future__ import annotations

import os

import archive_kit as kit
import pytest
from hypothesis import given as any_
from hypothesis import strategies as some

from patchlint.archive.store import Store
from patchlint.cli.main import main
from patchlint.outside import names


def _ids(store):
    with Store(str(store), write=False) as opened:
        return {row["message_id"] for row in opened.rows("SELECT message_id FROM findings")}


@pytest.mark.parametrize("form", ["folder", "maildir", "epoch"])
def test_a_scan_reads_files_and_folders_of_any_name(tmp_path, form):
    posts = kit.mixture(20)
    bad = {post.message_id for post in posts if kit.BAD in post.body}
    odd = tmp_path / os.fsdecode(b"in\xff")
    odd.mkdir()
    if form == "folder":
        kit.mbox(odd / os.fsdecode(b"a\xfe.mbox"), posts[:10])
        kit.mbox(odd / "b.mbox", posts[10:])
        source = odd
    elif form == "maildir":
        source = kit.maildir(odd / "box", posts)
        first = next((source / "new").iterdir(), None) or next((source / "cur").iterdir())
        first.rename(first.with_name(f"{first.name.split(':')[0]}{os.fsdecode(bytes([0xFF]))}"))
    else:
        source = kit.epoch(odd / "0.git", posts)
    store = tmp_path / "scan.db"
    kit.run([source], store)
    assert bad
    assert _ids(store) == bad
    assert kit.run([source], store).mails == 0


@pytest.mark.parametrize("option", ["--author", "--subsystem", "--list"])
def test_nothing_stored_is_like_a_word_that_is_no_utf8(tmp_path, capsys, option):
    store = tmp_path / "scan.db"
    kit.run([kit.mbox(tmp_path / "x.mbox", kit.mixture(5))], store)
    assert main(["findings", str(store), option, os.fsdecode(b"\xff")]) == 0
    assert "could not finish" not in capsys.readouterr().err


@any_(some.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_a_kept_name_is_utf8_and_the_same_name_again(name):
    path = os.fsdecode(name)
    kept = names.kept(path)
    assert kept.encode("utf-8")
    assert names.given(kept) == path
    assert names.shown(path).encode("utf-8")
