"""Walks over a whole tree, and how they are shown: small trees made of our own text."""

from __future__ import annotations

import pytest
from graph_kit import facts, kernel
from msgspec.structs import replace

from patchlint.graph import macro_tables, show
from patchlint.graph.build import build
from patchlint.graph.derive import derive
from patchlint.graph.macro_tables import Tables
from patchlint.graph.members import Structs
from patchlint.graph.reach import walk
from patchlint.graph.reach.state import Searches
from patchlint.graph.show import Branch
from patchlint.model.tree import AddressUse, CallerSite, Definition


class Tree:
    """Answers from facts of a few texts; uses of addresses are given by hand."""

    def __init__(self, files, uses=(), members=None):
        self.files = files
        self.functions = [f for path, text in files.items() for f in facts(path, text).functions]
        self.uses = uses
        self.members = members or {}

    def prepare(self, names, members=()):
        """Everything is at hand."""

    def prepare_definitions(self, names):
        """Everything is at hand."""

    def known(self, name, path):
        return bool(self.definitions(name, path))

    def definitions(self, name, from_path=None):
        return tuple(
            Definition(f.name, f.path, f.line, f.end, f.static, inline=False, kind="function")
            for f in self.functions
            if f.name == name and (not f.static or from_path in (None, f.path))
        )

    def definition(self, name, near_path=None):
        found = [f for f in self.functions if f.name == name]
        own = [f for f in found if f.path == near_path]
        return next(iter(own or [f for f in found if not f.static]), None)

    def definition_in(self, path, name):
        return next((f for f in self.functions if (f.path, f.name) == (path, name)), None)

    def callers(self, name, from_path=None):
        target = self.definition(name, from_path)
        return tuple(
            CallerSite(f.name, f.path, call.line, f.static, f.entry or "function", f.line)
            for f in self.functions
            for call in f.calls
            if call.callee == name and self.definition(name, f.path) == target
        )

    def member_calls(self, member):
        return self.members.get(member, ())

    def member_calls_beside(self, member, path):
        folder = path.rpartition("/")[0]
        sites = self.members.get(member, ())
        return tuple(site for site in sites if site.path.rpartition("/")[0] == folder)

    def text(self, path):
        text = self.files.get(path)
        return None if text is None else text.encode()

    def address_taken(self, name, from_path=None):  # noqa: ARG002  the interface of trees
        return tuple(use for use in self.uses if use.name == name)

    def function(self, path, line):
        return next((f for f in self.functions if f.path == path and f.line <= line <= f.end), None)


def one(name, *callees, head="static void {}(struct lamp *l)"):
    calls = "".join(f"\t{callee}(l);\n" for callee in callees)
    return f"{head.format(name)}\n{{\n{calls}}}\n"


def ways(source, uses=(), members=None, name="f", **others):
    files = {"a.c": source} | {f"{path}.c".replace("__", "/"): t for path, t in others.items()}
    return walk.ways(Tree(files, uses, members), kernel(), name, "a.c")


START = one("f", "iput")
SYSCALL = one("lamp_off", "middle", head="SYSCALL_DEFINE1({}, int, fd)")


def told(found):
    return [(w.name, w.kind, w.context, w.strength, w.reaches_user) for w in found.ways]


def test_a_system_call_is_reached_through_callers():
    found = ways(START + one("middle", "f") + SYSCALL)
    assert told(found) == [("lamp_off", "syscall", "task", "certain", True)]
    assert found.ways[0].chain == ("lamp_off", "middle", "f")
    assert (found.known, found.cut, found.hubs) == (True, False, ())
    assert [e.name for e in found.entry_points] == ["lamp_off"]


@pytest.mark.parametrize(("way", "ends"), [("path_lookupat", False), ("lamp_put", True)])
def test_what_only_looks_a_name_up_ends_nothing_for_its_caller(way, ends):
    entry = one("umount", "middle", head="SYSCALL_DEFINE1({}, char *, name)")
    found = ways(START + one(way, "f") + one("middle", way) + entry)
    assert [(w.name, bool(w.ends), w.unknown) for w in found.ways] == [("umount", ends, False)]


def test_a_function_that_the_tree_has_not_is_said():
    found = ways(START, name="who")
    assert (found.known, found.ways) == (False, ())


def test_nobody_calls_it():
    found = ways(START)
    assert (found.known, found.ways, found.entry_points) == (True, (), ())
    assert found.ends == ("f",)


def test_cycles_end():
    assert ways(one("f", "g") + one("g", "f")).ways == ()


def initializer(struct, member, name="f"):
    return AddressUse(name, "a.c", 40, "initializer", struct=struct, variable="ops", member=member)


def test_a_member_of_an_operations_table_is_an_entry():
    found = ways(START, [initializer("struct file_operations", "unlocked_ioctl")])
    assert told(found) == [("f", "file operation", "task", "certain", True)]
    assert found.ways[0].why == "f() is .unlocked_ioctl at a.c:40"


@pytest.mark.parametrize(
    ("name", "macro", "kinds"),
    [
        ("lamp_store", "static DEVICE_ATTR_WO(lamp);", ["sysfs file"]),
        ("lamp_store", "DEVICE_ATTR_RW(lamp);", ["sysfs file"]),
        ("lamp_dim_store", "CONFIGFS_ATTR(lamp_, dim);", ["configfs operation"]),
        ("lamp_store", "static struct kobj_attribute a = __ATTR_WO(lamp);", ["sysfs file"]),
        ("lamp_store", "static DEVICE_ATTR_RO(lamp);", []),
        ("lamp_store", "static DEVICE_ATTR_WO(lid);", []),
    ],
)
def test_a_macro_may_hold_a_function_whose_name_it_makes(name, macro, kinds):
    source = one(name, "iput") + f"\n{macro}\n"
    assert [way.kind for way in ways(source, name=name).ways] == kinds
    shown = build([facts("a.c", source)], kernel())
    assert [row.kind for _, _, row in shown.operations_of(name)] == kinds


def test_a_macro_that_is_given_a_function_is_an_entry():
    given = "static struct kobj_attribute lamp = __ATTR(off, 0644, lamp_show, lamp_store);"
    shown = build([facts("a.c", one("lamp_store", "iput") + f"\n{given}\n")], kernel())
    assert [row.kind for _, _, row in shown.operations_of("lamp_store")] == ["sysfs file"]
    use = AddressUse("f", "a.c", 40, "argument", callee="__ATTR")
    assert told(ways(START, [use])) == [("f", "sysfs file", "task", "certain", True)]


@pytest.mark.parametrize(("place", "kinds"), [(3, ["sysfs file"]), (0, [])])
def test_a_macro_is_given_the_name_of_a_file_as_well(place, kinds):
    """``__ATTR(reset, 0644, ...)`` beside a function ``reset()`` says nothing of that."""
    use = AddressUse("f", "a.c", 40, "argument", callee="__ATTR", argument=place)
    assert [way.kind for way in ways(START, [use]).ways] == kinds


IOCTLS = """
#define LAMP_DEF(ioctl, _func, _flags) \\
	[DRM_IOCTL_NR(ioctl)] = { \\
		.cmd = ioctl, /* the command */ \\
		.func = _func, \\
		.name = #ioctl \\
	}
#define LAMP_PLAIN(ioctl, _func) LAMP_DEF(ioctl, _func, 0)

static const struct drm_ioctl_desc lamp_ioctls[] = {
	LAMP_DEF(LAMP_ON, lamp_on, LAMP_MASTER | LAMP_ROOT),
	%s,
};
"""


@pytest.mark.parametrize(
    ("entry", "events"),
    [
        ("LAMP_DEF(LAMP_OFF, f, LAMP_MASTER)", ["ioctl(LAMP_OFF)"]),
        ("LAMP_PLAIN(LAMP_OFF, f)", ["ioctl(LAMP_OFF)"]),
        ("LAMP_WHO(LAMP_OFF, f)", []),
    ],
)
def test_a_macro_of_a_table_says_to_which_member_a_function_goes(entry, events):
    source = START + IOCTLS % entry
    line = source[: source.index(entry)].count("\n") + 1
    use = AddressUse("f", "a.c", line, "argument", callee=entry.partition("(")[0], argument=1)
    found = ways(source, [use])
    assert [one.event for one in found.entry_points] == events
    assert found.ends == (() if events else ("f",))


def test_a_macro_of_a_table_may_stand_in_a_header():
    define, table = (IOCTLS % "LAMP_DEF(LAMP_OFF, f, 0)").split("\n\n", 1)
    source = f'#include "lamp.h"\n{START}{table}'
    line = source[: source.index("LAMP_DEF(LAMP_OFF")].count("\n") + 1
    use = AddressUse("f", "a.c", line, "argument", callee="LAMP_DEF", argument=1)
    tree = Tree({"a.c": source, "lamp.h": f"{define}\n"}, [use])
    found = walk.ways(tree, kernel(), "f", "a.c")
    assert [one.event for one in found.entry_points] == ["ioctl(LAMP_OFF)"]


def test_a_macro_that_a_table_knows_may_stand_far_away():
    source = (
        START + "static DEVICE_ATTR_IGNORE_LOCKDEP(lamp, S_IRUGO | S_IWUSR,\n\tlamp_show, f);\n"
    )
    use = AddressUse("f", "a.c", 6, "argument", callee="DEVICE_ATTR_IGNORE_LOCKDEP", argument=3)
    assert [way.kind for way in ways(source, [use]).ways] == ["sysfs file"]


ATTRS = """
#define LAMP_ATTR(_name) \\
static struct configfs_attribute lamp_attr_##_name = { \\
	.show = lamp_##_name##_show, \\
	.store = lamp_##_name##_store, \\
}
"""


@pytest.mark.parametrize(("given", "kinds"), [("dim", ["configfs operation"]), ("lid", [])])
def test_the_definition_of_a_macro_tells_the_names_that_it_makes(given, kinds):
    source = one("lamp_dim_store", "iput") + ATTRS + f"LAMP_ATTR({given});\n"
    found = ways(source, name="lamp_dim_store")
    assert [way.kind for way in found.ways] == kinds
    assert bool(found.ends) == (not kinds)


ITEM = """
#define LAMP_ITEM(_f_) \\
	static void _f_##_attr_release(struct config_item *item) \\
	{ \\
		iput(to_##_f_##_lamp(item)); \\
	} \\
	static struct configfs_item_operations _f_##_item_ops = { \\
		.release = _f_##_attr_release, \\
	}
"""


def test_a_macro_that_makes_a_function_and_its_table_is_an_entry():
    tables = Tables(tree := Tree({"a.h": ITEM}), Structs(tree))
    (held,) = tables.made("a.h", "LAMP_ITEM")
    assert (held.struct, held.member, held.line) == ("configfs_item_operations", "release", 2)


@pytest.mark.parametrize(
    ("text", "found"),
    [("F(a, g(b, c), {d, e})", ("a", "g(b, c)", "{d, e}")), ("F()", ("",)), ("F(a", None)],
)
def test_arguments_of_a_macro(text, found):
    assert macro_tables.arguments(text, 1) == found


@pytest.mark.parametrize(
    ("parameters", "body", "args", "made"),
    [
        (("a", "b"), "a##b = #a b", ("x", "y"), "xy = #a y"),
        (("a", "..."), "a(__VA_ARGS__)", ("x", "y", "z"), "x(y, z)"),
        (("a",), "a", ("x", "y"), None),
    ],
)
def test_arguments_are_put_into_a_macro(parameters, body, args, made):
    assert macro_tables.put_in(parameters, body, args) == made


LOOKUP = """
static lamp_fn lamp_find(unsigned int nr)
{
	static const struct { int nr; lamp_fn fn; } lamp_fns[] = { {1, f}, };

	return lamp_fns[nr].fn;
}

long lamp_ioctl(struct file *file, unsigned int nr, unsigned long arg)
{
	return lamp_find(nr)(arg);
}
"""
TABLE = """
static lamp_fn lamp_fns[] = { f, };

static int lamp_init(void)
{
	lamp_register(lamp_fns, 1);
}
"""


def positional(function):
    return AddressUse("f", "a.c", 9, "initializer", function, variable="lamp_fns")


def test_who_looks_a_table_up_may_run_what_stands_in_it():
    ioctl = AddressUse("lamp_ioctl", "a.c", 40, "initializer", struct="struct file_operations")
    held = replace(ioctl, variable="ops", member="unlocked_ioctl")
    found = ways(START + LOOKUP, [positional("lamp_find"), held])
    assert [(w.chain, w.strength) for w in found.ways] == [
        (("lamp_ioctl", "lamp_find", "f"), "likely")
    ]
    assert found.ends == ()


def test_a_table_of_its_own_type_in_a_function_is_seen_in_its_text():
    held = AddressUse("lamp_ioctl", "a.c", 40, "initializer", struct="struct file_operations")
    found = ways(START + LOOKUP, [replace(held, variable="ops", member="unlocked_ioctl")])
    assert [w.chain for w in found.ways] == [("lamp_ioctl", "lamp_find", "f")]


@pytest.mark.parametrize(
    ("function", "ends"),
    [("", ("f",)), ("\nstatic void on(int nr)\n{\n\tlamp_fns[nr]();\n}\n", ("on",))],
)
def test_who_only_registers_a_table_runs_nothing_of_it(function, ends):
    assert ways(START + TABLE + function, [positional("")]).ends == ends


CLOSE = """
struct lamp_ops {
	void (*close)(struct lamp *l);
};
struct lamp {
	const struct lamp_ops *ops;
};
"""
ENDS = """
SYSCALL_DEFINE1(umount, struct lamp *, l)
{
	l->ops->close(l);
}
"""


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        ("net/lamp/core.c", CLOSE + ENDS, ["umount"]),
        ("net/core.c", CLOSE + ENDS, ["umount"]),
        ("fs/core.c", CLOSE + ENDS, []),
        ("net/lamp/core.c", (CLOSE + ENDS).replace("lamp_ops", "lid_ops"), []),
    ],
)
def test_of_a_member_of_a_common_name_the_calls_beside_its_binding_count(path, text, names):
    files = {"net/lamp/one.c": START, path: text}
    (caller,) = facts(path, text).functions
    line = text[: text.index("l->ops->close")].count("\n") + 1
    near = CallerSite("umount", path, line, static=False, kind="syscall", function_line=caller.line)
    far = [replace(near, path=f"far/{n}.c", function="", kind="function") for n in range(30)]
    use = replace(initializer("struct lamp_ops", "close"), path="net/lamp/one.c")
    tree = Tree(files, [use], {"close": (*far, near)})
    found = walk.ways(tree, kernel(), "f", "net/lamp/one.c")
    assert [way.name for way in found.ways] == names
    assert found.cut


@pytest.mark.parametrize(
    ("struct", "kinds"),
    [("vfio_device_ops", ["vfio operation"]), ("lamp", []), ("UNSEEN", ["vfio operation"])],
)
def test_a_member_that_is_assigned_is_of_the_struct_that_the_text_tells(struct, kinds):
    """Of one known row alone is a ``close_device``, but mouse devices have one as well."""
    source = START + f"\nvoid on(struct {struct} *l)\n{{\n\tl->close_device = f;\n}}\n"
    holder = "on" if struct != "UNSEEN" else "who"
    use = AddressUse("f", "a.c", 8, "assignment", holder, target="l->close_device")
    assert [way.kind for way in ways(source, [use]).ways if way.context == "task"] == kinds


PUTS = """
void __put_task_struct(struct task_struct *tsk)
{
	f(tsk);
}

static void put_many(int nr, struct task_struct *task)
{
	__put_task_struct(task);
}

SYSCALL_DEFINE1(lamp_self, int, fd)
{
	put_many(1, current);
}
"""
OTHER = """
SYSCALL_DEFINE1(lamp_other, int, fd)
{
	put_many(1, lamp_task(fd));
}
"""


def test_what_a_task_drops_of_itself_while_it_runs_is_not_the_last():
    found = ways(START + PUTS + OTHER)
    assert [one.name for one in found.entry_points] == ["lamp_other"]
    assert sorted((way.name, way.marks.aside) for way in found.ways) == [
        ("lamp_other", False),
        ("lamp_self", True),
    ]
    assert [one.name for one in ways(START + PUTS).entry_points] == ["lamp_self"]


@pytest.mark.parametrize(
    ("puts", "given", "aside"),
    [
        # two of those that call give one argument on, and the task's own beside it
        (("task", "task"), "current, fd", True),
        (("task", "current"), "current, fd", True),
        # which of two was the last one nobody says
        (("task", "other"), "current, fd", False),
        (("task", "other"), "fd, current", False),
        (("task", "lamp_task(1)"), "current, fd", False),
    ],
)
def test_a_helper_that_puts_several_tasks_is_asked_for_all_of_them(puts, given, aside):
    first, second = puts
    source = f"""
void __put_task_struct(struct task_struct *tsk)
{{
	f(tsk);
}}

static void put_both(struct task_struct *task, struct task_struct *other)
{{
	__put_task_struct({first});
	__put_task_struct({second});
}}

SYSCALL_DEFINE1(lamp_self, int, fd)
{{
	put_both({given});
}}
"""
    assert {way.marks.aside for way in ways(START + source).ways} == {aside}


@pytest.mark.parametrize(
    ("table", "kinds"),
    [
        # the parser made nothing of it
        ("", ["file operation"]),
        # the series took the function out of the table
        ("static const struct file_operations ops = {\n\t.open = on,\n};\n", []),
    ],
)
def test_a_table_that_is_lost_in_the_images_is_taken_from_the_tree(table, kinds):
    shown = build([facts("a.c", START + table)], kernel(), {"a.c": None})
    tree = Tree({"a.c": START}, [initializer("struct file_operations", "unlocked_ioctl")])
    found = walk.ways(tree, kernel(), "f", "a.c", images=shown)
    assert [way.kind for way in found.ways] == kinds


def test_a_variable_that_is_given_to_a_call_is_no_function_of_its_name():
    source = START + "\nvoid lamp_off(struct lamp *f)\n{\n\tlamp_free(f);\n}\n"
    use = AddressUse("f", "a.c", 10, "argument", "lamp_off", callee="lamp_free", argument=0)
    assert ways(source + "\nmodule_exit(lamp_off);\n", [use]).ways == ()


def test_an_entry_says_what_it_is_called_for():
    found = ways(START, [initializer("struct super_operations", "put_super")])
    assert [(e.name, e.event) for e in found.entry_points] == [("f", "umount(2)")]


def test_what_an_operation_is_called_for_is_told_where_nobody_is_known_to_wait():
    found = ways(START, [initializer("struct device_type", "release")])
    assert found.entry_points == ()
    assert [(e.name, e.event) for e in found.classes] == [("f", "removal of the device")]


def test_a_member_that_several_contexts_call_gives_a_way_for_each():
    found = ways(START, [initializer("struct super_operations", "put_super")])
    assert [w.context for w in found.ways] == ["task", "workqueue"]
    assert [w.reaches_user for w in found.ways] == [True, False]


def test_a_member_of_another_struct_counts_where_such_a_member_is_called():
    site = CallerSite("lamp_off", "b.c", 7, static=False, kind="syscall", function_line=5)
    found = ways(START, [initializer("struct lamp_ops", "glow")], {"glow": (site,)})
    assert told(found) == [("lamp_off", "syscall", "task", "likely", True)]


@pytest.mark.parametrize(
    ("struct", "member", "through"),
    [
        # ends a controller, in a task or in a worker: whose task it is the calls tell
        ("nvmet_fabrics_ops", "delete_ctrl", True),
        # ends nothing; called in one context alone; behind it user space waits
        ("nvmet_fabrics_ops", "disc_traddr", False),
        ("super_operations", "free_inode", False),
        ("super_operations", "put_super", False),
    ],
)
def test_an_operation_that_several_end_something_by_is_followed_to_its_callers(
    struct, member, through
):
    site = CallerSite("lamp_off", "b.c", 7, static=False, kind="syscall", function_line=5)
    found = ways(START, [initializer(f"struct {struct}", member)], {member: (site,)})
    assert ("lamp_off" in [way.name for way in found.ways]) is through
    assert "f" in [way.name for way in found.ways]


def test_entry_points_that_no_guess_leads_to_come_first():
    site = CallerSite("lamp_on", "a.c", 30, static=False, kind="syscall", function_line=29)
    tables = [initializer("struct lamp_ops", "glow")]
    near = [initializer("struct file_operations", "release")]
    found = ways(START, [*tables, *near], {"glow": (site,)})
    assert [entry.name for entry in found.entry_points] == ["f", "lamp_on"]


def test_a_member_that_everybody_calls_tells_nothing_and_is_said():
    sites = tuple(
        CallerSite(f"f{n}", "b.c", n, static=False, kind="function", function_line=n)
        for n in range(30)
    )
    found = ways(START, [initializer("struct lamp_ops", "glow")], {"glow": sites})
    assert (found.ways, found.cut) == ((), True)


SHINE = """\
static void shine(%s)
{
	%s;
}
"""


@pytest.mark.parametrize(
    ("variable", "call", "reached"),
    [
        ("struct lamp_ops *ops", "ops->glow(l)", True),
        ("const struct lamp_ops *ops", "(ops->glow)(l)", True),
        ("struct candle_ops *ops", "ops->glow(l)", False),
        ("struct lamp *l", "l->dev->ops->glow(l)", False),
        ("struct lamp *l", "l->glow(l, (struct lamp_ops *)l->more)", False),
        # nothing tells the type, but the file speaks of that struct
        ("struct lamp *l", "l->dev->ops->glow(l); /* see struct lamp_ops */", True),
    ],
)
def test_a_call_through_a_member_is_of_the_struct_that_it_is_called_through(
    variable, call, reached
):
    text = SHINE % (variable, call) + one("g", "shine") + SYSCALL.replace("middle", "g")
    site = CallerSite("shine", "other/b.c", 3, static=True, kind="function", function_line=1)
    use = initializer("struct lamp_ops", "glow")
    found = ways(START, [use], {"glow": (site,)}, other__b=text)
    assert [w.name for w in found.ways] == (["lamp_off"] if reached else [])
    assert found.complete is reached


HEADER = """\
struct lamp_dev {
	int number;	/* struct lamp_ops *ops; */
	struct {
		const struct %s *ops, *more[2];
	};
};
"""
LAMP = "struct lamp {\n\tstruct lamp_dev dev;\n};\n"


@pytest.mark.parametrize(
    ("struct", "reached"), [("lamp_ops", True), ("candle_ops", False), ("lamp_ops_2", False)]
)
@pytest.mark.parametrize("call", ["l->dev.ops->glow(l)", "l->dev.more->glow(l)"])
def test_headers_tell_the_struct_behind_a_chain_of_members(struct, reached, call):
    text = "#include <linux/lamp.h>\n" + SHINE % ("struct lamp *l", call) + one("g", "shine")
    text += SYSCALL.replace("middle", "g")
    site = CallerSite("shine", "b.c", 4, static=True, kind="function", function_line=2)
    files = {
        "a.c": START,
        "b.c": text,
        "include/linux/lamp.h": '#include "../linux/./dev.h"\n' + LAMP,
        "include/linux/dev.h": HEADER % struct,
    }
    use = initializer("struct lamp_ops", "glow")
    found = walk.ways(Tree(files, [use], {"glow": (site,)}), kernel(), "f", "a.c")
    assert [w.name for w in found.ways] == (["lamp_off"] if reached else [])


@pytest.mark.parametrize(("struct", "reached"), [("lamp_ops", True), ("candle_ops", False)])
def test_images_lead_through_no_member_of_another_struct(struct, reached):
    table = "static const struct lamp_ops ops = {\n\t.glow = f,\n};\n"
    shine = SHINE % ("struct lamp *l", "l->dev.ops->glow(l)")
    source = '#include "lamp.h"\n' + START + table + shine + SYSCALL.replace("middle", "shine")
    images = build([facts("d/a.c", source)], kernel(), {"d/a.c": None})
    tree = Tree({"d/a.c": source, "d/lamp.h": HEADER % struct + LAMP})
    found = walk.ways(tree, kernel(), "f", "d/a.c", (), images)
    assert [w.name for w in found.ways] == (["lamp_off"] if reached else [])


def test_a_call_through_a_chain_of_members_counts_in_the_same_part_of_the_tree():
    text = SHINE % ("struct lamp *l", "l->dev->ops->glow(l)")
    text += one("g", "shine") + SYSCALL.replace("middle", "g")
    site = CallerSite("shine", "b.c", 3, static=True, kind="function", function_line=1)
    found = ways(START, [initializer("struct lamp_ops", "glow")], {"glow": (site,)}, b=text)
    assert [w.name for w in found.ways] == ["lamp_off"]


@pytest.mark.parametrize(
    ("table", "told_"), [("lamp_ops", ["lamp_off"]), ("cup_ops", ["lamp_off", "set"])]
)
def test_who_has_his_own_function_in_the_member_calls_that(table, told_):
    shine = "void shine(const struct lamp_ops *ops)\n{\n\tops->glow(l);\n}\n"
    own = f"static const struct {table} ops = {{\n\t.glow = candle_glow,\n}};\n"
    other = own + one("set", "shine", head="SYSCALL_DEFINE1({}, int, fd)")
    site = CallerSite("shine", "lib.c", 3, static=False, kind="function", function_line=1)
    use = initializer("struct lamp_ops", "glow")
    off = SYSCALL.replace("middle", "shine")
    found = ways(START, [use], {"glow": (site,)}, lib=shine, b=off, c=other)
    assert [entry.name for entry in found.entry_points] == told_
    alone = ways(START, [use], {"glow": (site,)}, lib=shine, c=other)
    # what it ends is another's: where nobody else comes there no entry point is known
    assert [entry.name for entry in alone.entry_points] == told_[1:]


@pytest.mark.parametrize(
    ("table", "told_"), [("lamp_ops", ["lamp_off"]), ("cup_ops", ["lamp_off", "set"])]
)
def test_whose_table_stands_beside_his_own_function_in_the_member_calls_that(table, told_):
    shine = "void shine(const struct lamp_ops *ops)\n{\n\tops->glow(l);\n}\n"
    own = f"static const struct {table} ops = {{\n\t.glow = candle_glow,\n}};\n"
    site = CallerSite("shine", "lib.c", 3, static=False, kind="function", function_line=1)
    close = replace(
        initializer("struct file_operations", "release", "set"), path="d/own.c", variable="fops"
    )
    found = ways(
        START,
        [initializer("struct lamp_ops", "glow"), close],
        {"glow": (site,)},
        lib=shine,
        b=SYSCALL.replace("middle", "shine"),
        d__set=one("set", "shine", head="int {}(struct inode *inode, struct file *l)"),
        d__own=own,
    )
    assert sorted(entry.name for entry in found.entry_points) == told_


RESET = "void core_reset(const struct pump_ops *ops)\n{\n\tops->halt(l);\n}\n"
VALVE = one("valve_reset", "core_reset", head="SYSCALL_DEFINE1({}, int, fd)")
HANDLERS = "static struct pump_ops valve_handlers[] = {\n\t{ .fill = valve_fill },\n};\n"
LINKED = "obj-$(CONFIG_VALVE) += valve.o\n\nvalve-y := reset.o \\\n\tdev/main.o\n"


def pumps(makefile, handlers, *, core=RESET, sites=("core/core.c",)):
    """Who comes to the ->halt() of one driver: the core, and another driver by the core."""
    files = {
        "pump/a.c": START,
        "core/core.c": core,
        "core/sys.c": SYSCALL.replace("middle", "core_reset"),
        "valve/reset.c": VALVE,
        "valve/dev/main.c": handlers,
        "valve/Makefile": makefile,
    }
    calls = tuple(
        CallerSite("core_reset", path, 3, static=False, kind="function", function_line=1)
        for path in sites
    )
    use = replace(initializer("struct pump_ops", "halt"), path="pump/a.c")
    found = walk.ways(Tree(files, [use], {"halt": calls}), kernel(), "f", "pump/a.c")
    return sorted(entry.name for entry in found.entry_points)


@pytest.mark.parametrize(
    ("makefile", "handlers", "told_"),
    [
        (LINKED, HANDLERS, ["lamp_off"]),
        (LINKED.replace("+= valve.o", "+= reset.o"), HANDLERS, ["lamp_off", "valve_reset"]),
        (LINKED.replace("$(CONFIG_VALVE)", "${CONFIG_VALVE}"), HANDLERS, ["lamp_off"]),
        (LINKED, HANDLERS.replace("pump_ops", "cup_ops"), ["lamp_off", "valve_reset"]),
        (LINKED, "extern struct pump_ops handlers;\n", ["lamp_off", "valve_reset"]),
    ],
)
def test_a_module_with_objects_of_its_own_comes_to_none_of_another(makefile, handlers, told_):
    assert pumps(makefile, handlers) == told_


@pytest.mark.parametrize(
    ("sites", "told_"),
    [(("core/core.c",), ["lamp_off"]), (("core/core.c", "lib/other.c"), ["lamp_off"])],
)
def test_the_module_that_calls_through_a_member_serves_all_objects(sites, told_):
    # it has objects as well, but nobody else is the core
    core = HANDLERS + RESET
    assert pumps(LINKED, HANDLERS, core=core, sites=sites) == told_


def test_a_driver_that_calls_through_the_member_itself_does_so_for_its_own():
    other = RESET.replace("core_reset", "valve_halt") + VALVE.replace("core_reset", "valve_halt")
    sites = tuple(
        CallerSite(name, path, 3, static=False, kind="function", function_line=1)
        for name, path in (("valve_halt", "valve/reset.c"), ("core_reset", "core/core.c"))
    )
    files = {
        "pump/a.c": START,
        "core/core.c": RESET + SYSCALL.replace("middle", "core_reset"),
        "valve/reset.c": HANDLERS + other,
    }
    use = replace(initializer("struct pump_ops", "halt"), path="pump/a.c")
    found = walk.ways(Tree(files, [use], {"halt": sites}), kernel(), "f", "pump/a.c")
    assert [entry.name for entry in found.entry_points] == ["lamp_off"]
    alone = Tree(files, [use], {"halt": sites[:1]})
    found = walk.ways(alone, kernel(), "f", "pump/a.c")
    assert [entry.name for entry in found.entry_points] == ["valve_reset"]


@pytest.mark.parametrize(
    ("store", "told_"),
    [
        ("bell->end = bell_end;", ["lamp_off"]),
        ("bell->end = NULL;", ["bell_off", "lamp_off"]),
        ("bell->begin = bell_end;", ["bell_off", "lamp_off"]),
    ],
)
def test_an_object_that_is_given_another_function_never_calls_this_one(store, told_):
    put = "void put(struct event *event)\n{\n\tevent->end(event);\n}\n"
    bell = f"static void bell_init(struct event *bell)\n{{\n\t{store}\n}}\n"
    files = {
        "a.c": START + "static void init(struct event *event)\n{\n\tevent->end = f;\n}\n",
        "core.c": put + SYSCALL.replace("middle", "put"),
        "bell.c": bell + one("bell_off", "put", head="SYSCALL_DEFINE1({}, int, fd)"),
    }
    use = AddressUse("f", "a.c", 7, "assignment", "init", target="event->end")
    site = CallerSite("put", "core.c", 3, static=False, kind="function", function_line=1)
    found = walk.ways(Tree(files, [use], {"end": (site,)}), kernel(), "f", "a.c")
    assert sorted(entry.name for entry in found.entry_points) == told_


@pytest.mark.parametrize(
    ("handler", "told_"),
    [("get_signal", ["exit_group", "get_signal"]), ("lamp_signal", ["exit_group"])],
)
def test_a_fatal_signal_ends_a_process_as_exit_does(handler, told_):
    text = one("do_group_exit", "f", head="void {}(struct lamp *l)")
    text += one("exit_group", "do_group_exit", head="SYSCALL_DEFINE1({}, int, code)")
    text += one(handler, "do_group_exit", head="bool {}(struct lamp *l)")
    found = ways(START + text + one("arch_signal", handler))
    assert [entry.name for entry in found.entry_points] == told_
    assert [e.event for e in found.entry_points if e.name == handler] == ["a fatal signal"] * (
        len(told_) - 1
    )


@pytest.mark.parametrize(
    ("use", "complete"),
    [
        (AddressUse("f", "a.c", 9, "argument", callee="LAMP_METHOD", argument=1), False),
        (AddressUse("f", "a.c", 9, "initializer", struct="struct lamp_op", variable="ops"), False),
        (AddressUse("f", "a.c", 9, "argument", callee="EXPORT_SYMBOL", argument=0), True),
        (AddressUse("f", "a.c", 9, "value", "middle"), True),
    ],
)
def test_a_use_that_leads_nowhere_leaves_the_walk_open(use, complete):
    found = ways(START + one("middle", "f") + SYSCALL, [use])
    assert [w.name for w in found.ways] == ["lamp_off"]
    assert (found.complete, found.ends) == (complete, () if complete else ("f",))


def test_an_assignment_to_a_member_counts_like_one():
    use = AddressUse("f", "a.c", 9, "assignment", function="g", target="bio->bi_end_io")
    contexts = {w.context for w in ways(START, [use]).ways}
    assert "softirq" in contexts


def test_a_registration_is_a_callback_in_its_context():
    use = AddressUse("f", "a.c", 9, "argument", function="g", callee="INIT_WORK", argument=1)
    found = ways(START, [use])
    assert told(found) == [("f", "callback", "workqueue", "certain", False)]
    assert found.entry_points == ()


def test_a_macro_of_the_file_is_an_entry():
    use = AddressUse("f", "a.c", 9, "argument", callee="module_exit", argument=0)
    assert told(ways(START, [use])) == [("f", "module exit", "task", "certain", True)]


@pytest.mark.parametrize(("callee", "strength"), [("kref_put", "certain"), ("walk", "likely")])
def test_a_function_given_away_runs_where_it_is_given(callee, strength):
    use = AddressUse("f", "a.c", 9, "argument", function="middle", callee=callee, argument=1)
    found = ways(START + one("middle", "g") + SYSCALL, [use])
    assert told(found) == [("lamp_off", "syscall", "task", strength, True)]


PIN = """\
static inline void pin_init(struct pin *pin, void (*kill)(struct pin *pin))
{
	%s;
}
"""
PINNED = """\
static void on(struct lamp *l)
{
	pin_init(&l->pin, f);
}

SYSCALL_DEFINE1(lamp_on, int, fd)
{
	on(lamp_of(fd));
}

static void pin_kill(struct pin *pin)
{
	pin->kill(pin);
}

SYSCALL_DEFINE1(lamp_off, int, fd)
{
	pin_kill(pin_of(fd));
}
"""


@pytest.mark.parametrize(
    ("does", "names"),
    [
        ("pin->kill = kill", ["lamp_off"]),
        # called, handed on, or kept where nobody knows
        ("pin->kill = kill;\n\tkill(pin)", ["lamp_on"]),
        ("pin->kill = kill;\n\tpin_add(pin, kill)", ["lamp_on"]),
        ("kills[0] = kill", ["lamp_on"]),
    ],
)
@pytest.mark.parametrize("shown", [True, False])
def test_who_only_binds_a_function_does_not_run_it(does, names, shown):
    source = START + PIN % does + PINNED
    line = 1 + source[: source.index("pin->kill(pin)")].count("\n")
    site = CallerSite("pin_kill", "a.c", line, static=True, kind="function", function_line=line - 2)
    given = 1 + source[: source.index(", f)")].count("\n")
    use = AddressUse("f", "a.c", given, "argument", "on", callee="pin_init", argument=1)
    images = build([facts("a.c", source)], kernel(), {"a.c": None}) if shown else None
    tree = Tree({"a.c": source}, [use], {"kill": (site,)})
    found = walk.ways(tree, kernel(), "f", "a.c", (), images)
    assert [way.name for way in found.ways] == names


def test_a_helper_of_everybody_is_named_and_not_followed():
    users = "".join(one(f"user{n}", "helper") for n in range(30))
    source = START + one("helper", "f") + users
    source += one("lamp_off", "helper", head="SYSCALL_DEFINE1({}, int, fd)")
    source += one("other", "user3", head="SYSCALL_DEFINE1({}, int, fd)")
    found = ways(source)
    assert found.hubs == ("helper",)
    assert [w.name for w in found.ways] == ["lamp_off"]


def test_what_a_helper_of_everybody_is_called_for_is_told():
    callers = "".join(one(f"g{n}", "device_del") for n in range(25))
    found = ways(START + one("device_del", "f") + callers)
    assert (found.ways, found.hubs, found.complete) == ((), ("device_del",), False)
    assert [(e.name, e.chain, e.event) for e in found.classes] == [
        ("device_del", ("device_del", "f"), "driver unbind, rmmod or hot unplug")
    ]
    # where something failed it is called for nothing
    undone = "static void device_del(int err)\n{\n\tif (err)\n\t\tf(err);\n}\n"
    assert ways(START + undone + callers).classes == ()


def test_a_walk_that_gets_too_deep_is_cut():
    steps = "".join(one(f"f{n}", f"f{n - 1}" if n else "f") for n in range(20))
    found = ways(START + steps + one("lamp_off", "f19", head="SYSCALL_DEFINE1({}, int, fd)"))
    assert (found.ways, found.cut) == ((), True)


# -- rows that a tree derives --------------------------------------------------------------


def derived(source, name="f", path="a.c"):
    files = {"a.c": source} if isinstance(source, str) else source
    return derive(Tree(files), kernel(), name, path)


def test_a_function_that_reaches_a_release_is_one():
    found = derived(one("f", "inner") + one("inner", "kfree", "fput"))
    assert (found.cleanup.name, found.chain) == ("fput", ("f", "inner"))
    row = found.row()
    assert (row.name, row.family, row.kind) == ("f", "file", "wrap")
    assert (row.task, row.deferred) == ("before-return-to-user", "eventually")
    assert row.source.evidence == "reaches fput(): f -> inner -> fput"


def test_the_nearest_release_is_taken():
    found = derived(one("f", "inner", "dput") + one("inner", "fput"))
    assert found.cleanup.name == "dput"


@pytest.mark.parametrize("callee", ["kfree", "put_net", "count", "queue_work"])
def test_memory_what_defers_itself_and_others_derive_nothing(callee):
    assert derived(one("f", callee)) is None


def test_another_file_is_entered_through_names_like_a_teardown():
    other = one("lamp_put", "iput", head="void {}(struct lamp *l)")
    other += one("lamp_walk", "iput", head="void {}(struct lamp *l)")
    assert derived({"a.c": one("f", "lamp_put"), "b.c": other}).cleanup.name == "iput"
    assert derived({"a.c": one("f", "lamp_walk"), "b.c": other}) is None


def test_cycles_and_unknown_functions_derive_nothing():
    assert derived(one("f", "g") + one("g", "f")) is None
    assert derived(START, name="who") is None


# -- shown ---------------------------------------------------------------------------------


def tree():
    root = Branch("f", "a.c:1")
    left = root.child("left")
    left.child("fput").note = 'file, "late"'
    root.child("right")
    return root


TEXT = """\
f  [a.c:1]
├─ left
│  └─ fput  [file, "late"]
└─ right
"""
DOT = """\
digraph patchlint {
  rankdir=LR;
  node [shape=box];
  "f" -> "left";
  "left" -> "fput";
  "f" -> "right";
  "f" [tooltip="a.c:1"];
  "fput" [tooltip="file, 'late'"];
}
"""
MERMAID = """\
flowchart LR
  f0["f  [a.c:1]"]
  f1["left"]
  f2["fput  [file, 'late']"]
  f3["right"]
  f0 --> f1
  f1 --> f2
  f0 --> f3
"""


def test_shown_as_text():
    assert show.text(tree()) == TEXT


def test_shown_as_dot():
    assert show.dot(tree(), up=False) == DOT
    assert '"left" -> "f";' in show.dot(tree(), up=True)


def test_shown_as_mermaid():
    assert show.mermaid(tree(), up=False) == MERMAID
    assert "f1 --> f0" in show.mermaid(tree(), up=True)


def test_a_child_is_made_once():
    root = Branch("f")
    assert root.child("g") is root.child("g")
    assert len(root.branches) == 1


def test_upwards_leads_to_entry_points_with_their_context():
    found = ways(START + one("middle", "f") + SYSCALL)
    assert show.text(show.upwards("f", found)) == (
        "f\n└─ middle\n   └─ lamp_off  [task: syscall]\n"
    )


def test_downwards_leads_to_releases_alone():
    source = one("f", "inner", "count") + one("inner", "fput", "dput") + one("count", "g")
    root = show.downwards(Tree({"a.c": source}), kernel(), "f", "a.c")
    assert show.text(root) == (
        "f  [a.c:1]\n"
        "└─ inner  [a.c:6]\n"
        "   ├─ fput  [file, before-return-to-user in a task, eventually elsewhere]\n"
        "   └─ dput  [dentry, before-call-returns in a task, before-call-returns elsewhere]\n"
    )
    narrow = show.text(show.downwards(Tree({"a.c": source}), kernel(), "f", "a.c", "dput"))
    assert "fput" not in narrow
    assert "dput" in narrow


def test_downwards_says_when_there_is_nothing():
    nothing = show.downwards(Tree({"a.c": one("f", "g")}), kernel(), "f", "a.c")
    assert show.text(nothing) == "f  [releases nothing that is known]\n"
    assert show.downwards(Tree({"a.c": START}), kernel(), "who", None) is None


ENDS = """\
static void f(struct lamp *l)
{
	iput(l->inode);
}

SYSCALL_DEFINE1(lamp_on, int, fd)
{
	struct lamp *l = lamp_get(fd);

	if (lamp_light(l) < 0)
		goto err_put;
	return 0;
err_put:
	f(l);
	return -EIO;
}

"""
OFF = "SYSCALL_DEFINE1(lamp_off, int, fd)\n{\n\tf(lamp_get(fd));\n\treturn 0;\n}\n"
#: what is done when all before it was well
WELL = """\
SYSCALL_DEFINE1(lamp_off, int, fd)
{
	int ret = lamp_may_go(fd);

	if (!ret)
		ret = f(lamp_get(fd));
	return ret;
}
"""


@pytest.mark.parametrize(
    ("source", "told_"),
    [
        (ENDS, [("lamp_on", True)]),
        (ENDS + OFF, [("lamp_off", False)]),
        (ENDS + WELL, [("lamp_off", False)]),
    ],
)
def test_an_entry_that_comes_there_when_something_failed_is_told_only_without_others(source, told_):
    images = build([facts("a.c", source)], kernel(), {"a.c": None})
    found = walk.ways(Tree({"a.c": source}), kernel(), "f", "a.c", (), images)
    failed = {w.name: w.marks.failed for w in found.ways}
    assert [(e.name, failed[e.name]) for e in found.entry_points] == told_


def entry_names(source, **more):
    return [entry.name for entry in ways(source, **more).entry_points]


OFF = """\
SYSCALL_DEFINE1(lamp_off, int, fd)
{
	f(lamp_of(fd));
	return 0;
}
"""
PUT = one("lamp_put", "iput", head="void {}(struct lamp *l)")
PUT_OFF = OFF.replace("f(", "lamp_put(")


@pytest.mark.parametrize(
    "body",
    [
        # what it took, found or made itself
        "\tlamp_get(l);\n\tlamp_put(l);\n",
        "\tl = lamp_lookup(fd);\n\tlamp_put(l);\n",
        "\tl = lamp_alloc(fd);\n\tlamp_put(l);\n",
        "\tlamp_create(fd, &l);\n\tlamp_put(l);\n",
        # where something failed
        "\terr = lamp_on(l);\n\tif (err)\n\t\tlamp_put(l);\n",
        "\tint no = lamp_on(l);\n\n\tif (no < 0)\n\t\tlamp_put(l);\n",
        "\tif (x)\n\t\tgoto err_put;\n\treturn 0;\nerr_put:\n\tlamp_put(l);\n\treturn -EIO;\n",
    ],
)
def test_who_only_undoes_what_he_did_is_no_entry_where_there_are_others(body):
    other = f"SYSCALL_DEFINE1(lamp_ask, int, fd)\n{{\n\tstruct lamp *l;\n\n{body}}}\n"
    assert entry_names(PUT + other, name="lamp_put") == ["lamp_ask"]
    assert entry_names(PUT + other + PUT_OFF, name="lamp_put") == ["lamp_off"]


@pytest.mark.parametrize(
    "body",
    [
        # what was there before, taken out to end it
        "\tl = lamp_remove_get(fd);\n\tlamp_put(l);\n",
        # the first argument holds what is released, and was taken for that
        "\tns = ns_get(fd);\n\tlamp_destroy(ns, l);\n",
        # taken below
        "\tlamp_put(l);\n\tlamp_get(l);\n",
    ],
)
def test_who_ends_what_was_there_before_is_an_entry(body):
    destroy = one("lamp_destroy", "lamp_put", head="void {}(struct ns *n, struct lamp *l)")
    other = f"SYSCALL_DEFINE1(lamp_shut, int, fd)\n{{\n\tstruct lamp *l = x;\n\n{body}}}\n"
    found = ways(PUT + destroy + other + PUT_OFF, name="lamp_put")
    assert not any(way.marks.aside for way in found.ways)
    assert "lamp_shut" in [entry.name for entry in found.entry_points]


def test_a_function_that_is_come_to_both_ways_is_an_entry():
    middle = one("middle", "lamp_put")
    ask = "void ask(int fd)\n{\n\tstruct lamp *l = lamp_find(fd);\n\n\tlamp_put(l);\n}\n"
    entry = "SYSCALL_DEFINE1(lamp_both, int, fd)\n{\n\task(fd);\n\tmiddle(all);\n}\n"
    found = ways(PUT + ask + middle + entry, name="lamp_put")
    assert [one.chain for one in found.entry_points] == [("lamp_both", "middle", "lamp_put")]


def test_what_is_named_for_an_end_comes_first():
    both = OFF.replace("lamp_off", "lamp_dim") + OFF.replace("lamp_off", "lamp_close")
    assert entry_names(START + both) == ["lamp_close", "lamp_dim"]
    by_tables = [initializer("struct file_operations", m) for m in ("unlocked_ioctl", "release")]
    (first,) = ways(START, by_tables).entry_points
    assert first.said == "file_operations.release"


class Searched(Tree):
    """The same without an index: what is asked of all files at once is noted."""

    searched = True

    def __init__(self, *given):
        super().__init__(*given)
        self.asked = []

    def is_local(self, name, path):
        return any(f.static for f in self.functions if (f.name, f.path) == (name, path))

    def undefined_near(self, names):
        known = {(f.name, f.path) for f in self.functions}
        return frozenset(name for name, path in names if (name, path) not in known)

    def prepare(self, names, members=()):
        shared = {name for name in names if not self.is_local(name, "a.c")}
        if shared or members:
            self.asked.append((*sorted(shared), *sorted(members)))


def climb(height, *, head, most):
    """A walk up ``height`` functions to a system call that may cost ``most`` searches."""
    steps = [one(f"f{at}", f"f{at - 1}", head=head) for at in range(1, height)]
    text = one("f0", "iput", head=head) + "".join(steps)
    text += one("lamp_off", f"f{height - 1}", head="SYSCALL_DEFINE1({}, int, fd)")
    tree = Searched({"a.c": text})
    searches = Searches(most)
    return tree, searches, walk.ways(tree, kernel(), "f0", "a.c", searches=searches)


def test_a_tree_without_an_index_is_searched_so_often_and_no_more():
    tree, searches, found = climb(6, head="void {}(struct lamp *l)", most=3)
    assert tree.asked == [("f0",), ("f1",), ("f2",)]
    assert (told(found), found.cut, found.unsearched, searches.refused) == ([], True, True, True)
    assert not found.complete


def test_searches_that_are_enough_leave_nothing_out():
    _, searches, found = climb(3, head="void {}(struct lamp *l)", most=3)
    assert told(found) == [("lamp_off", "syscall", "task", "certain", True)]
    assert (found.cut, found.unsearched, searches.refused) == (False, False, False)


def test_functions_of_one_file_take_no_search():
    tree, searches, found = climb(6, head="static void {}(struct lamp *l)", most=0)
    assert told(found) == [("lamp_off", "syscall", "task", "certain", True)]
    assert (tree.asked, searches.made, found.complete) == ([], 0, True)


def test_with_an_index_a_walk_is_bounded_by_no_searches():
    tree = Searched(
        {
            "a.c": one("f", "iput", head="void {}(struct lamp *l)")
            + one("lamp_off", "f", head="SYSCALL_DEFINE1({}, int, fd)")
        }
    )
    tree.searched = False
    found = walk.ways(tree, kernel(), "f", "a.c", searches=Searches(0))
    assert told(found) == [("lamp_off", "syscall", "task", "certain", True)]
    assert not found.cut


def test_what_was_asked_once_costs_nothing_more():
    searches = Searches(1)
    assert not searches.lacking({"f", "g"})
    assert not searches.lacking({"g"})
    assert searches.lacking({"g", "h"}) == {"h"}
    assert (searches.made, searches.refused) == (1, True)


@pytest.mark.parametrize(("most", "names"), [(4, ["run_lamp"]), (1, ["lamp_start"])])
def test_a_helper_that_is_not_searched_for_runs_what_it_is_given(most, names):
    # with it read it is known to keep the function in a member, whose callers are asked for
    keeper = "void keep(struct lamp *l, int (*end)(struct lamp *l))\n{\n\tl->end = end;\n}\n"
    runner = "void run_lamp(struct lamp *l)\n{\n\tl->end(l);\n}\n"
    starter = "static void lamp_start(struct lamp *l)\n{\n\tkeep(l, f);\n}\n"
    given = AddressUse("f", "a.c", 8, "argument", "lamp_start", callee="keep", argument=1)
    site = CallerSite("run_lamp", "b.c", 7, static=False, kind="function", function_line=5)
    text = one("f", "iput", head="void {}(struct lamp *l)")
    tree = Searched({"a.c": text + starter, "b.c": keeper + runner}, [given], {"end": [site]})
    found = walk.ways(tree, kernel(), "f", "a.c", searches=Searches(most))
    assert found.ends == tuple(names)
