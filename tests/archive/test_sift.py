"""A series that has a finding is never held back; many others are."""

from __future__ import annotations

import archive_kit as kit
import pytest

from patchlint.archive.engine import Pipeline, Settings
from patchlint.archive.sift import possible
from patchlint.mail.message import decode
from patchlint.model.mail import RawMail


@pytest.fixture(name="engine", scope="module")
def _engine():
    return Pipeline(Settings())


def series(engine, *diffs: str):
    posts = [kit.patch(n, len(diffs), "set", diff) for n, diff in enumerate(diffs, 1)]
    (one,) = engine.group([decode(RawMail("a", post.bytes())) for post in posts])
    return one


def may_matter(engine, one) -> bool:
    bits = 0
    for patch in one.patches:
        bits |= engine.bits(patch.diff.encode())
    return engine.may_matter(one, bits)


def git(path: str, *hunks: str, head: str = "") -> str:
    return f"diff --git a/{path} b/{path}\n{head}--- a/{path}\n+++ b/{path}\n" + "".join(hunks)


INIT = (
    "@@ -10,3 +10,4 @@ struct widget *widget_alloc(void)\n \tw = kzalloc(sizeof(*w), GFP_KERNEL);\n"
    "+\tINIT_WORK(&w->work, widget_work);\n \treturn w;\n }\n"
)

#: the body stays, its header becomes that of a callback, and a new function queues it
MOVED = git(
    "drivers/demo/widget.c",
    "@@ -30,6 +31,8 @@ struct widget {\n };\n \n-static void widget_free(struct widget *w)\n"
    "+static void widget_work(struct work_struct *work)\n {\n"
    "+\tstruct widget *w = container_of(work, struct widget, work);\n+\n"
    " \tblk_mq_free_tag_set(&w->tags);\n \tkfree(w);\n }\n",
    "@@ -50,4 +53,4 @@ static void widget_put(struct widget *w)\n {\n"
    "-\twidget_free(w);\n+\tschedule_work(&w->work);\n }\n \n",
    INIT.replace("-10,3 +10,4", "-80,3 +83,4"),
)
#: a later hunk shows a body under the name that it had before
RENAMED = git(
    "drivers/demo/widget.c",
    "@@ -30,4 +30,5 @@ struct widget {\n };\n \n-static void widget_free(struct widget *w)\n"
    "+static void widget_work(struct work_struct *work)\n {\n"
    "+\tstruct widget *w = container_of(work, struct widget, work);\n",
    "@@ -40,4 +41,12 @@ static void widget_free(struct widget *w)\n"
    " \tblk_mq_free_tag_set(&w->tags);\n \tkfree(w);\n }\n \n"
    "+static void widget_free(struct widget *w)\n+{\n"
    "+\tINIT_WORK(&w->work, widget_work);\n+\tschedule_work(&w->work);\n+}\n+\n",
)
#: a release gets a condition, the other way is deferred
LAZY = git(
    "fs/widget.c",
    "@@ -20,4 +20,9 @@ static void widget_work(struct work_struct *work)\n {\n"
    "+\tstruct widget *w = container_of(work, struct widget, work);\n+\n+\tfput(w->file);\n }\n",
    "@@ -40,3 +45,6 @@ void widget_close(struct widget *w)\n {\n"
    "+\tif (w->lazy)\n+\t\tqueue_work(widget_wq, &w->work);\n+\telse\n"
    "-\tfput(w->file);\n+\t\tfput(w->file);\n }\n",
    INIT.replace("-10,3 +10,4", "-80,3 +88,4"),
)
TWIN = git(
    "mm/widget.c",
    "@@ -10,3 +10,3 @@ static void widget_exit(struct widget *w)\n {\n"
    "-\tmmput(w->mm);\n+\tmmput_async(w->mm);\n }\n",
)
UNWAITED = git(
    "fs/widget.c",
    "@@ -10,5 +10,5 @@ static void widget_work(struct work_struct *work)\n {\n"
    " \tstruct widget *w = container_of(work, struct widget, work);\n \n \tfput(w->file);\n }\n",
    "@@ -30,4 +30,3 @@ int widget_close(struct widget *w)\n \tqueue_work(widget_wq, &w->work);\n"
    "-\tflush_work(&w->work);\n \treturn 0;\n }\n",
    "@@ -60,3 +59,3 @@ struct widget *widget_alloc(void)\n"
    " \tINIT_WORK(&w->work, widget_work);\n-\treturn w;\n+\treturn  w;\n }\n",
)


@pytest.mark.parametrize("diff", [MOVED, RENAMED, LAZY, TWIN, UNWAITED])
def test_what_the_check_finds_the_sketch_lets_through(engine, diff):
    one = series(engine, diff)
    assert engine.check(one).findings
    assert engine.possible(engine.bits(diff.encode()))
    assert may_matter(engine, one)


def test_binding_and_queueing_in_two_patches_are_one_series(engine):
    hunks = LAZY.split("@@ -80,3")
    first = hunks[0]
    second = git("fs/widget.c", "@@ -80,3" + hunks[1])
    one = series(engine, first, second)
    assert engine.check(one).findings
    assert may_matter(engine, one)
    assert possible(engine.bits(first.encode()) | engine.bits(second.encode()))
    assert not may_matter(engine, series(engine, second))


@pytest.mark.parametrize("spelt", ["{}(w);", "{} (w);", "!{}\n+\t(w);", "x({}((y)z));"])
def test_a_call_is_a_name_before_a_bracket(engine, spelt):
    named = "@@ -1 +1 @@\n+\t" + spelt.format("schedule_work")
    assert engine.bits(named.encode()) == engine.bits(b"@@ -1 +1 @@\n+\tschedule_work(w);") > 0
    assert not engine.bits(b"schedule_work(w)\n@@ -1 +1 @@\n+\t/* schedule_work */\n")


def queued(path: str, callback: str) -> str:
    return git(
        path,
        f"@@ -1,3 +1,8 @@ static void {callback}(struct work_struct *work)\n {{\n"
        "+\tstruct widget *w = container_of(work, struct widget, work);\n+\tfput(w->file);\n }\n",
        "@@ -20,3 +25,5 @@ void widget_start(struct widget *w)\n {\n"
        f"+\tINIT_WORK(&w->work, {callback});\n+\tqueue_work(widget_wq, &w->work);\n }}\n",
    )


@pytest.mark.parametrize(
    "diff",
    [
        # nothing was released before
        queued("fs/widget.c", "widget_work"),
        # what was released is not what is released later
        queued("fs/widget.c", "widget_work")
        + git("fs/gadget.c", "@@ -1,3 +1,2 @@ void gadget(void)\n {\n-\tiput(inode);\n }\n"),
        # a driver that the series brings had no promise to keep
        git(
            "fs/new.c",
            "@@ -0,0 +1,4 @@\n+static void new_work(struct work_struct *work)\n+{\n"
            "+\tfput(container_of(work, struct new, work)->file);\n+}\n",
            "@@ -0,0 +9,5 @@\n+void new_start(struct new *n)\n+{\n"
            "+\tINIT_WORK(&n->work, new_work);\n+\tqueue_work(wq, &n->work);\n+}\n",
            head="new file mode 100644\nindex 0000000..1111111\n",
        ).replace("--- a/fs/new.c", "--- /dev/null"),
        # words in what is no C
        MOVED.replace("widget.c", "widget.txt"),
        # the words in a comment
        git(
            "fs/widget.c",
            "@@ -1,2 +1,4 @@ void widget_close(struct widget *w)\n \tfput(w->file);\n"
            "+\t * queue_work(wq, INIT_WORK(&w->work, widget_close));\n",
        ),
    ],
)
def test_what_cannot_be_a_finding_is_held_back(engine, diff):
    one = series(engine, diff)
    assert not engine.check(one).findings
    assert not may_matter(engine, one)
