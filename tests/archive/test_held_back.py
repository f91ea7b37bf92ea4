"""A series that has a finding is never held back; many others are."""

from __future__ import annotations

import archive_kit as kit
import pytest

from patchlint.archive.engine import Pipeline, Settings
from patchlint.mail.message import decode
from patchlint.model.mail import RawMail
from patchlint.ruleset.prefilter import possible


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
    " \tstruct widget *w = container_of(work, struct widget, work);\n \n"
    " \tdevice_unregister(w->dev);\n }\n",
    "@@ -30,4 +30,3 @@ int widget_close(struct widget *w)\n \tqueue_work(widget_wq, &w->work);\n"
    "-\tflush_work(&w->work);\n \treturn 0;\n }\n",
    "@@ -60,3 +59,3 @@ struct widget *widget_alloc(void)\n"
    " \tINIT_WORK(&w->work, widget_work);\n-\treturn w;\n+\treturn  w;\n }\n",
)


@pytest.mark.parametrize("diff", [MOVED, RENAMED, LAZY, TWIN, UNWAITED])
def test_what_the_check_finds_is_let_through(engine, diff):
    one = series(engine, diff)
    assert engine.check(one).findings
    assert engine.possible(engine.bits(diff.encode()))
    assert may_matter(engine, one)


def test_a_release_and_the_function_that_takes_it_over_in_two_patches_are_one_series(engine):
    first = git(
        "fs/widget.c",
        "@@ -40,3 +40,2 @@ void widget_close(struct widget *w)\n {\n-\tfput(w->file);\n }\n",
    )
    second = git(
        "fs/widget.c",
        "@@ -90,3 +89,3 @@ static irqreturn_t widget_isr(int irq, void *data)\n {\n"
        "-\treturn  IRQ_HANDLED;\n+\treturn IRQ_HANDLED;\n }\n",
    )
    assert may_matter(engine, series(engine, first, second))
    assert possible(engine.bits(first.encode()) | engine.bits(second.encode()))
    assert not may_matter(engine, series(engine, first))
    assert not may_matter(engine, series(engine, second))


@pytest.mark.parametrize(
    "diff",
    [
        git(
            "fs/widget.c", "@@ -1,2 +1,1 @@ void widget_close(struct w *w)\n-\tfput(w->file);\n }\n"
        ),
        git("fs/widget.c", "@@ -1,2 +1,2 @@ void widget(struct w *w)\n-\ta(w);\n+\tb(w);\n }\n"),
        "queue_work(wq, INIT_WORK(&w->work, widget_close));\n"
        + git("fs/widget.c", "@@ -1,2 +1,2 @@ void widget(struct w *w)\n-\ta(w);\n+\tb(w);\n }\n"),
    ],
)
def test_what_cannot_be_a_finding_is_held_back(engine, diff):
    one = series(engine, diff)
    assert not engine.check(one).findings
    assert not may_matter(engine, one)


def test_the_words_of_rules_of_ones_own_are_let_through(tmp_path):
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel" / "mechanisms.toml").write_text(
        """\
[[activation]]
name = "widget_kick"
object = 0
context = "workqueue"
guarantee = "eventually"
mechanism = "workqueue"
file = "fs/widget.c"
evidence = "our own"
"""
    )
    diff = "@@ -1,2 +1,2 @@ void widget(struct w *w)\n-\ta(w);\n+\twidget_kick(w);\n }\n"
    own = Pipeline(Settings(rules=(str(tmp_path),)))
    assert possible(own.bits(diff.encode()))
    assert not possible(Pipeline(Settings()).bits(diff.encode()))


def test_without_filters_every_series_is_checked(monkeypatch):
    import patchlint.run

    checked = []
    usual = patchlint.run.analyse

    def counted(*arguments):
        checked.append(arguments)
        return usual(*arguments)

    monkeypatch.setattr(patchlint.run, "analyse", counted)
    diff = "@@ -1,2 +1,2 @@ void widget(struct w *w)\n-\ta(w);\n+\tb(w);\n }\n"
    for everything in (False, True):
        engine = Pipeline(Settings(everything=everything))
        engine.check(series(engine, git("fs/widget.c", diff)))
    assert len(checked) == 1
