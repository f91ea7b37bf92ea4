from __future__ import annotations

import archive_kit as kit
import pytest
from msgspec.structs import replace

from patchlint.archive.store import Store


def outcomes(posts, tmp_path) -> dict[str, set[tuple[str, str | None]]]:
    """Kinds and mails of what was found, by the mail of the finding."""
    store = tmp_path / "scan.db"
    kit.run([kit.epoch(tmp_path / "0.git", posts)], store)
    found: dict[str, set[tuple[str, str | None]]] = {}
    with Store(str(store), write=False) as opened:
        for row in opened.rows(
            "SELECT findings.message_id AS patch, kind, outcomes.message_id AS mail FROM outcomes"
            " JOIN findings ON findings.id = outcomes.finding"
        ):
            found.setdefault(row["patch"], set()).add((row["kind"], row["mail"]))
    return found


def reply(to: str, name: str, text: str, day: float = 1) -> kit.Post:
    return kit.Post(
        f"{name}@example.org", "Re: [PATCH] set: change 1", text, reply_to=to, references=(to,),
        author="R <r@example.org>", when=kit.START + day * kit.DAY,
    )  # fmt: skip


PATCH = kit.patch(1, 1, "set", kit.BAD)


def test_silence_is_said(tmp_path):
    assert outcomes([PATCH], tmp_path) == {PATCH.message_id: {("unknown", None)}}


def test_reply_that_names_the_function_discusses_it(tmp_path):
    found = outcomes(
        [
            PATCH,
            reply(PATCH.message_id, "r1", "Then widget_put() runs too late.\n"),
            reply(PATCH.message_id, "r2", "> widget_put(w);\n\nLooks good.\n"),
            reply("r2@example.org", "r3", "No: close() sees EBUSY then.\n"),
        ],
        tmp_path,
    )
    assert found[PATCH.message_id] == {
        ("discussed", "r1@example.org"),
        ("discussed", "r3@example.org"),
    }


@pytest.mark.parametrize(("change", "kind"), [(kit.BAD, "kept"), (kit.GOOD, "dropped")])
def test_next_version_keeps_or_drops_it(tmp_path, change, kind):
    newer = kit.patch(1, 1, "set", change, version=2, day=3)
    newest = kit.patch(1, 1, "set", kit.GOOD, version=3, day=6)
    found = outcomes([PATCH, newer, newest], tmp_path)
    assert found[PATCH.message_id] == {(kind, newer.message_id)}


def test_version_of_somebody_else_is_none(tmp_path):
    other = kit.patch(1, 1, "set", kit.GOOD, version=2, day=3, author="Other <other@example.org>")
    assert outcomes([PATCH, other], tmp_path)[PATCH.message_id] == {("unknown", None)}


def test_revert_and_fixes_are_found_by_title(tmp_path):
    revert = replace(
        kit.patch(1, 1, "undo", kit.GOOD, day=9),
        subject='[PATCH] Revert "set: change 1"',
        author="Other <other@example.org>",
    )
    fix = kit.patch(1, 1, "mend", kit.GOOD, day=12)
    fix = replace(
        fix,
        body=fix.body.replace("Signed-off", 'Fixes: 0123456789ab ("set: change 1")\nSigned-off', 1),
    )
    found = outcomes([PATCH, revert, fix], tmp_path)
    assert found[PATCH.message_id] == {
        ("reverted", revert.message_id),
        ("fixed", fix.message_id),
    }


def test_fix_before_the_patch_is_of_another(tmp_path):
    fix = kit.patch(1, 1, "mend", kit.GOOD, day=-2)
    fix = replace(
        fix,
        body=fix.body.replace("Signed-off", 'Fixes: 0123456789ab ("set: change 1")\nSigned-off'),
    )
    assert outcomes([fix, PATCH], tmp_path)[PATCH.message_id] == {("unknown", None)}


def test_new_mail_brings_a_new_outcome(tmp_path):
    store = tmp_path / "scan.db"
    inbox = kit.epoch(tmp_path / "0.git", [PATCH])
    kit.run([inbox], store)
    kit.epoch(inbox, [reply(PATCH.message_id, "r1", "widget_put() again?\n")])
    kit.run([inbox], store)
    with Store(str(store), write=False) as opened:
        assert [row["outcome"] for row in opened.rows("SELECT * FROM finding_outcomes")] == [
            "discussed"
        ]
