"""Mails that grow with a number, each in one way that may make work grow faster."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = """From: Ada <ada@example.org>
Subject: [PATCH {number}/{total}] vfs: demo
Message-ID: <{number}@example.org>
In-Reply-To: <0@example.org>
Date: Thu, 1 Jan 2026 00:00:00 +0000

text
---
"""


def mail(diff: str, number: int = 1, total: int = 1) -> str:
    return HEAD.format(number=number, total=total) + diff


def mbox(*diffs: str) -> str:
    start = "From mboxrd@z Thu Jan  1 00:00:00 1970\n"
    total = len(diffs)
    return "\n".join(start + mail(diff, at, total) for at, diff in enumerate(diffs, 1)) + "\n"


def file(path: str, *hunks: list[str], at: int = 0, shift: int = 0) -> str:
    lines = [f"diff --git a/{path} b/{path}", f"--- a/{path}", f"+++ b/{path}"]
    for hunk in hunks:
        old = sum(line[:1] != "+" for line in hunk)
        new = sum(line[:1] != "-" for line in hunk)
        lines.append(f"@@ -{at + 1},{old} +{at + 1 + shift},{new} @@")
        lines += hunk
        at += old + 50
        shift += new - old
    return "\n".join(lines) + "\n"


def moved(at: int) -> list[str]:
    """A function whose release moves into a work item."""
    return [
        f" static int give_up_{at}(struct thing *x)",
        " {",
        f"-\tmntput(x->mnt_{at});",
        f"+\tINIT_WORK(&x->work_{at}, work_{at});",
        f"+\tqueue_work(wq, &x->work_{at});",
        " }",
        f"+static void work_{at}(struct work_struct *w)",
        "+{",
        f"+\tmntput(of(w)->mnt_{at});",
        "+}",
    ]


def body(*lines: str) -> str:
    """A function that gets ``lines``, before its release moves into a work item."""
    return mail(
        file(
            "fs/x.c",
            [
                " static int give_up(struct thing *x)",
                " {",
                *(f"+\t{line}" for text in lines for line in text.split("\n")),
                "-\tmntput(x->mnt);",
                "+\tINIT_WORK(&x->work, later);",
                "+\tqueue_work(wq, &x->work);",
                " }",
                "+static void later(struct work_struct *w)",
                "+{",
                "+\tmntput(of(w)->mnt);",
                "+}",
            ],
        )
    )


def _chain(n: int) -> str:
    lines = [*moved(0)[:-2], "+\tstep_0(w);", "+}"]
    for at in range(n):
        lines += [
            f"+static void step_{at}(struct work_struct *w)",
            "+{",
            f"+\tstep_{at + 1}(w);",
            "+}",
        ]
    return mail(
        file("fs/x.c", [*lines, f"+static void step_{n}(void *w)", "+{", "+\tmntput(w->m);", "+}"])
    )


def _fan(n: int) -> str:
    lines = [*moved(0)[:-2], "+\tstep_0(w);", "+}"]
    for at in range(n):
        lines += [f"+static void step_{at}(struct work_struct *w)", "+{"]
        lines += [f"+\tstep_{other}(w);" for other in range(n)] + ["+\tmntput(w->m);", "+}"]
    return mail(file("fs/x.c", lines))


def _edges(n: int) -> str:
    lines = [" static int give_up(struct thing *x)", " {", "-\tmntput(x->m);"]
    lines += [f"+\tINIT_WORK(&x->w, work_{at});" for at in range(n)]
    lines += ["+\tqueue_work(wq, &x->w);"] * n + [" }"]
    for at in range(n):
        lines += [f"+static void work_{at}(struct work_struct *w)", "+{", "+\tmntput(w->m);", "+}"]
    return mail(file("fs/x.c", lines))


def _one_name(n: int) -> str:
    return mail(file("fs/x.c", *[moved(0)] * n))


def _releases(n: int, call: str) -> str:
    """Steps of which each does a release of its own; ``call`` is what each calls."""
    lines = [*moved(0)[:-2], "+\tstep_0(w);", "+}"]
    for at in range(n):
        lines += [f"+static void step_{at}(struct work_struct *w)", "+{"]
        lines += [f"+\t{call.format(other)}" for other in (range(n) if "{" in call else ())]
        lines += [f"+\tstep_{at + 1}(w);", f"+\tthing_{at}_destroy(w);", "+}"]
    old = [" static int drop(struct thing *x)", " {"]
    old += [f"-\tthing_{at}_destroy(x);" for at in range(n)] + ["+\tgive_up_0(x);", " }"]
    return mail(file("fs/x.c", [*lines, *old]))


def _both_sides(n: int) -> str:
    """One function does much of one thing inline, and much of it later."""
    lines = [" static int give_up(struct thing *x)", " {"]
    for at in range(n):
        lines += [f"-\tif (x->a{at})", f"-\t\tmntput(x->m{at});"]
        lines += [f"+\tif (x->b{at})", f"+\t\tmntput(x->m{at});", f"+\tif (x->c{at})"]
        lines += [f"+\t\tcall_rcu(&x->r{at}, later_{at});"]
    lines += [" }"]
    for at in range(n):
        lines += [f"+static void later_{at}(struct rcu_head *r)", "+{", "+\tmntput(r->m);", "+}"]
    return mail(file("fs/x.c", lines))


def _waits(n: int) -> str:
    lines = moved(0)
    for at in range(n):
        lines += [f" static void stop_{at}(struct thing *x)", " {", "-\tflush_work(&x->work_0);"]
        lines += [f"+\tqueue_work(wq, &x->w{at});", f"+\tflush_work(&x->w{at});", " }"]
    return mail(file("fs/x.c", lines))


def _lists(n: int) -> str:
    lines = [" static int give_up(struct thing *x)", " {", "-\tmntput(x->mnt);"]
    lines += ["+\tllist_add(&x->node, &dead);"] * n + ["+\tschedule_work(&work);", " }"]
    lines += ["+static LLIST_HEAD(dead);"]
    for at in range(n):
        lines += [f"+static void drain_{at}(struct work_struct *w)", "+{"]
        lines += ["+\tllist_for_each_entry(x, llist_del_all(&dead), node)", "+\t\tmntput(x->mnt);"]
        lines += ["+}", f"+static DECLARE_WORK(work_{at}, drain_{at});"]
    return mail(file("fs/x.c", lines))


def _tangle(n: int) -> str:
    """Functions that call each other at random, of which one call of each becomes a start."""
    chance = random.Random(n)  # noqa: S311 - the same each time
    lines = []
    for at in range(n):
        lines += [f" static void step_{at}(struct thing *x)", " {"]
        lines += [f" \tstep_{chance.randrange(n)}(x);" for _ in range(2)]
        other = chance.randrange(n)
        lines += [f"-\tstep_{other}(x);", f"+\tINIT_WORK(&x->w{other}, step_{other});"]
        lines += [f"+\tqueue_work(wq, &x->w{other});", f" \tthing_{at}_destroy(x);", " }"]
    return mail(file("fs/x.c", lines))


def _helpers(n: int) -> str:
    """Helpers that start all they are given, called by all."""
    args = ", ".join(f"struct work_struct *w{at}" for at in range(n))
    lines = [*moved(0), f"+static void start({args})", "+{"]
    lines += [f"+\tqueue_work(wq, w{at});" for at in range(n)] + ["+}"]
    for at in range(n):
        lines += [f"+static void begin_{at}(struct thing *x)", "+{"]
        lines += [f"+\tstart({', '.join(f'&x->work_{other}' for other in range(n))});", "+}"]
    return mail(file("fs/x.c", lines))


def _namesakes(n: int, static: str) -> str:
    hunk = [line.replace(" static int", f" {static}int", 1) for line in moved(0)]
    user = [" int use(struct thing *x)", " {", "+\tx->used = true;", " \tgive_up_0(x);", " }"]
    return mail("".join(file(f"fs/x{at}.c", hunk, user) for at in range(n)))


def _spread(n: int) -> str:
    """Patches on one file, each on another place of it."""
    return mbox(*(file("fs/x.c", moved(at), at=100 * at, shift=5 * at) for at in range(n)))


def _spoken(n: int) -> str:
    """A message with a sentence and a trace for each function."""
    said = "\n".join(
        f"give_up_{at}() runs in a work item.\n give_up_{at}+0x12/0x34\n run_ksoftirqd+0x1/0x2"
        for at in range(n)
    )
    return SERIES["functions"](n).replace("text\n", said + "\n")


#: name -> the mail for a number: what a series has much of
SERIES: dict[str, Callable[[int], str]] = {
    "functions": lambda n: mail(file("fs/x.c", *map(moved, range(n)))),
    "functions of one name": _one_name,
    "files": lambda n: mail("".join(file(f"fs/x{at}.c", moved(at)) for at in range(n))),
    "patches": lambda n: mbox(*(file(f"fs/x{at}.c", moved(at)) for at in range(n))),
    "patches on one file": lambda n: mbox(*(file("fs/x.c", moved(at)) for at in range(n))),
    "hunks": lambda n: mail(
        file("fs/x.c", *([" a", f"-b{at}", f"+c{at}", " d"] for at in range(n)), moved(0))
    ),
    "nested ifs": lambda n: body(*(f"if (x->a{at}) {{" for at in range(n)), "}" * n),
    "calls": lambda n: body(*(f"call_{at}(x);" for at in range(n))),
    "a chain of calls": _chain,
    "all call all": _fan,
    "activations of one object": _edges,
    "a chain of calls, each with a release": lambda n: _releases(n, ""),
    "all call all, each with a release": lambda n: _releases(n, "step_{}(w);"),
    "patches on places of one file": _spread,
    "done now and later": _both_sides,
    "waits": _waits,
    "lists": _lists,
    "helpers that start": _helpers,
    "calls and starts at random": _tangle,
    "static namesakes": lambda n: _namesakes(n, "static "),
    "namesakes": lambda n: _namesakes(n, ""),
    "a message about all": _spoken,
    "do loops": lambda n: body(*(f"do {{ f{at}(x); }} while (x->a{at});" for at in range(n))),
    "last puts that call themselves": lambda n: body(
        *["if (refcount_dec_and_test(&x->r)) give_up(x);"] * n
    ),
    "tests in a do loop": lambda n: body("do {", *("} while (x" for _ in range(n))),
}

#: of these the number is the length of a run
RUNS: dict[str, str] = {
    "plus": "+",
    "minus": "-",
    "star": "*",
    "parenthesis": "(",
    "brace": "{",
    "bracket": "[",
    "escaped quote": '\\"',
    "quote": '"',
    "apostrophe": "'",
    "open comment": "/*",
    "open comment, blank": "/* ",
    "letter": "a",
    "underscore": "_",
    "blank": " ",
    "tab": "\t",
    "word, blank": "a ",
    "word, comma": "a,",
    "call": "a(",
    "member": "a->",
    "address": "&a->b,",
    "assignment": "a=",
    "ternary": "a?a:",
    "block": "do{",
    "statement expression": "({",
    "function": "f(){",
    "compound": "a;a=",
    "directive": "#if 1\n",
    "definition": "#define a\\\n",
    "else": "else ",
    "cast": "(a)",
    "index": "a[",
    "hash": "#",
    "backslash": "\\",
    "line end": "\n",
    "annotation": "__x ",
    "designator": ".a[",
    "argument": "=x(a",
    # in lines: a longer one is not read
    "negations in lines": "!(" * 30 + "\n",
    "addresses in lines": "&(" * 30 + "\n",
    "pointers in lines": "(*" * 30 + "\n",
    "statements in expressions in lines": "({ " * 20 + "\n",
    "loops in lines": "do{" * 20 + "\n",
}
#: those of which an error leaves only bare tokens
RUBBLE = [name for name in RUNS if name.endswith(" in lines")]


def run_in_code(run: str) -> Callable[[int], str]:
    return lambda n: body(run * (n // len(run)))


#: name -> text: what other parts of a mail have much of
PLACES: dict[str, Callable[[str, int], str]] = {
    "body": lambda run, n: HEAD.format(number=1, total=1).replace("text", run * (n // len(run))),
    "subject": lambda run, n: mail("").replace(
        "vfs: demo", (run * (n // len(run))).replace("\n", "\n ")
    ),
    "header": lambda run, n: (
        "X-Mark: " + (run * (n // len(run))).replace("\n", "\n ") + "\n" + mail("")
    ),
    "file name": lambda run, n: mail(
        file((run * (n // len(run))).replace("\n", " "), [" a", "-mntput(x);", "+queue_work(w);"])
    ),
    "hunk header": lambda run, n: mail(
        file("fs/x.c", [" a", "-mntput(x);"]).replace(
            "@@\n", "@@ " + (run * (n // len(run))).replace("\n", " ") + "\n"
        )
    ),
}
