"""The pipeline from mails to findings: series, trees, and what could not be known."""

from __future__ import annotations

import re
import subprocess
import sys
import types

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from series_kit import (
    DIRECT,
    PATH,
    QUEUED,
    TIDY,
    WITH_CALLBACK,
    diff,
    git,
    mail,
    mails,
    mbox,
    repository,
)

from patchlint.analysis.at_hand import CannotCheck, TreeAtHand
from patchlint.analysis.states import Facts
from patchlint.archive.engine import Pipeline, Settings
from patchlint.graph import losses
from patchlint.model.mail import RawMail
from patchlint.report.lookup import UNSURE, unsure
from patchlint.run import Options, check, ranges

pytestmark = pytest.mark.usefixtures("alone")
NO_TREE = Options(no_tree=True)


def report(texts, options=NO_TREE):
    found = check(["-"], options, mbox(texts).encode())
    assert found.errors == ()
    return found


def told(found):
    return [(f.rule, f.cleanup, f.function, f.patch) for f in found.findings]


LOST = ("inode-put-deferred", "iput", "lamp_close")


def test_a_lone_patch():
    found = report(mails(DIRECT, QUEUED))
    assert told(found) == [(*LOST, 1)]
    (one,) = found.findings
    assert (one.message_id, one.commit, one.path) == ("lamp-v1-1@example.org", None, PATH)
    assert QUEUED.splitlines()[one.line - 1] == "\tschedule_work(&lamp->work);"
    assert (one.level, one.before.context, one.entry_points) == ("warning", "unknown", ())
    assert [line.text.strip() for line in one.hunk if line.marked] == [
        "iput(lamp->inode);",
        "schedule_work(&lamp->work);",
    ]
    assert (found.series[0].images, found.series[0].tree) == ("hunks", None)


@pytest.mark.parametrize(
    ("states", "patch"),
    [
        ((DIRECT, WITH_CALLBACK, QUEUED), 2),
        ((DIRECT, QUEUED, TIDY), 1),
        ((DIRECT, WITH_CALLBACK, QUEUED, TIDY), 2),
    ],
)
def test_the_patch_that_brings_it_is_named(states, patch):
    found = report(mails(*states))
    assert told(found) == [(*LOST, patch)]
    assert found.findings[0].message_id == f"lamp-v1-{patch}@example.org"


#: the release, what puts it off, and the callback, each in a file of its own
SHUT = """\
#include "lamp.h"

void lamp_close(struct lamp *lamp)
{
	lamp_dark(lamp);
	iput(lamp->inode);
}
"""
ARM = """\
#include "lamp.h"

void lamp_arm(struct lamp *lamp)
{
	lamp->armed = 1;
}
"""
ARMED = ARM.replace("armed = 1;", "armed = 1;\n\tINIT_WORK(&lamp->work, lamp_gone);")
ARMED = ARMED.replace("lamp_gone);\n", "lamp_gone);\n\tschedule_work(&lamp->work);\n")
GONE = """\
void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
}
"""


def test_a_patch_is_named_that_shows_what_was_lost():
    apart = {"fs/lamp.c": SHUT, "fs/arm.c": ARM, "fs/gone.c": ""}
    cut = apart | {"fs/lamp.c": SHUT.replace("iput(lamp->inode)", "lamp_arm(lamp)")}
    late = cut | {"fs/arm.c": ARMED}
    (found,) = report(mails(apart, cut, late, late | {"fs/gone.c": GONE})).findings
    assert (found.cleanup, found.function, found.path) == ("iput", "lamp_close", "fs/lamp.c")
    assert (found.patch, found.message_id) == (1, "lamp-v1-1@example.org")
    assert [line.text.strip() for line in found.hunk if line.marked] == [
        "iput(lamp->inode);",
        "lamp_arm(lamp);",
    ]
    (step,) = [step for step in found.after.chain if step.path == "fs/arm.c"]
    assert step.note == "schedule_work() runs lamp_gone() (in patch 2)"


def test_the_first_patch_is_named_when_a_later_one_renames_the_function():
    renamed = QUEUED.replace("lamp_close", "lamp_shut")
    (found,) = report(mails(DIRECT, QUEUED, renamed)).findings
    assert (found.patch, found.function) == (1, "lamp_close")


@pytest.mark.parametrize("states", [(DIRECT, QUEUED, DIRECT), (DIRECT, QUEUED, WITH_CALLBACK)])
def test_what_a_later_patch_takes_back_is_not_said(states):
    assert told(report(mails(*states))) == []


def contradicting(text, path=PATH):
    """A second patch that stands on another text than the first one left."""
    before = {path: text}
    after = {path: text.replace("lamp_dark(lamp);", "lamp_dark_all(lamp);")}
    assert before != after
    return mail(diff(before, after), 2, 2)


OTHER = DIRECT.replace("lamp->inode", "lamp->other_inode")


def test_what_a_patch_loses_before_another_contradicts_it_is_said():
    first = mail(diff({PATH: DIRECT}, {PATH: QUEUED}), 1, 2)
    later = contradicting("#include <x.h>\n#include <y.h>\n\nint lamp_dark(lamp);\n")
    found = report([first, later])
    assert told(found) == [(*LOST, 1)]
    assert any("read afresh" in one.message for one in found.limitations)


def test_an_older_text_around_a_contradicting_change_gives_nothing_back():
    """As where the two sides of a merge are one series, or a patch is rebased alone."""
    first = mail(diff({PATH: DIRECT}, {PATH: QUEUED}), 1, 2)
    for text in (DIRECT, OTHER):
        found = report([first, contradicting(text)])
        assert told(found) == [(*LOST, 1)]


def test_what_the_contradicting_patch_gives_back_is_not_said():
    first = mail(diff({PATH: DIRECT}, {PATH: QUEUED}), 1, 2)
    late = QUEUED.replace("lamp_dark(lamp);", "lamp_dim(lamp);")
    back = OTHER.replace("lamp_dark(lamp);", "lamp_dim(lamp);").replace("other_inode", "inode")
    found = report([first, mail(diff({PATH: late}, {PATH: back}), 2, 2)])
    assert any("read afresh" in one.message for one in found.limitations)
    assert told(found) == []


def test_two_versions_of_one_patch_in_one_series_lose_once():
    first = mail(diff({PATH: DIRECT}, {PATH: QUEUED}), 1, 2)
    again = mail(diff({PATH: DIRECT}, {PATH: QUEUED}), 2, 2)
    assert [one[:3] for one in told(report([first, again]))] == [LOST]


@pytest.mark.parametrize("states", [(QUEUED, DIRECT), (DIRECT, WITH_CALLBACK), (QUEUED, TIDY)])
def test_other_directions_are_silent(states):
    assert told(report(mails(*states))) == []


@pytest.mark.parametrize(
    ("states", "compared", "levels"),
    [
        # nothing to find again
        ((QUEUED, TIDY, TIDY.replace("--", " -= 1")), [2], []),
        ((DIRECT, QUEUED, TIDY), [2, 1, 2], ["error"]),
        # a function of the series may lose what the series gave it, but not when it comes
        (('#include "lamp.h"\n', DIRECT, QUEUED), [2, 2], ["note"]),
    ],
)
def test_patches_are_compared_one_by_one_where_one_of_them_can_tell_something(
    monkeypatch, states, compared, levels
):
    seen = []
    plain = Facts.compare

    def counted(self, state, beyond=None):
        seen.append(state.upto)
        return plain(self, state, beyond)

    monkeypatch.setattr(Facts, "compare", counted)
    found = report(mails(*states), Options(no_tree=True, everything=True)).findings
    assert [one.level for one in found] == levels
    assert seen == compared


def test_a_patch_that_touches_no_function_of_the_series_is_not_compared_to_its_end(monkeypatch):
    looked = []
    plain = losses.may_be_new

    def counted(comparison, known):
        looked.append(sorted(comparison.altered))
        return plain(comparison, known)

    monkeypatch.setattr(losses, "may_be_new", counted)
    old = "int lamp_old(void)\n{\n\treturn 0;\n}\n\n"
    states = (
        old,
        old + QUEUED,
        old + QUEUED.replace("lamp_dark", "lamp_dim"),
        old.replace("0", "1") + QUEUED.replace("lamp_dark", "lamp_dim"),
    )
    found = report(mails(*states), Options(no_tree=True, everything=True))
    assert found.findings == ()
    # the first patch only adds functions, the last one changes what stood before it
    assert looked == [[(PATH, "lamp_close")]]


@pytest.mark.parametrize(
    ("heading", "levels"),
    [
        ("lamp_tick_worker(", ["warning"]),
        ("lamp_tick_level(", []),
        ("int lamp_tick_worker(struct lamp *lamp)", []),
    ],
)
def test_a_heading_of_a_hunk_may_name_a_worker_and_not_what_it_is_given(heading, levels):
    rest = "".join(f"\tlamp_step_{number}(lamp);\n" for number in range(9))
    head = "static void\nlamp_tick_worker(\n\tstruct work_struct\t*work)\n{\n"
    worker = f"{head}\tstruct lamp *lamp = lamp_of(work);\n\n{rest}}}\n\n"
    gained = worker.replace(
        "\tlamp_step_8(lamp);\n", "\tlamp_step_8(lamp);\n\tiput(lamp->inode);\n"
    )
    close = "void lamp_close(struct lamp *lamp)\n{\n\tlamp_dark(lamp);\n%s\tlamp_cold(lamp);\n}\n"
    far = "".join(f"int lamp_{number};\n" for number in range(20))
    before = worker + far + close % "\tiput(lamp->inode);\n"
    (text,) = mails(before, gained + far + close % "")
    text = re.sub(r"^(@@ .* @@)$", rf"\1 {heading}", text, count=1, flags=re.MULTILINE)
    assert [one.level for one in report([text]).findings] == levels


TABLE = """\
static struct file_system_type lamp_fs_type = {
	.name = "lamp",
	.kill_sb = %s,
};
"""
OWN = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp_sb *lamp = container_of(work, struct lamp_sb, work);

	kill_block_super(lamp->sb);
}

static void lamp_kill_sb(struct super_block *sb)
{
%s}

"""
SCHEDULED = "\tINIT_WORK(&LAMP(sb)->work, lamp_gone);\n\tschedule_work(&LAMP(sb)->work);\n"


@pytest.mark.parametrize(
    ("body", "levels"),
    [
        (SCHEDULED, ["warning"]),
        ("\tkill_block_super(sb);\n", []),
        (f"{SCHEDULED}\tflush_work(&LAMP(sb)->work);\n", []),
    ],
)
def test_a_new_function_in_a_table_is_held_against_what_stood_there(body, levels):
    before = "int lamps;\n\n" + TABLE % "kill_block_super"
    after = "int lamps;\n\n" + OWN % body + TABLE % "lamp_kill_sb"
    found = report(mails(before, after)).findings
    assert [one.level for one in found] == levels
    for one in found:
        assert (one.function, one.cleanup) == ("lamp_kill_sb", "kill_block_super")
        assert [step.function for step in one.before.chain] == ["kill_block_super"]
    # a table that did not have it before lost nothing
    assert report(mails("int lamps;\n\n", after)).findings == ()


def test_a_new_function_in_a_table_does_later_what_nobody_shows_of_the_old_one():
    table = "static const struct file_operations lamp_fops = {\n\t.release = %s,\n};\n"
    new = (
        "static void lamp_gone(struct work_struct *work)\n{\n"
        "\tsock_release(lamp_of(work)->sock);\n}\n\n"
        "static int lamp_release_soon(struct inode *inode, struct file *file)\n{\n"
        "\tschedule_work(&lamp_work);\n\treturn 0;\n}\n\n"
        "static DECLARE_WORK(lamp_work, lamp_gone);\n\n"
    )
    after = "int lamps;\n\n" + new + table % "lamp_release_soon"
    (one,) = report(mails("int lamps;\n\n" + table % "lamp_release", after)).findings
    assert (one.level, one.function, one.cleanup) == (
        "warning",
        "lamp_release_soon",
        "sock_release",
    )
    assert [step.function for step in one.before.chain] == ["lamp_release"]


def test_a_callback_in_another_file_of_another_patch_is_found():
    callback = WITH_CALLBACK.partition("void lamp_close")[0].replace("static ", "")
    close = QUEUED.partition("void lamp_close")
    close = close[1] + close[2]
    before = {"fs/lamp.c": DIRECT, "fs/gone.c": "struct lamp;\n"}
    middle = before | {"fs/gone.c": callback}
    found = report(mails(before, middle, middle | {"fs/lamp.c": close}))
    assert told(found) == [(*LOST, 2)]
    assert {step.path for step in found.findings[0].after.chain} == {"fs/lamp.c", "fs/gone.c"}


def test_the_order_of_mails_does_not_matter():
    texts = mails(DIRECT, WITH_CALLBACK, QUEUED, TIDY)
    usual, turned = report(texts), report(reversed(texts))
    assert turned.findings == usual.findings


def test_missing_patches_are_a_limitation():
    texts = mails(DIRECT, WITH_CALLBACK, QUEUED)
    found = report(texts[:1])
    assert found.series[0].missing == (2,)
    (limit,) = found.limitations
    assert limit.stage == "mail"
    assert limit.message == "patch 2 of 2 is not in the input: what it changes is not seen"


def test_what_of_a_mail_could_not_be_read_is_a_limitation():
    plain = mails(DIRECT, QUEUED)[0]
    head, _, body = plain.partition("\n\n")
    cut = (
        f"{head}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\n"
        f"--XX\nContent-Type: text/plain\n\n{body}"
    )
    found = report([cut])
    assert told(found) == [(*LOST, 1)]
    assert ["no closing boundary" in one.message for one in found.limitations] == [True]
    assert found.limitations[0].message_id == "lamp-v1-1@example.org"


def test_an_answer_that_cannot_be_read_is_no_limitation():
    answer = (
        "From: B. Other <other@example.org>\nSubject: Re: [PATCH] lamp: part 1\n"
        "Message-ID: <answer@example.org>\nIn-Reply-To: <lamp-v1-1@example.org>\n"
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\n"
        "--XX\nContent-Type: text/plain\n\nLooks good.\n"
    )
    found = report([*mails(DIRECT, QUEUED), answer])
    assert found.limitations == ()
    assert told(found) == [(*LOST, 1)]


def test_a_hunk_that_cannot_be_read_is_a_limitation_and_the_rest_is_checked():
    text = mails(DIRECT, QUEUED)[0]
    broken = "diff --git a/fs/b.c b/fs/b.c\n--- a/fs/b.c\n+++ b/fs/b.c\n@@ -1,x @@\n context\n"
    found = report([text.replace("diff --git", f"{broken}diff --git", 1)])
    assert told(found) == [(*LOST, 1)]
    assert {one.path for one in found.limitations} == {"fs/b.c"}


#: two hunks of one file at one line: an editor's work, not git's
OVERLAPPING = """\
--- a/drivers/lamp.c
+++ b/drivers/lamp.c
@@ -7,3 +7,4 @@ struct lamp {
 \tstruct file *backing;
 \tint state;
+\tstruct work_struct work;
 };
@@ -7,4 +8,4 @@ static int lamp_release(struct inode *inode, struct file *file)
 {
-\tfput(lamp->backing);
+\tschedule_work(&lamp->work);
 \treturn 0;
 }
"""


@pytest.mark.parametrize("total", [1, 2])
def test_a_hunk_that_no_image_has_is_lost(total):
    first = mail(OVERLAPPING, 1, total)
    other = mail(diff({"lib/a.c": "int a;\n"}, {"lib/a.c": "int b;\n"}), 2, 2)
    found = report([first, other][:total])
    (patch, *others) = found.series[0].patches
    assert "hunk 2 (@@ -7,4 +8,4 @@) is left out" in patch.lost
    assert patch.lost.startswith("drivers/lamp.c:7: ")
    assert [one.lost for one in others] == [""] * (total - 1)
    assert [one.stage for one in found.limitations if one.lost] == ["images"]


def test_two_versions_are_two_series():
    found = report([*mails(DIRECT, QUEUED), *mails(DIRECT, TIDY, version=2)])
    assert [s.version for s in found.series] == [1, 2]
    assert [f.series for f in found.findings] == [0, 1]


def test_one_input_that_cannot_be_read_leaves_the_rest(tmp_path):
    good = tmp_path / "good.mbox"
    good.write_text(mbox(mails(DIRECT, QUEUED)), encoding="utf-8")
    found = check([str(tmp_path / "none.mbox"), str(good)], NO_TREE)
    assert told(found) == [(*LOST, 1)]
    assert [one.input for one in found.errors] == [str(tmp_path / "none.mbox")]


@pytest.mark.parametrize(
    ("work", "levels"),
    [
        # a call of something that no table knows and that is named for no end: a limitation
        ("lamp_blink(lamp);", []),
        ("lamp->state = LAMP_DARK;", []),
        # what is named for an end, or known, is a note at least
        ("lamp_destroy_session(lamp);", ["note"]),
        ("iput(lamp->inode);", ["warning"]),
    ],
)
def test_work_that_nothing_tells_to_end_anything_is_a_limitation(work, levels):
    head = (
        "static void lamp_gone(struct work_struct *work)\n{\n"
        "\tstruct lamp *lamp = to_lamp(work);\n\n"
    )
    before = {PATH: f"void lamp_dim(struct lamp *lamp)\n{{\n\tlamp_cold(lamp);\n\t{work}\n}}\n"}
    after = {
        PATH: f"{head}\t{work}\n}}\n\nvoid lamp_dim(struct lamp *lamp)\n{{\n\tlamp_cold(lamp);\n"
        "\tINIT_WORK(&lamp->work, lamp_gone);\n\tschedule_work(&lamp->work);\n}\n"
    }
    found = report(mails(before, after))
    assert [one.level for one in found.findings] == levels
    told_ = [
        one.message for one in found.limitations if "nothing tells that it ends" in one.message
    ]
    assert bool(told_) is not bool(levels)


@pytest.mark.parametrize(
    ("helper", "head", "levels"),
    [
        ("lamp_tint", "void lamp_dim(struct lamp *lamp)", []),
        ("lamp_free", "void lamp_dim(struct lamp *lamp)", ["note"]),
        ("lamp_tint", "int lamp_close(struct inode *inode, struct file *lamp)", ["note"]),
    ],
)
def test_the_rest_of_a_helper_is_told_where_a_name_or_an_operation_says_that_it_ends(
    helper, head, levels
):
    """Of the helper the hunks show its first line alone, which the series changes."""
    rest = "".join(f"\tlamp_count += {n};\n" for n in range(20))
    body = f"static void {helper}(struct lamp *lamp)\n{{\n\tlamp_count = FIRST;\n{rest}}}\n\n"
    gone = (
        f"static void lamp_gone(struct work_struct *work)\n{{\n\t{helper}(to_lamp(work));\n}}\n\n"
    )
    queue = "INIT_WORK(&lamp->work, lamp_gone);\n\tschedule_work(&lamp->work);"
    before, after = (
        {PATH: body.replace("FIRST", first) + more + f"{head}\n{{\n\t{does}\n}}\n"}
        for first, more, does in (("1", "", f"{helper}(lamp);"), ("2", gone, queue))
    )
    found = report(mails(before, after))
    assert [one.level for one in found.findings] == levels


def test_a_release_whose_body_no_hunk_shows_all_of_keeps_its_row():
    """The series gives it another argument, in a body of which only the head is shown."""
    rest = "".join(f"\tlamp_step_{n}();\n" for n in range(20))
    kill = "void lamp_kill_sb(struct super_block *sb)\n{\n"
    before = {
        "block/bdev.c": f"void bdev_release(struct bdev_handle *handle)\n{{\n{rest}}}\n",
        "fs/lamp.c": f"{kill}\tbdev_release(sb->handle);\n}}\n",
    }
    after = {
        "block/bdev.c": before["block/bdev.c"].replace("bdev_handle *handle", "file *bdev_file"),
        "fs/lamp.c": f"{kill}\tfput(sb->bdev_file);\n}}\n",
    }
    (found,) = report(mails(before, after)).findings
    assert (found.function, found.cleanup, found.level) == (
        "lamp_kill_sb",
        "bdev_release",
        "warning",
    )


USER_SPACE = {"src/lamp.c": "void lamp_close(struct lamp *l)\n{\n\tqueue_each(l->q, dim, l);\n}\n"}


def elsewhere(options=NO_TREE):
    after = {"src/lamp.c": USER_SPACE["src/lamp.c"].replace("dim", "dark")}
    return check(["-"], options, mbox([mail(diff(USER_SPACE, after))]).encode())


def test_a_patch_for_another_project_is_not_checked_and_no_pass():
    found = elsewhere()
    assert (found.errors, len(found.series), found.findings) == ((), 1, ())
    (one,) = found.limitations
    assert "no kernel patch" in one.message
    assert unsure(found) == UNSURE


def test_a_tree_that_has_the_file_is_its_project(tmp_path):
    repository(tmp_path / "k", USER_SPACE | {"Kbuild": "obj-y += src/\n", "Kconfig": "mainmenu\n"})
    found = elsewhere(Options(tree=str(tmp_path / "k")))
    assert (found.errors, len(found.series)) == ((), 1)


def test_files_that_are_no_c_are_passed_over():
    before = {"Documentation/lamp.rst": DIRECT, "tools/lamp.py": "fput(a)\n"}
    after = {"Documentation/lamp.rst": QUEUED, "tools/lamp.py": "schedule_work(a)\n"}
    assert told(report(mails(before, after))) == []


def test_a_system_call_in_the_hunks_is_an_entry_point():
    loud = QUEUED.replace("lamp_close(lamp_of(fd))", "lamp_close(lamp_of(fd, 0))")
    (found,) = report(mails(DIRECT, loud)).findings
    assert (found.level, found.before.context) == ("error", "task")
    assert [(e.name, e.kind) for e in found.entry_points] == [("lamp_off", "syscall")]


# -- rules that are asked for --------------------------------------------------------------


def test_rules_can_be_chosen_and_left_out():
    texts = mails(DIRECT, QUEUED)
    only = Options(no_tree=True, only=("inode-put-deferred",))
    assert told(report(texts, only)) == [(*LOST, 1)]
    without = Options(no_tree=True, without=("inode-put-deferred",))
    assert "inode-put-deferred" not in {f.rule for f in report(texts, without).findings}


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [("inode-put-defered", "did you mean 'inode-put-deferred'?"), ("xyzzy", "patchlint rules")],
)
def test_a_rule_that_is_not_there_cannot_be_chosen(wanted, hint):
    with pytest.raises(CannotCheck, match="no rule") as raised:
        check(["-"], Options(no_tree=True, only=(wanted,)), b"")
    assert hint in str(raised.value)


# -- fingerprints --------------------------------------------------------------------------

QUIET = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(st.integers(1, 60), st.sampled_from(["\n", "/* a remark */\n", "\t\n"]))
def test_a_fingerprint_stays_when_lines_are_put_in_front(count, line):
    front = line * count
    (usual,) = report(mails(DIRECT, QUEUED)).findings
    (shifted,) = report(mails(front + DIRECT, front + QUEUED)).findings
    assert shifted.line == usual.line + count
    assert shifted.fingerprint == usual.fingerprint


@QUIET
@given(st.integers(2, 9), st.sampled_from(["Say it better.", "Why not?"]))
def test_a_fingerprint_stays_in_a_new_version(version, message):
    (usual,) = report(mails(DIRECT, QUEUED)).findings
    again = mails(DIRECT, WITH_CALLBACK, TIDY, version=version, message=message)
    (found,) = report(again).findings
    assert found.fingerprint == usual.fingerprint
    assert found.patch == 2


def test_a_fingerprint_tells_another_function_apart():
    (usual,) = report(mails(DIRECT, QUEUED)).findings
    other = [text.replace("lamp_close", "lamp_shut") for text in (DIRECT, QUEUED)]
    (found,) = report(mails(*other)).findings
    assert found.fingerprint != usual.fingerprint


# -- with a tree ---------------------------------------------------------------------------

CLOSE, _, CALL = DIRECT.partition("SYSCALL_DEFINE1")
CLOSE_LATE = QUEUED.partition("SYSCALL_DEFINE1")[0]
SPLIT = {
    "MAINTAINERS": "THE REST\n",
    PATH: CLOSE,
    "fs/call.c": "SYSCALL_DEFINE1" + CALL,
}
LATE = SPLIT | {PATH: CLOSE_LATE}


def test_a_tree_gives_whole_images_and_the_callers_of_other_files(tmp_path):
    tree = repository(tmp_path / "tree", SPLIT)
    texts = mails(SPLIT, LATE)
    assert [f.level for f in report(texts).findings] == ["warning"]
    found = report(texts, Options(tree=str(tree)))
    assert told(found) == [(*LOST, 1)]
    (one,) = found.findings
    assert (one.level, one.before.context) == ("error", "task")
    assert [(e.name, e.chain) for e in one.entry_points] == [
        ("lamp_off", ("lamp_off", "lamp_close"))
    ]
    assert (found.series[0].images, found.series[0].tree) == (
        "whole",
        git(tree, "rev-parse", "HEAD").strip(),
    )
    assert found.limitations == ()


TOLD_HOW = {
    "MAINTAINERS": "THE REST\n",
    "drivers/nvdimm/bus.c": """\
static void lamp_async_end(void *data, async_cookie_t cookie)
{
	device_unregister(data);
}

void nd_device_unregister(struct device *dev, enum nd_async_mode mode)
{
	switch (mode) {
	case ND_ASYNC:
		async_schedule_domain(lamp_async_end, dev, &lamp_domain);
		break;
	case ND_SYNC:
		device_unregister(dev);
		break;
	}
}
""",
    "drivers/nvdimm/lamp.c": """\
static void lamp_remove(struct device *dev)
{
	nd_device_unregister(dev, ND_SYNC);
}

static struct nd_device_driver lamp_driver = {
	.remove = lamp_remove,
};
""",
}


def test_what_a_known_release_is_told_decides_where_a_tree_has_its_body(tmp_path):
    path = "drivers/nvdimm/lamp.c"
    tree = repository(tmp_path / "tree", TOLD_HOW)
    later = {path: TOLD_HOW[path].replace("ND_SYNC", "ND_ASYNC")}
    (found,) = report(mails({path: TOLD_HOW[path]}, later), Options(tree=str(tree))).findings
    assert (found.function, found.cleanup) == ("lamp_remove", "device_unregister")
    assert found.level in ("warning", "error")
    # of what it is not told otherwise the row speaks
    other = {path: TOLD_HOW[path].replace("(dev, ND", "(dev , ND")}
    assert not report(mails({path: TOLD_HOW[path]}, other), Options(tree=str(tree))).findings
    # and without a tree nobody knows
    assert not report(mails({path: TOLD_HOW[path]}, later)).findings


def test_a_tree_is_opened_for_many_series_and_anew_when_it_met_something(tmp_path, monkeypatch):
    top = repository(tmp_path / "tree", {"MAINTAINERS": "THE REST\n", PATH: DIRECT})
    opened = []
    plain = TreeAtHand.__init__

    def counted(self, *arguments):
        opened.append(self)
        plain(self, *arguments)

    monkeypatch.setattr(TreeAtHand, "__init__", counted)
    engine = Pipeline(Settings(tree=str(top)))
    (series,) = engine.group([engine.decode(RawMail("a", mails(DIRECT, QUEUED)[0].encode()))])
    reports = [engine.check(series) for _ in range(3)]
    assert len(opened) == 1
    assert reports[0].findings
    assert reports[0] == reports[1] == reports[2]
    opened[0].remarks.append("the index is damaged")
    told = [one.limitations for one in (engine.check(series), engine.check(series))]
    assert [any("damaged" in one.message for one in each) for each in told] == [True, False]
    assert len(opened) == 2


def test_a_range_of_the_tree_is_a_series(tmp_path):
    tree = repository(tmp_path / "tree", SPLIT, SPLIT | {PATH: CLOSE + "\nint lamps;\n"}, LATE)
    found = check(["HEAD~2..HEAD"], Options(tree=str(tree)))
    assert found.errors == ()
    assert told(found) == [(*LOST, 2)]
    assert found.findings[0].commit == git(tree, "rev-parse", "HEAD").strip()
    assert [p.number for p in found.series[0].patches] == [1, 2]


def test_a_tree_that_does_not_match_is_a_limitation_and_hunks_are_put_into_it(tmp_path):
    other = SPLIT | {PATH: CLOSE.replace("lamp_dark(lamp)", "lamp_flash(lamp)")}
    tree = repository(tmp_path / "tree", other)
    found = report(mails(SPLIT, LATE), Options(tree=str(tree)))
    assert [(f.cleanup, f.function) for f in found.findings] == [("iput", "lamp_close")]
    assert found.series[0].images == "mixed"
    assert [(one.stage, one.path) for one in found.limitations] == [("images", PATH)]
    said = found.limitations[0].message
    assert "not apply; the lines around them are those of commit " in said
    # the path stands beside it
    assert PATH not in said


def test_what_only_a_tree_of_another_version_shows_is_a_note(tmp_path):
    """``lamp_pass()`` queues in a file that fits; the file of the patch takes it, or not."""
    path = "fs/lamps.c"
    helper = '#include "lamp.h"\n\n' + QUEUED.partition("SYSCALL_DEFINE1")[0].replace(
        "lamp_close(", "lamp_pass("
    )
    calls = "void lamp_off_all(struct lamp *lamp)\n{\n\tlamp_dark(lamp);\n\tCALL;\n}\n"
    now = "iput(lamp->inode)"
    before = {PATH: helper, path: calls.replace("CALL", now), "MAINTAINERS": "THE REST\n"}
    after = before | {path: calls.replace("CALL", "lamp_pass(lamp)")}
    others = before | {path: "void lamps_off(void)\n{\n\tlamp_flash_all();\n}\n"}
    text = mails(before, after)
    levels = {}
    for name, files in (("fits", before), ("other", others)):
        tree = repository(tmp_path / name, files)
        levels[name] = [
            (one.level, any("another version" in said for said in one.evidence))
            for one in report(text, Options(tree=str(tree))).findings
            if one.function == "lamp_off_all"
        ]
    assert levels == {"fits": [("warning", False)], "other": [("note", True)]}


@pytest.mark.parametrize("own", ["lamp_dark(lamp)", "lamp_flash(lamp)"])
def test_the_lines_of_a_patch_are_shown_wherever_a_tree_has_them(tmp_path, own):
    front = "".join(f"/* remark {number} of the tree */\n" for number in range(9))
    there = front + CLOSE.replace("lamp_dark(lamp)", own)
    tree = repository(tmp_path / "tree", SPLIT | {PATH: there})
    series = mails(SPLIT, LATE, LATE | {PATH: CLOSE_LATE + "\nint lamps;\n"})
    (here,) = report(series).findings
    (moved,) = report(series, Options(tree=str(tree))).findings
    assert moved.line == here.line + 9
    assert [(x.kind, x.text, x.marked) for x in moved.hunk] == [
        (x.kind, x.text, x.marked) for x in here.hunk
    ]
    assert any(x.marked and x.new == moved.line for x in moved.hunk)


REMARKS = "".join(f"/* remark {number} of the tree */\n" for number in range(9))


FAR = CLOSE.replace("\nvoid", "\n" + "".join(f"int dusk{n};\n" for n in range(30)) + "\nvoid", 1)
WORKER = WITH_CALLBACK[WITH_CALLBACK.index("static") : WITH_CALLBACK.index("void lamp_close")]


def with_work(text):
    """Defers the release; two hunks, since the worker stands far in front."""
    late = "\tINIT_WORK(&lamp->work, lamp_gone);\n\tschedule_work(&lamp->work);\n"
    text = text.replace("\tiput(lamp->inode);\n", late, 1)
    return text.replace("int dusk9;\n", f"int dusk9;\n\n{WORKER}", 1)


def counting(text):
    """Adds lines in front of all functions."""
    return text.replace("int dusk0;\n", "int dusk0;\nstatic int lamps;\nint more;\n")


def remarked(*places):
    """A tree with further lines in front of some of the patch's."""

    def write(text):
        for place in places:
            text = text.replace(place, REMARKS + place, 1)
        return text

    return write


@pytest.mark.parametrize("steps", [[with_work], [counting, with_work], [with_work, counting]])
@pytest.mark.parametrize(
    "own",
    [
        remarked(),
        remarked("#include"),
        remarked("int dusk20;"),
        remarked("#include", "int dusk5;", "int dusk20;"),
        lambda text: remarked("#include")(text).replace("lamp_dark(lamp)", "lamp_flash(lamp)"),
    ],
    ids=["same", "front", "between", "many", "unfit"],
)
def test_each_line_that_is_shown_stands_where_it_says(tmp_path, own, steps):
    states, there = [FAR], [own(FAR)]
    for step in steps:
        states.append(step(states[-1]))
        there.append(step(there[-1]))
    tree = repository(tmp_path / "tree", SPLIT | {PATH: there[0]})
    series = mails(*(SPLIT | {PATH: text} for text in states))
    (found,) = report(series, Options(tree=str(tree))).findings
    before, after = (there[number].splitlines() for number in (found.patch - 1, found.patch))
    changed = [line for line in found.hunk if line.kind != " "]
    assert {line.kind for line in changed} == {"+", "-"}
    assert all(before[line.old - 1] == line.text for line in changed if line.kind == "-")
    assert all(after[line.new - 1] == line.text for line in changed if line.kind == "+")
    assert found.line in {line.new for line in found.hunk if line.marked}
    assert after[found.line - 1] == "\tschedule_work(&lamp->work);"


def test_of_several_trees_and_revisions_the_one_that_fits_is_read(tmp_path):
    other = SPLIT | {PATH: CLOSE.replace("lamp_dark(lamp)", "lamp_flash(lamp)")}
    first = repository(tmp_path / "first", other)
    second = repository(tmp_path / "second", SPLIT)
    git(second, "tag", "v1")
    git(second, "rm", "-q", PATH)
    git(second, "commit", "-q", "-m", "gone")
    found = report(
        mails(SPLIT, LATE), Options(tree=str(first), others=(f"{second}@v1", str(second)))
    )
    assert told(found) == [(*LOST, 1)]
    assert found.series[0].images == "whole"
    assert found.limitations == ()


def test_a_folder_will_do_for_a_tree(tmp_path):
    for path, text in SPLIT.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    found = report(mails(SPLIT, LATE), Options(tree=str(tmp_path)))
    assert told(found) == [(*LOST, 1)]
    assert found.series[0].tree == str(tmp_path)


def test_a_tree_that_is_not_there_cannot_be_used(tmp_path):
    with pytest.raises(CannotCheck, match="nowhere"):
        report(mails(DIRECT, QUEUED), Options(tree=str(tmp_path / "nowhere")))


def test_a_range_that_git_does_not_know_is_an_error(tmp_path):
    tree = repository(tmp_path / "tree", SPLIT)
    found = check(["v1..v2"], Options(tree=str(tree)))
    assert found.series == ()
    assert [one.input for one in found.errors] == ["v1..v2"]


def test_nothing_of_the_tree_is_changed(tmp_path):
    tree = repository(tmp_path / "tree", SPLIT)
    report(mails(SPLIT, LATE), Options(tree=str(tree)))
    assert git(tree, "status", "--porcelain") == ""
    assert (
        subprocess.run(
            ["git", "-C", str(tree), "stash", "list"], check=True, capture_output=True
        ).stdout
        == b""
    )


def failing(name):
    def fail(*_arguments, **_options):
        raise IndexError(name)

    return fail


@pytest.mark.parametrize(
    ("place", "stage"),
    [
        ("patchlint.syntax.facts.extract", "syntax"),
        ("patchlint.graph.build.build", "graph"),
        ("patchlint.patch.images.compose", "patch"),
        ("patchlint.patch.diff.parse", "patch"),
        ("patchlint.ruleset.findings.finding", "ruleset"),
    ],
)
def test_what_a_stage_raises_is_an_error_of_its_series(monkeypatch, place, stage):
    """The real function is entered and fails within, as a fault of its own would."""
    module, _, name = place.rpartition(".")
    __import__(module)
    original = getattr(sys.modules[module], name)
    code = types.FunctionType(
        failing("gone").__code__, original.__globals__, name, None, (types.CellType("gone"),)
    )
    monkeypatch.setattr(sys.modules[module], name, code)
    found = check(["-"], NO_TREE, mbox(mails(DIRECT, QUEUED)).encode())
    assert (found.series, found.findings) == ((), ())
    (error,) = found.errors
    assert error.message == f"[PATCH] lamp: part 1: the {stage} stage failed: IndexError: gone"
    assert (error.input, error.message_id) == ("-", "lamp-v1-1@example.org")


def test_the_other_series_are_checked_when_a_stage_fails_on_one(monkeypatch):
    from patchlint.patch import diff

    real = diff.parse

    def parse(text):
        if "lamp_count" in text:
            raise IndexError("list index out of range")
        return real(text)

    monkeypatch.setattr(diff, "parse", parse)
    texts = [*mails(QUEUED, TIDY, version=2), *mails(DIRECT, QUEUED)]
    found = check(["-"], NO_TREE, mbox(texts).encode())
    assert [one.series for one in found.findings] == [0]
    assert told(found) == [(*LOST, 1)]
    assert [one.message_id for one in found.errors] == ["lamp-v2-1@example.org"]


def test_a_mail_that_cannot_be_decoded_is_an_error_and_the_rest_is_checked(monkeypatch):
    from patchlint.mail import message

    real = message.decode

    def decode(raw):
        if b"spoilt" in raw.data:
            raise KeyError("x")
        return real(raw)

    monkeypatch.setattr(message, "decode", decode)
    texts = [*mails(DIRECT, QUEUED), mail("spoilt", version=3)]
    found = check(["-"], NO_TREE, mbox(texts).encode())
    assert told(found) == [(*LOST, 1)]
    assert [one.message for one in found.errors] == ["the mail stage failed: KeyError: 'x'"]


def test_a_patch_of_which_nothing_can_be_read_is_an_error_and_the_others_are_checked():
    texts = mails(DIRECT, WITH_CALLBACK, QUEUED, TIDY)
    texts[2] = texts[2].replace(f"--- a/{PATH}", "--- ").replace(f"+++ b/{PATH}", "+++ ")
    texts[2] = texts[2].replace(f"diff --git a/{PATH} b/{PATH}\n", "")
    found = check(["-"], NO_TREE, mbox(texts).encode())
    assert told(found) == [(*LOST, 2)]
    (error,) = found.errors
    assert error.message_id == "lamp-v1-3@example.org"
    assert "its diff cannot be read: file header without a name" in error.message


def test_what_is_not_certain_of_a_series_is_a_limitation():
    one, two = mails(DIRECT, WITH_CALLBACK, QUEUED)
    found = report([one, two.replace("lamp-v1-2@", "lamp-v1-1@")])
    assert told(found) == [(*LOST, 2)]
    assert ["have the Message-ID" in one.message for one in found.limitations] == [True]


def test_a_mail_that_is_no_patch_gives_no_series():
    text = mail("").replace("[PATCH]", "").replace("---\n", "")
    found = check(["-"], NO_TREE, text.encode())
    assert (found.series, found.findings) == ((), ())
    assert [one.message for one in found.errors] == [
        "no patch to check: only 1 mail without a patch"
    ]


# -- which tree is read --------------------------------------------------------------------


def test_a_tree_inside_of_another_repository_is_read_itself(tmp_path):
    inner = "third/linux/"
    outer = repository(tmp_path / "outer", {f"{inner}{PATH}": DIRECT, "README": "all of it\n"})
    found = report(mails(DIRECT, QUEUED), Options(tree=str(outer / "third" / "linux")))
    assert told(found) == [(*LOST, 1)]
    assert (found.series[0].images, found.limitations) == ("whole", ())
    (outer / inner / PATH).write_text(QUEUED)
    git(outer, "commit", "--quiet", "--all", "--message", "lamp: queue")
    found = check(["HEAD~1.."], Options(tree=str(outer / "third" / "linux")))
    assert told(found) == [(*LOST, 1)]
    assert found.findings[0].path == PATH


def test_what_is_no_kernel_source_is_refused_with_one_line(tmp_path):
    (tmp_path / "letters").mkdir()
    with pytest.raises(CannotCheck) as refused:
        report(mails(DIRECT, QUEUED), Options(tree=str(tmp_path / "letters")))
    assert "letters: no kernel source" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_base_that_the_tree_lacks_is_a_limitation(tmp_path):
    tree = repository(tmp_path / "tree", DIRECT)
    (text,) = mails(DIRECT, QUEUED)
    text = text.replace("-- \n2.43.0", f"\nbase-commit: {'7' * 40}\n-- \n2.43.0")
    found = report([text], Options(tree=str(tree)))
    assert told(found) == [(*LOST, 1)]
    (limit,) = found.limitations
    assert (limit.stage, "lacks the base-commit 7777" in limit.message) == ("tree", True)
    base = git(tree, "rev-parse", "HEAD").strip()
    assert report([text.replace("7" * 40, base)], Options(tree=str(tree))).limitations == ()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ((2,), "2"),
        ((1, 2, 3, 5), "1-3, 5"),
        ((1, 3, 4), "1, 3-4"),
        (tuple(range(1, 100, 2)), ", ".join(str(n) for n in range(1, 40, 2))),
    ],
)
def test_missing_patches_are_told_in_runs(missing, said):
    assert ranges(missing) == said


IN_PART = """\
diff --git a/fs/lamp.c b/fs/lamp.c
index 1111111..2222222 100644
--- a/fs/lamp.c
+++ b/fs/lamp.c
@@ -20,8 +20,10 @@ static struct lamp *lamp_of(struct file *file)
 }
\x20
-static void NAME(struct lamp *lamp)
+static void NAME(struct work_struct *work)
 {
+\tstruct lamp *lamp = container_of(work, struct lamp, work);
+
 \tstruct shade *shade;
\x20
 \tlamp_for_each_shade(lamp->shades,
 \t\t\t    lamp->last,
@@ -60,6 +62,7 @@ static void lamp_put(struct lamp *lamp)
 \tif (!refcount_dec_and_test(&lamp->ref))
 \t\treturn;
\x20
-\tNAME(lamp);
+\tINIT_WORK(&lamp->work, NAME);
+\tschedule_work(&lamp->work);
 }
\x20
"""


def test_a_helper_of_which_lines_are_missing_is_told_by_its_own_name():
    """What the few lines of it show is a part of what moved."""
    (found,) = report([mail(IN_PART.replace("NAME", "__lamp_binding_free"))]).findings
    assert (found.cleanup, found.function, found.level) == (
        "__lamp_binding_free",
        "lamp_put",
        "warning",
    )
