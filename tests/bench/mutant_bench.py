"""Moves releases of a kernel tree in ways whose verdict is known, and counts what is told.

    python tests/bench/mutant_bench.py TREE [--seed N] [--count N] [--folders fs,net]
                                            [--contexts 1,3,10,60] [--styles a,b] [--verbose]

Each mutant takes one statement of a function that a task runs by what its file shows (an
operation behind which user space waits, the end of a module, or called by such a function
alone), and writes the code around it in one of :data:`STYLES`: how it stands before, and how
after.  A style is named ``quiet ...`` where nothing is lost.  What varies besides is taken from
the tree: where it stands, what is around, how long it is.
"""

from __future__ import annotations

import argparse
import difflib
import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from patchlint.analysis.series import analyse
from patchlint.model.mail import Patch, Series
from patchlint.patch.diff import parse
from patchlint.ruleset.load import load
from patchlint.syntax.facts import extract_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from patchlint.model.effect import Downgrade
    from patchlint.model.facts import Call, FileFacts, Function

RULES = load()
KERNEL = RULES.kernel
#: what is released, by the one argument of the release
TYPES = {
    "fput": "file", "iput": "inode", "dput": "dentry", "mntput": "vfsmount", "mmput": "mm_struct",
    "sock_release": "socket", "del_gendisk": "gendisk", "put_disk": "gendisk",
    "device_unregister": "device", "device_del": "device", "put_device": "device",
    "cdev_del": "cdev", "misc_deregister": "miscdevice", "unregister_netdev": "net_device",
    "input_unregister_device": "input_dev", "video_unregister_device": "video_device",
    "kobject_put": "kobject", "module_put": "module", "path_put": "path",
    "debugfs_remove_recursive": "dentry", "deactivate_super": "super_block",
    "kern_unmount": "vfsmount", "platform_device_unregister": "platform_device",
}  # fmt: skip
_WAITS = re.compile(r"\b(?:wait_|flush_|drain_|synchronize_|destroy_workqueue|cancel_)\w*\(")
_TAKES = re.compile(r"\b(?:get_\w+|\w+_get|igrab|dget|fget|sock_hold|mntget)\(")


class Site(Struct, frozen=True):
    """A statement that may be moved: in which file, in which function, what it says."""

    path: str
    lines: tuple[str, ...]
    function: Function
    call: Call
    #: type and name for what is made up around it
    kind: str
    name: str

    @property
    def release(self) -> str:
        return self.call.callee

    @property
    def arg(self) -> str:
        return self.call.args[0]

    def text(self, above: str = "", site: str | None = None, below: str = "", top: str = "") -> str:
        """The file with code above the function, below it, and another statement."""
        lines = list(self.lines)
        at = self.call.line - 1
        indent = re.match(r"\s*", lines[at])[0]
        if site is not None:
            lines[at] = "\n".join(indent + one for one in site.split("\n"))
        first = self.function.line - 1
        while first and lines[first - 1].strip() and not re.match(r"[}#]|\s*\*/", lines[first - 1]):
            first -= 1
        last = self.function.end
        parts = [*lines[:first], *above.splitlines(), *lines[first:last], *below.splitlines()]
        parts += lines[last:]
        if top:
            under = max(n for n, one in enumerate(parts[:first]) if one.startswith("#include"))
            parts[under + 1 : under + 1] = top.splitlines()
        return "\n".join(parts) + "\n"


# -- pieces ------------------------------------------------------------------------------------


def worker(s: Site, does: str, item: str = "item") -> str:
    return (
        f"struct {s.name}_{item} {{\n\tstruct work_struct work;\n\tstruct {s.kind} *obj;\n}};\n\n"
        f"static void {s.name}_{item}_fn(struct work_struct *work)\n{{\n"
        f"\tstruct {s.name}_{item} *p = container_of(work, struct {s.name}_{item}, work);\n\n"
        f"\t{does}(p->obj);\n\tkfree(p);\n}}\n\n"
    )


def starter(s: Site, name: str, item: str = "item", *, static: str = "static ") -> str:
    return (
        f"{static}void {name}(struct {s.kind} *obj)\n{{\n"
        f"\tstruct {s.name}_{item} *p = kmalloc(sizeof(*p), GFP_KERNEL | __GFP_NOFAIL);\n\n"
        f"\tp->obj = obj;\n\tINIT_WORK(&p->work, {s.name}_{item}_fn);\n"
        f"\tqueue_work(system_unbound_wq, &p->work);\n}}\n\n"
    )


def doer(s: Site, name: str, *more: str) -> str:
    lines = "".join(f"\t{line}\n" for line in (*more, f"{s.release}(obj);"))
    return f"static void {name}(struct {s.kind} *obj)\n{{\n{lines}}}\n\n"


States = list[dict[str, str]]
STYLES: dict[str, Callable[[Site], States]] = {}
#: lines of context without which a patch does not tell what was there before
NEEDS: dict[str, int] = {}


def style(
    name: str, needs: int = 0
) -> Callable[[Callable[[Site], States]], Callable[[Site], States]]:
    def keep(function: Callable[[Site], States]) -> Callable[[Site], States]:
        STYLES[name] = function
        NEEDS[name] = needs
        return function

    return keep


def states(s: Site, *texts: str) -> States:
    return [{s.path: text} for text in texts]


# -- styles ------------------------------------------------------------------------------------


@style("own teardown")
def own_teardown(s: Site) -> States:
    """A function of the driver's own, without a row, goes to a worker; its body is shown or not."""
    end = doer(s, f"{s.name}_teardown", "might_sleep();")
    call = f"{s.name}_teardown({s.arg});"
    later = worker(s, f"{s.name}_teardown") + starter(s, f"{s.name}_end")
    return states(s, s.text(end, call), s.text(end + later, f"{s.name}_end({s.arg});"))


@style("own plain name")
def own_plain(s: Site) -> States:
    """The same without a telling name."""
    end = doer(s, f"{s.name}_zap", "might_sleep();")
    later = worker(s, f"{s.name}_zap") + starter(s, f"{s.name}_zip")
    return states(
        s, s.text(end, f"{s.name}_zap({s.arg});"), s.text(end + later, f"{s.name}_zip({s.arg});")
    )


def _table(s: Site, which: str) -> str:
    return f"static const struct {s.name}_ops {s.name}_ops = {{\n\t.end = {which},\n}};\n\n"


def _ops(s: Site) -> str:
    return f"struct {s.name}_ops {{\n\tvoid (*end)(struct {s.kind} *obj);\n}};\n\n"


@style("table of operations")
def table(s: Site) -> States:
    """The function behind an operation of the driver's own is exchanged."""
    now, soon = f"{s.name}_end_now", f"{s.name}_end_soon"
    call = f"{s.name}_ops.end({s.arg});"
    return states(
        s,
        s.text(_ops(s) + doer(s, now) + _table(s, now), call),
        s.text(_ops(s) + worker(s, s.release) + starter(s, soon) + _table(s, soon), call),
    )


@style("operation that stays")
def slot_body(s: Site) -> States:
    """The function behind an operation keeps its name and puts its work off."""
    name = f"{s.name}_end"
    call = f"{s.name}_ops.end({s.arg});"
    return states(
        s,
        s.text(_ops(s) + doer(s, name) + _table(s, name), call),
        s.text(_ops(s) + worker(s, s.release) + starter(s, name) + _table(s, name), call),
    )


def _choice(s: Site, name: str) -> str:
    return (
        f"static void {name}(struct {s.kind} *obj, bool wait)\n{{\n"
        f"\tif (!wait) {{\n\t\t{s.name}_soon(obj);\n\t\treturn;\n\t}}\n\t{s.release}(obj);\n}}\n\n"
    )


@style("parameter")
def parameter(s: Site) -> States:
    """A helper gets a parameter, and its caller does not wait."""
    name = f"{s.name}_end"
    new = worker(s, s.release) + starter(s, f"{s.name}_soon") + _choice(s, name)
    return states(
        s, s.text(doer(s, name), f"{name}({s.arg});"), s.text(new, f"{name}({s.arg}, false);")
    )


@style("quiet parameter")
def parameter_waits(s: Site) -> States:
    """The same, and its caller waits; another one does not."""
    name = f"{s.name}_end"
    new = worker(s, s.release) + starter(s, f"{s.name}_soon") + _choice(s, name)
    new += f"void {s.name}_other(struct {s.kind} *obj)\n{{\n\t{name}(obj, false);\n}}\n\n"
    return states(
        s, s.text(doer(s, name), f"{name}({s.arg});"), s.text(new, f"{name}({s.arg}, true);")
    )


@style("function as parameter")
def function_parameter(s: Site) -> States:
    """What a helper is to call is another function."""
    run = (
        f"static void {s.name}_run(void (*fn)(struct {s.kind} *), struct {s.kind} *obj)\n{{\n"
        "\tfn(obj);\n}\n\n"
    )
    now, soon = f"{s.name}_now", f"{s.name}_soon"
    later = worker(s, s.release) + starter(s, soon)
    return states(
        s,
        s.text(run + doer(s, now), f"{s.name}_run({now}, {s.arg});"),
        s.text(run + later, f"{s.name}_run({soon}, {s.arg});"),
    )


def _other_file(s: Site, code: str) -> dict[str, str]:
    path = str(Path(s.path).with_name(f"{s.name}_late.c"))
    return {path: f"#include <linux/workqueue.h>\n#include <linux/slab.h>\n\n{code}"}


@style("another file")
def another_file(s: Site) -> States:
    """The deferral stands in a new file."""
    name = f"{s.name}_end"
    head = f"void {name}(struct {s.kind} *obj);\n"
    code = worker(s, s.release) + starter(s, name, static="")
    return [
        {s.path: s.text()},
        {s.path: s.text(site=f"{name}({s.arg});", top=head)} | _other_file(s, code),
    ]


@style("quiet another file")
def another_file_now(s: Site) -> States:
    """A helper that releases at once goes to a new file; a worker there does something else."""
    name = f"{s.name}_end"
    head = f"void {name}(struct {s.kind} *obj);\n"
    code = (
        f"static void {s.name}_count_fn(struct work_struct *work)\n{{\n"
        '\tpr_debug("one more\\n");\n}\n'
        f"static DECLARE_WORK({s.name}_count, {s.name}_count_fn);\n\n"
        f"void {name}(struct {s.kind} *obj)\n{{\n\t{s.release}(obj);\n"
        f"\tschedule_work(&{s.name}_count);\n}}\n"
    )
    return [
        {s.path: s.text(doer(s, name), f"{name}({s.arg});")},
        {s.path: s.text(site=f"{name}({s.arg});", top=head)} | _other_file(s, code),
    ]


@style("moved, then put off")
def moved_first(s: Site) -> States:
    """One patch moves the helper to a new file, the next one puts it off there."""
    name = f"{s.name}_end"
    head = f"void {name}(struct {s.kind} *obj);\n"
    site = s.text(site=f"{name}({s.arg});", top=head)
    now = doer(s, name).removeprefix("static ")
    later = worker(s, s.release) + starter(s, name, static="")
    return [
        {s.path: s.text(doer(s, name), f"{name}({s.arg});")},
        {s.path: site} | _other_file(s, now),
        {s.path: site} | _other_file(s, later),
    ]


@style("last reference")
def last_reference(s: Site) -> States:
    """What is done with the last reference goes to a worker."""
    box = (
        f"struct {s.name}_box {{\n\tstruct kref ref;\n\tstruct work_struct work;\n"
        f"\tstruct {s.kind} *obj;\n}};\n\n"
    )
    of = f"struct {s.name}_box *box = container_of({{}}, struct {s.name}_box, {{}});\n\n"
    free = f"static void {s.name}_box_free(struct kref *ref)\n{{\n\t" + of.format("ref", "ref")
    done = f"\t{s.release}(box->obj);\n\tkfree(box);\n}}\n\n"
    fn = f"static void {s.name}_box_fn(struct work_struct *work)\n{{\n\t" + of.format(
        "work", "work"
    )
    soon = f"\tINIT_WORK(&box->work, {s.name}_box_fn);\n\tschedule_work(&box->work);\n}}\n\n"
    put = (
        f"static void {s.name}_box_put(struct {s.name}_box *box)\n{{\n"
        f"\tkref_put(&box->ref, {s.name}_box_free);\n}}\n\n"
    )
    call = f"{s.name}_box_put({s.arg});"
    return states(
        s, s.text(box + free + done + put, call), s.text(box + fn + done + free + soon + put, call)
    )


@style("condition that goes", needs=60)
def widened(s: Site, name: str = "soon") -> States:
    """It was put off for some, and is for all."""
    code = worker(s, s.release) + starter(s, f"{s.name}_{name}")
    some = f"if ({s.name}_lazy)\n\t{s.name}_{name}({s.arg});\nelse\n\t{s.release}({s.arg});"
    flag = f"static bool {s.name}_lazy;\n\n"
    return states(s, s.text(flag + code, some), s.text(flag + code, f"{s.name}_{name}({s.arg});"))


@style("condition that goes, told by name")
def widened_by_name(s: Site) -> States:
    """The same, and few lines show what the helper does: its name does."""
    return widened(s, "put_later")


@style("quiet condition that comes")
def lessened(s: Site) -> States:
    return widened(s)[::-1]


def _flushed(s: Site, *, waits: bool) -> str:
    wait = "\tflush_work(&p->work);\n" if waits else ""
    code = worker(s, s.release).replace("\tkfree(p);\n", "")
    return s.text(
        code + starter(s, f"{s.name}_end").replace("&p->work);\n}", f"&p->work);\n{wait}}}"),
        f"{s.name}_end({s.arg});",
    )


@style("wait that goes", needs=60)
def lost_wait(s: Site) -> States:
    return states(s, _flushed(s, waits=True), _flushed(s, waits=False))


@style("quiet wait that comes")
def new_wait(s: Site) -> States:
    return lost_wait(s)[::-1]


@style("quiet one worker for another")
def other_worker(s: Site) -> States:
    """It ran in one worker and runs in another."""
    one, two = (
        worker(s, s.release, item) + starter(s, f"{s.name}_{item}_end", item)
        for item in ("item", "entry")
    )
    return states(
        s,
        s.text(one, f"{s.name}_item_end({s.arg});"),
        s.text(two, f"{s.name}_entry_end({s.arg});"),
    )


@style("quiet inlined")
def inlined(s: Site) -> States:
    """A helper goes away beside a worker that stays."""
    code = worker(s, "pr_release")
    return states(
        s, s.text(code + doer(s, f"{s.name}_end"), f"{s.name}_end({s.arg});"), s.text(code)
    )


@style("quiet renamed")
def renamed(s: Site) -> States:
    """A helper that puts off is called otherwise, and its work item as well."""
    old = s.text(worker(s, s.release) + starter(s, f"{s.name}_end"), f"{s.name}_end({s.arg});")
    return states(
        s, old, old.replace(f"{s.name}_item", f"{s.name}_entry").replace("_end(", "_finish(")
    )


# -- sites -------------------------------------------------------------------------------------


def tasks(facts: FileFacts) -> set[str]:
    """Functions of a file that tasks run, by operations and the end of the module."""
    found = {
        entry.value.lstrip("&")
        for entry in facts.initializers
        if any(e.reaches_user for e in KERNEL.entries_of(entry.struct, entry.member))
    }
    found |= {macro.args[0] for macro in facts.macros if macro.name == "module_exit"}
    callers: dict[str, set[str]] = {}
    for function in facts.functions:
        for call in function.calls:
            callers.setdefault(call.callee, set()).add(function.name)
    taken = {entry.value.lstrip("&") for entry in facts.initializers}
    taken |= {arg for f in facts.functions for c in f.calls for arg in c.args}
    for function in facts.functions:
        by = callers.get(function.name)
        if function.static and by and by <= found and function.name not in taken:
            found.add(function.name)
    return found


def sites(tree: Path, folders: list[str], rng: random.Random) -> Iterator[Site]:
    word = re.compile(rf"\b(?:{'|'.join(TYPES)})\(")
    files = sorted(path for folder in folders for path in (tree / folder).rglob("*.c"))
    rng.shuffle(files)
    for path in files:
        text = path.read_text(errors="replace")
        if len(text) > 300_000 or not word.search(text):
            continue
        facts = extract_text(str(path), text.encode(), KERNEL.macros)
        lines = tuple(text.split("\n"))
        run = tasks(facts)
        for function in facts.functions:
            if function.name not in run:
                continue
            body = "\n".join(lines[function.line - 1 : function.end])
            if _WAITS.search(body) or _TAKES.search(body):
                continue
            for call in function.calls:
                line = lines[call.line - 1].strip()
                if (
                    call.callee in TYPES
                    and call.statement
                    and len(call.args) == 1
                    and line == f"{call.callee}({call.args[0]});"
                    and call.label is None
                    and not call.conditions
                ):
                    base = re.sub(r"^_+", "", function.name)
                    name = rng.choice([base, f"xq_{base}", base.rsplit("_", 1)[0] + "_zz"])
                    where = str(path.relative_to(tree))
                    yield Site(where, lines, function, call, TYPES[call.callee], name)
                    break


# -- patches -----------------------------------------------------------------------------------


def diff(path: str, old: str | None, new: str, context: int) -> str:
    before = (old or "").splitlines(keepends=True)
    said = []
    for line in list(difflib.unified_diff(before, new.splitlines(keepends=True), n=context))[2:]:
        found = re.match(r"@@ -(\d+)", line)
        if found is None:
            said.append(line)
            continue
        heads = (
            one
            for one in reversed(before[: max(0, int(found[1]) - 1)])
            if re.match(r"[A-Za-z_]", one) and not one.rstrip().endswith(":")
        )
        said.append(f"{line.rstrip()} {next(heads, '').rstrip()[:80]}\n")
    if not said:
        return ""
    start = "--- /dev/null" if old is None else f"--- a/{path}"
    new_file = "new file mode 100644\n" if old is None else ""
    return f"diff --git a/{path} b/{path}\n{new_file}{start}\n+++ b/{path}\n" + "".join(said)


def found(steps: States, context: int) -> tuple[Downgrade, ...]:
    texts = [
        "".join(diff(path, old.get(path), text, context) for path, text in new.items())
        for old, new in pairwise(steps)
    ]
    patches = tuple(
        Patch(n, f"{n}@x", None, f"part {n}", "A", None, "Say why.", text, "mail")
        for n, text in enumerate(texts, 1)
    )
    series = Series("mutant", 1, patches, len(patches), ())
    return analyse(series, {p.number: parse(p.diff).files for p in patches}, RULES).downgrades


def main() -> None:
    """Make mutants, check them, count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--folders", default="fs,net,drivers,block,sound,kernel")
    parser.add_argument("--contexts", default="1,3,10,60")
    parser.add_argument("--styles", default="")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311
    contexts = [int(one) for one in options.contexts.split(",")]
    chosen = [n for n in STYLES if not options.styles or n in options.styles.split(",")]
    counts: Counter[tuple[str, bool]] = Counter()
    for number, site in enumerate(sites(options.tree, options.folders.split(","), rng)):
        if number >= options.count:
            break
        name = chosen[number % len(chosen)]
        if "wait" in name and KERNEL.cleanups[site.release].kind in ("ctx", "wrap"):
            # what puts itself off in a worker is not done when that is waited for
            continue
        context = max(NEEDS[name], contexts[(number // len(chosen)) % len(contexts)])
        told = found(STYLES[name](site), context)
        right = any(one.level_cap != "note" for one in told) != name.startswith("quiet")
        counts[name, right] += 1
        if options.verbose and not right:
            said = [
                (one.level_cap, one.function, one.cleanup, [why.said for why in one.reasons])
                for one in told
            ]
            print(
                f"{name} -U{context} {site.release}() in {site.function.name}() {site.path}: {said}"
            )
    for name in chosen:
        good, bad = counts[name, True], counts[name, False]
        print(f"{name:32} {good}/{good + bad}")


if __name__ == "__main__":
    main()
