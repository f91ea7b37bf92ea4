"""Small drivers of our own, made up to order: how something is released, and how later.

A driver is text before and after one change that lets a release happen later.  What varies
is what is released, by which mechanism it is put off, in which shape the code does it, and
what stands around.  Near misses are changes of the same make that lose nothing.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from hypothesis import strategies as st

from patchlint.analysis.series import analyse
from patchlint.graph.build import build
from patchlint.graph.comparison import Comparison
from patchlint.graph.downgrades import find
from patchlint.graph.follow import lines_of
from patchlint.model.image import FilePair, Image
from patchlint.model.mail import Patch, Series
from patchlint.patch.diff import parse
from patchlint.ruleset.load import load
from patchlint.syntax.facts import extract_text

PATH = "drivers/lamp/lamp.c"
WHOLE = 10_000

RELEASES = {
    "fput": "fput(l->file);",
    "iput": "iput(l->inode);",
    "mntput": "mntput(l->mnt);",
    "path_put": "path_put(&l->path);",
    "mmput": "mmput(l->mm);",
    "sock_release": "sock_release(l->sock);",
    "module_put": "module_put(l->owner);",
    "kern_unmount": "kern_unmount(l->mnt);",
    "device_unregister": "device_unregister(l->dev);",
}


@dataclass(frozen=True)
class Mechanism:
    """A way to put something off: the member, its binding, its start, the callback's head."""

    member: str
    bind: str
    start: str
    parameter: str
    container: str = "container_of({p}, struct lamp, {m})"
    returns: str = "void"


MECHANISMS = {
    "work": Mechanism(
        "struct work_struct work",
        "INIT_WORK(&l->work, {cb});",
        "queue_work(lamp_wq, &l->work);",
        "struct work_struct *work",
    ),
    "system work": Mechanism(
        "struct work_struct work",
        "INIT_WORK(&l->work, {cb});",
        "schedule_work(&l->work);",
        "struct work_struct *work",
    ),
    "delayed work": Mechanism(
        "struct delayed_work dwork",
        "INIT_DELAYED_WORK(&l->dwork, {cb});",
        "mod_delayed_work(lamp_wq, &l->dwork, HZ);",
        "struct work_struct *work",
    ),
    "timer": Mechanism(
        "struct timer_list timer",
        "timer_setup(&l->timer, {cb}, 0);",
        "mod_timer(&l->timer, jiffies + HZ);",
        "struct timer_list *t",
        "from_timer(l, {p}, {m})",
    ),
    "rcu": Mechanism(
        "struct rcu_head rcu", "", "call_rcu(&l->rcu, {cb});", "struct rcu_head *head"
    ),
    "thread": Mechanism(
        "struct task_struct *reaper",
        "",
        'kthread_run({cb}, l, "lamp");',
        "void *data",
        "data",
        "int",
    ),
    "irq work": Mechanism(
        "struct irq_work iw",
        "init_irq_work(&l->iw, {cb});",
        "irq_work_queue(&l->iw);",
        "struct irq_work *iw",
    ),
}
ENTRIES = ("none", "syscall", "release slot", "caller")

_STRUCT = """\
struct lamp {{
	struct list_head node;
	bool lazy;
	{member};
	int watts;
}};

"""
_FILLER = """\
static int lamp_watts_{n}(struct lamp *l, int more)
{{
	int sum = l->watts + more;

	if (sum > {n}00)
		sum = {n}00;
	l->watts = sum;

	return sum;
}}

"""


@dataclass(frozen=True)
class Change:
    """One change: each side in parts (functions and the like), in the same order."""

    release: str
    mechanism: str
    shape: str
    entry: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def old(self) -> str:
        return "".join(self.before)

    @property
    def new(self) -> str:
        return "".join(self.after)

    def both(self, function):
        """The same change with each side as ``function`` makes it."""
        return Change(
            self.release, self.mechanism, self.shape, self.entry,
            tuple(map(function, self.before)), tuple(map(function, self.after)),
        )  # fmt: skip


def _function(head, *lines):
    inner = "".join(f"\t{line}\n" for one in lines for line in one.split("\n") if one)
    return f"{head}\n{{\n{inner}}}\n\n"


def _callback(kind, name, *lines):
    member = kind.member.rpartition(" ")[2].lstrip("*")
    parameter = re.split(r"\W+", kind.parameter)[-1]
    source = kind.container.format(p=parameter, m=member)
    last = "return 0;" if kind.returns == "int" else ""
    return _function(
        f"static {kind.returns} {name}({kind.parameter})",
        f"struct lamp *l = {source};\n",
        *lines,
        last,
    ).replace(f"{source};\n\t\n", f"{source};\n\n")


@dataclass
class _Parts:
    """What a shape is made of, and the parts of both sides: helpers, callback, closing."""

    kind: Mechanism
    put: str
    start: str
    closing: str = "lamp_close"
    helpers: tuple[str, str] = ("", "")
    callbacks: tuple[str, str] = ("", "")
    closes: tuple[str, str] = ("", "")
    #: whether the callback was bound before
    bound: bool = False
    #: a part that stands below all others
    last: str = ""

    def callback(self, *lines):
        return _callback(self.kind, "lamp_gone", *lines)

    def close(self, *lines):
        return _function(CLOSE, "lamp_dark(l);", *lines, "lamp_cold(l);")


CLOSE = "void lamp_close(struct lamp *l)"


def _plain(p):
    p.callbacks = ("", p.callback(p.put))
    p.closes = (p.close(p.put), p.close(p.start))


def _branch(p):
    lines = ("if (l->lazy)", f"\t{p.start}", "else", f"\t{p.put}")
    p.callbacks = ("", p.callback(p.put))
    p.closes = (p.close(p.put), p.close(*lines))


def _early(p):
    lines = ("if (l->lazy) {", f"\t{p.start}", "\treturn;", "}", p.put)
    p.callbacks = ("", p.callback(p.put))
    p.closes = (p.close(p.put), p.close(*lines))


def _widened(p):
    _branch(p)
    p.callbacks = (p.callbacks[1], p.callbacks[1])
    p.closes = (p.closes[1], p.close(p.start))
    p.bound = True


def _helper(p):
    off = _function("static void lamp_off(struct lamp *l)", "lamp_cool(l);", p.put)
    p.helpers = (off, off)
    p.callbacks = ("", p.callback("lamp_off(l);"))
    p.closes = (p.close("lamp_off(l);"), p.close(p.start))


def _deep(p):
    _helper(p)
    end = _function("static void lamp_end(struct lamp *l)", "lamp_tell(l);", "lamp_off(l);")
    p.helpers = (p.helpers[0] + end,) * 2
    p.callbacks = ("", p.callback("lamp_end(l);"))
    p.closes = (p.close("lamp_end(l);"), p.close(p.start))


def _body(p):
    lines = ("lamp_dark(l);", "lamp_cool(l);", p.put, "lamp_cold(l);", "lamp_tell(l);")
    p.callbacks = ("", p.callback(*lines))
    p.closes = (_function(CLOSE, *lines), _function(CLOSE, p.start))


def _kref(p):
    free = "static void lamp_free(struct kref *kref)"
    own = "struct lamp *l = container_of(kref, struct lamp, ref);\n"
    gone = p.callback(p.put)
    # the callback stands before what starts it
    p.helpers = ("", gone)
    p.callbacks = (_function(free, own, p.put), _function(free, own, p.start))
    p.closes = (p.close("kref_put(&l->ref, lamp_free);"),) * 2


def _loop(p):
    each = ("struct lamp *l;\n", "list_for_each_entry(l, &room->lamps, node)")
    head = "void room_close(struct room *room)"
    p.closing = "room_close"
    p.callbacks = ("", p.callback(p.put))
    p.closes = tuple(
        _function(head, *each, f"\t{line}", "room_dark(room);") for line in (p.put, p.start)
    )


def _each(p):
    walk = _function(
        "static void room_each(struct room *room, void (*fn)(struct lamp *l))",
        "struct lamp *l;\n",
        "list_for_each_entry(l, &room->lamps, node)",
        "\tfn(l);",
    )
    head = "void room_close(struct room *room)"
    off, later = (
        _function(f"static void {name}(struct lamp *l)", "lamp_cool(l);", line)
        for name, line in (("lamp_off", p.put), ("lamp_off_soon", p.start))
    )
    p.closing = "room_close"
    p.helpers = (walk + off, walk)
    p.callbacks = ("", p.callback("lamp_cool(l);", p.put) + later)
    p.closes = tuple(
        _function(head, f"room_each(room, {name});", "room_dark(room);")
        for name in ("lamp_off", "lamp_off_soon")
    )


def _old_callback(p):
    p.callbacks = (p.callback("lamp_blink(l);"), p.callback("lamp_blink(l);", p.put))
    p.closes = (p.close(p.put), p.close(p.start))
    p.bound = True


def _old_starter(p):
    """The release goes into a callback that others started already, by their helper."""
    kick = _function("static void lamp_kick(struct lamp *l)", "lamp_tell(l);", p.start)
    p.callbacks = (
        p.callback("lamp_blink(l);") + kick,
        p.callback("lamp_blink(l);", p.put) + kick,
    )
    p.closes = (p.close(p.put), p.close("lamp_kick(l);"))
    p.last = _function("void lamp_poke(struct lamp *l)", "lamp_kick(l);")
    p.bound = True


def _old_worker(p):
    """Nothing is started that was not before: the release waits for the next round."""
    p.callbacks = (p.callback("lamp_blink(l);"), p.callback("lamp_blink(l);", p.put))
    p.closes = (p.close(p.put), p.close("l->over = true;"))
    p.last = _function("void lamp_poke(struct lamp *l)", "lamp_tell(l);", p.start)
    p.bound = True


def _slot(p):
    """Closing goes through a table of operations."""
    off = "static void lamp_off(struct lamp *l)"
    table = "static const struct lamp_ops lamp_ops = {\n\t.off = lamp_off,\n};\n\n"
    p.helpers = ("", p.callback(p.put))
    p.callbacks = tuple(_function(off, "lamp_cool(l);", line) + table for line in (p.put, p.start))
    p.closes = (p.close("l->ops->off(l);"),) * 2


_SHAPES = {
    "plain": _plain,
    "branch": _branch,
    "early": _early,
    "widened": _widened,
    "helper": _helper,
    "deep": _deep,
    "body": _body,
    "kref": _kref,
    "loop": _loop,
    "each": _each,
    "old callback": _old_callback,
    "old starter": _old_starter,
    "old worker": _old_worker,
    "slot": _slot,
}
SHAPES = tuple(_SHAPES)


def make(release, mechanism, shape, entry, *, fillers=1):
    """The change that these words describe."""
    kind = MECHANISMS[mechanism]
    bind = kind.bind.format(cb="lamp_gone")
    parts = _Parts(kind, RELEASES[release], kind.start.format(cb="lamp_gone"))
    _SHAPES[shape](parts)
    plain, bound = (
        _function("void lamp_init(struct lamp *l)", "lamp_setup(l);", *more)
        for more in ((), (bind,))
    )
    spread = "".join(_FILLER.format(n=n) for n in range(1, fillers + 1))
    sides = (
        (
            _STRUCT.format(member=kind.member),
            parts.helpers[side],
            parts.callbacks[side],
            parts.closes[side],
            spread,
            bound if side or parts.bound else plain,
            parts.last + _entry(entry, parts.closing),
        )
        for side in (0, 1)
    )
    return Change(release, mechanism, shape, entry, *sides)


def _entry(entry, closing):
    if entry == "syscall":
        return _function(
            "SYSCALL_DEFINE1(lamp_switch, int, fd)", f"{closing}(lamp_of(fd));", "return 0;"
        )
    if entry == "release slot":
        return (
            _function(
                "static int lamp_fop_release(struct inode *inode, struct file *file)",
                f"{closing}(file->private_data);",
                "return 0;",
            )
            + "static const struct file_operations lamp_fops = {\n"
            "\t.release = lamp_fop_release,\n};\n\n"
        )
    if entry == "caller":
        return _function("void lamp_remove(struct lamp *l)", "lamp_lock(l);", f"{closing}(l);")
    return ""


def changes(releases=(), mechanisms=(), shapes=(), entries=()):
    """Changes of these kinds, of all where none are named."""
    return st.builds(
        make,
        st.sampled_from(releases or sorted(RELEASES)),
        st.sampled_from(mechanisms or sorted(MECHANISMS)),
        st.sampled_from(shapes or SHAPES),
        st.sampled_from(entries or ENTRIES),
        fillers=st.integers(0, 3),
    )


CHANGES = changes()


# -- reading ---------------------------------------------------------------------------------


@cache
def rules():
    return load(cached=False)


@cache
def _facts(path, text):
    return extract_text(path, text.encode(), rules().kernel.macros)


def _kept(old, new):
    matcher = difflib.SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False)
    return {
        block.a + n + 1: block.b + n + 1
        for block in matcher.get_matching_blocks()
        for n in range(block.size)
    }


def _image(path, text):
    return Image(path, text.encode(), ((1, text.count("\n") + 1),), whole=True)


def whole(old, new):
    """What is found between two texts, or two sets of files, all of them known."""
    old, new = ({PATH: one} if isinstance(one, str) else one for one in (old, new))
    kernel = rules().kernel
    sides = [build([_facts(p, t) for p, t in side.items()], kernel) for side in (old, new)]
    pairs = [
        FilePair(
            path, path, _image(path, old[path]), _image(path, text), _kept(old[path], text), (1,)
        )
        for path, text in new.items()
    ]
    return find(Comparison(*sides, lines_of(pairs, *sides)))


def diff(old, new, context=3, path=PATH):
    """A diff as git writes it: with the nearest function above each hunk in its header."""
    before = old.splitlines(keepends=True)
    lines = difflib.unified_diff(before, new.splitlines(keepends=True), n=context)
    said = []
    for line in list(lines)[2:]:
        found = re.match(r"@@ -(\d+)", line)
        if found is None:
            said.append(line)
            continue
        above = (
            one for one in reversed(before[: int(found[1]) - 1]) if re.match(r"[A-Za-z_]", one)
        )
        said.append(f"{line.rstrip()} {next(above, '').rstrip()[:80]}\n")
    return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n" + "".join(said)


def hunks(*states, context=3):
    """What is found in the patches from each state to the next, by their mails alone.

    A state is the text of one file, or files.
    """
    trees = [{PATH: state} if isinstance(state, str) else state for state in states]
    diffs = [
        "".join(diff(a[path], b[path], context, path) for path in b if a[path] != b[path])
        for a, b in pairwise(trees)
    ]
    patches = tuple(
        Patch(n, f"<{n}@x>", None, f"lamp: part {n}", "A", None, "Say why.", text, "mail")
        for n, text in enumerate(diffs, 1)
    )
    series = Series("lamp", 1, patches, len(patches), ())
    return analyse(series, {p.number: parse(p.diff).files for p in patches}, rules()).downgrades


def loud(found):
    return [one for one in found if one.level_cap != "note"]


def names(found):
    """What is told of each finding, but for where and how loud."""
    return {(one.cleanup, one.function, one.after.context) for one in found}


def told(found, *, shape=True):
    """All that is told of each finding but its lines, and its ``shape`` if asked for."""
    return sorted(
        (
            one.cleanup, one.function, one.level_cap, one.confidence, one.shape if shape else "",
            one.after.mechanism or "", one.after.callback or "", one.condition or "", one.also,
        )
        for one in found
    )  # fmt: skip


def renamed(text, words):
    """``text`` with words replaced."""
    return re.sub(r"[A-Za-z_]\w*", lambda one: words.get(one[0], one[0]), text)
