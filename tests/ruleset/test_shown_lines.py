"""Which lines of a patch a finding shows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from patchlint.model.effect import Act, Downgrade, Promise
from patchlint.patch.diff import parse
from patchlint.ruleset.quotes import Diffs


def test_of_many_lines_the_one_that_the_finding_is_named_by_is_kept():
    gone = "".join(f"-\tput{n}();\n" for n in range(20))
    text = f"--- a/f.c\n+++ b/f.c\n@@ -1,22 +1,3 @@\n void f(void)\n{gone}+\tqueue();\n {{\n"
    downgrade = SimpleNamespace(
        path="f.c", home=None, side="post", line=2, leading=(), lost=tuple(range(2, 22))
    )
    lines = Diffs(parse(text).files).shown(downgrade)
    assert len(lines) == 12
    assert (lines[-1].text, lines[-1].new, lines[-1].marked) == ("\tqueue();", 2, True)


#: a call of a helper that stood there queues, behind a flag that the patch turns
TURNED = """\
--- a/lamp.c
+++ b/lamp.c
@@ -10,4 +10,4 @@ void lamp_close(struct lamp *lamp)
 \tlamp_dim(lamp);
-\tlamp_end(lamp, true);
+\tlamp_end(lamp, lamp->slow);
 \tlamp_log(lamp);
 }
"""
LOST = Downgrade(
    shape="deferred",
    cleanup="iput",
    family="inode",
    also=(),
    function="lamp_close",
    path="helper.c",
    line=99,
    side="post",
    patch=1,
    before=Promise("task", "before-call-returns", ()),
    after=Promise("workqueue", "eventually", ()),
    condition=None,
    level_cap="warning",
    confidence="high",
    reasons=(),
    what=Act("call", "iput"),
    home="lamp.c",
)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        # what leads there now, else what went
        ({"leading": (11,), "lost": (11,)}, ("lamp.c", 11, "post")),
        ({"leading": (10,), "lost": (11,)}, ("lamp.c", 11, "pre")),
        # nothing of it is changed
        ({"leading": (12,), "lost": (12,)}, ("helper.c", 99, "post")),
        # the deferral itself is
        ({"path": "lamp.c", "line": 11, "lost": (11,)}, ("lamp.c", 11, "post")),
    ],
)
def test_a_finding_stands_at_a_line_that_the_patch_changes(change, place):
    known = {name: change.get(name, getattr(LOST, name)) for name in LOST.__struct_fields__}
    found = Diffs(parse(TURNED).files).placed(Downgrade(**known))
    assert (found.path, found.line, found.side) == place
    assert found.cleanup == "iput"


#: the release went from one file, what queues came into another
TWO_FILES = """\
--- a/helper.c
+++ b/helper.c
@@ -98,2 +98,3 @@ void lamp_later(struct lamp *lamp)
 \tlamp_dim(lamp);
+\tqueue_work(lamp_wq, &lamp->work);
 }
--- a/lamp.c
+++ b/lamp.c
@@ -10,4 +10,4 @@ void lamp_close(struct lamp *lamp)
 \tlamp_dim(lamp);
-\tiput(lamp->inode);
+\tlamp_later(lamp);
 \tlamp_log(lamp);
 }
"""


def test_a_release_that_went_from_another_file_is_shown_with_its_file():
    lines = Diffs(parse(TWO_FILES).files).shown(replace(LOST, lost=(11,), leading=(11,)))
    assert [(one.kind, one.text, one.path) for one in lines if one.marked] == [
        ("+", "\tqueue_work(lamp_wq, &lamp->work);", ""),
        ("-", "\tiput(lamp->inode);", "lamp.c"),
        ("+", "\tlamp_later(lamp);", "lamp.c"),
    ]
    assert all(one.marked for one in lines if one.path)


def test_a_function_that_came_into_a_table_is_named_by_that_line():
    table = (
        "--- a/lamp.c\n+++ b/lamp.c\n@@ -5,3 +5,3 @@ static const struct ops lamp_ops = {\n"
        " \t.open = lamp_open,\n-\t.cleanup = lamp_calm,\n+\t.cleanup = lamp_gone,\n };\n"
    )
    after = Promise("workqueue", "eventually", (), callback="lamp_gone")
    lost = replace(LOST, path="lamp.c", line=30, after=after)
    placed = Diffs(parse(table).files).placed(lost)
    assert (placed.path, placed.line, placed.side) == ("lamp.c", 6, "post")
