"""Which command leads down a chain of callers, and which entry of several is told first."""

from __future__ import annotations

import pytest
from graph_kit import facts, kernel
from msgspec.structs import replace
from test_graph_whole_tree import Tree

from patchlint.graph.commands import commands
from patchlint.graph.guards import atoms
from patchlint.graph.reach import walk
from patchlint.graph.reach.entry_text import beside, filled, given
from patchlint.model.tree import AddressUse

START = "static void f(struct lamp *l)\n{\n\tiput(l);\n}\n"
#: ksys_lamp() has two commands that lead on, lamp_down() tells which of them does
LAMP = """
static int lamp_down(struct lamp *l, int order)
{
	switch (order) {
	case IPC_RMID:
		f(l);
		break;
	case IPC_SET:
		return 0;
	}
	return 0;
}

static long ksys_lamp(int id, int cmd)
{
	struct lamp *l = lamp_find(id);

	switch (cmd) {
	case IPC_RMID:
	case IPC_SET:
		return lamp_down(l, (int)cmd);
	}
	return 0;
}

SYSCALL_DEFINE2(shmctl, int, id, int, cmd)
{
	return ksys_lamp(id, cmd);
}
"""


def ways(source, uses=(), members=None):
    return walk.ways(Tree({"a.c": START + source}, uses, members), kernel(), "f", "a.c")


def steps(source, *names):
    known = {one.name: one for one in facts("a.c", START + source).functions}
    return [
        (
            known[name],
            [(call.conditions, call.args) for call in known[name].calls if call.callee == below],
        )
        for name, below in zip(names, (*names[1:], "f"), strict=True)
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "", ("IPC_RMID",)),
        # passed on as something else, asked of something else, asked for by none
        ("lamp_down(l, (int)cmd)", "lamp_down(l, cmd + 1)", ("IPC_RMID", "IPC_SET")),
        ("switch (cmd) {\n\tcase IPC_RMID:\n\tcase IPC_SET:", "{", ("IPC_RMID",)),
        ("switch (cmd)", "switch (l->cmd)", ("IPC_RMID",)),
        ("lamp_down(l, (int)cmd)", "lamp_down(l, l->cmd)", ("IPC_RMID", "IPC_SET")),
        # the walk keeps one way to a function: what is asked further down counts
        ("case IPC_RMID:\n\tcase IPC_SET:", "case IPC_STAT:", ("IPC_RMID",)),
        # one of many is none
        ("case IPC_RMID:\n\t\tf(l);", "default:\n\t\tf(l);", ("IPC_RMID", "IPC_SET")),
    ],
)
def test_what_is_asked_of_an_argument_on_the_way_tells_the_command(old, new, told):
    source = LAMP.replace(old, new, 1) if old else LAMP
    assert commands(steps(source, "ksys_lamp", "lamp_down")) == told


def test_no_command_is_told_where_a_call_needs_none():
    source = LAMP.replace("\treturn 0;\n}\n", "\tf(l);\n\treturn 0;\n}\n", 1)
    assert commands(steps(source, "lamp_down")) == ()


def test_a_system_call_is_told_with_its_command():
    (entry,) = ways(LAMP).entry_points
    assert (entry.name, entry.said) == ("shmctl", "shmctl(IPC_RMID)")


def test_an_ioctl_is_told_by_its_command():
    source = """
static long lamp_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case LAMP_CLR_FD:
		f(file->private_data);
		return 0;
	}
	return -ENOTTY;
}
"""
    table = AddressUse("lamp_ioctl", "a.c", 40, "initializer", struct="struct file_operations")
    held = replace(table, variable="ops", member="unlocked_ioctl")
    (entry,) = ways(source, [held]).entry_points
    assert (entry.said, entry.event) == ("file_operations.unlocked_ioctl", "ioctl(LAMP_CLR_FD)")
    (entry,) = ways(source.replace("case LAMP_CLR_FD", "default"), [held]).entry_points
    assert (entry.said, entry.event) == ("file_operations.unlocked_ioctl", "")


EXIT = "\nSYSCALL_DEFINE1(exit, int, code)\n{\n\tf(current->lamp);\n}\n"


def test_what_ends_all_of_a_process_is_told_behind_what_is_called_to_end_one_thing():
    assert [one.said for one in ways(EXIT + LAMP).entry_points] == ["shmctl(IPC_RMID)", "exit"]


def test_a_call_that_comes_by_members_alone_is_known_by_where_it_comes_to():
    source = "\nstatic void shm_close(struct vm_area_struct *vma)\n{\n\tf(vma->lamp);\n}\n" + EXIT
    found = ways(source).entry_points
    assert [(one.name, one.chain[:2]) for one in found] == [
        ("shmdt", ("shmdt", "shm_close")),
        ("exit", ("exit", "f")),
    ]


def many(name):
    return "".join(f"\nvoid user{at}(void)\n{{\n\t{name}(0);\n}}\n" for at in range(25))


HUB = "\nvoid mmput(struct mm_struct *mm)\n{\n\tf(mm);\n}\n" + many("mmput")
RARE = "\nSYSCALL_DEFINE1(process_madvise, int, fd)\n{\n\tmmput(0);\n}\n"


def test_of_a_helper_of_everybody_the_few_callers_that_are_followed_are_not_told():
    found = ways(HUB + RARE)
    assert [way.name for way in found.ways] == ["process_madvise"]
    (entry,) = found.entry_points
    assert (entry.name, entry.event) == ("mmput", "exit or execve(2)")


def test_where_others_come_there_as_well_they_are_told():
    assert [one.name for one in ways(HUB + RARE + EXIT).entry_points] == ["exit"]


def test_of_a_helper_of_which_nothing_is_known_those_that_are_followed_are_told():
    found = ways((HUB + RARE).replace("mmput", "lamp_of_all"))
    assert [one.name for one in found.entry_points] == ["process_madvise"]


TABLE = """
static lamp_fn lookup_lamp(unsigned int cmd)
{
	static const struct {
		int cmd;
		int flags;
		lamp_fn fn;
	} table[] = {
		{LAMP_NEW_CMD, 0, lamp_new}, /* lamp_off comes next */
		{LAMP_OFF_CMD, 0, lamp_off},
	};

	return table[cmd].fn;
}

static void lamp_off(struct lamp *l)
{
	f(l);
}

static long lamp_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	lamp_fn fn = lookup_lamp(_IOC_NR(cmd));

	return fn(file->private_data);
}
"""


def test_an_ioctl_whose_table_is_looked_up_is_told_by_the_entry():
    table = AddressUse("lamp_ioctl", "a.c", 60, "initializer", struct="struct file_operations")
    held = replace(table, variable="ops", member="unlocked_ioctl")
    (entry,) = ways(TABLE, [held]).entry_points
    assert (entry.name, entry.event) == ("lamp_ioctl", "ioctl(LAMP_OFF_CMD)")


def test_a_request_is_told_by_what_its_table_says_of_it():
    source = """
static const struct genl_ops lamp_ops[] = {
	{ .cmd = LAMP_CMD_NEW, .doit = lamp_new },
	{
		.cmd = LAMP_CMD_OFF,
		.flags = GENL_ADMIN_PERM,
		.doit = lamp_off,
	},
};

static int lamp_off(struct sk_buff *skb, struct genl_info *info)
{
	f(info->user_ptr[0]);
	return 0;
}
"""
    use = AddressUse("lamp_off", "a.c", 12, "initializer", struct="struct genl_ops")
    (entry,) = ways(source, [replace(use, variable="lamp_ops", member="doit")]).entry_points
    assert (entry.kind, entry.event) == ("netlink operation", "LAMP_CMD_OFF")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("= {\n\t[LAMP_OFF]\t= { .call = lamp_off, .attrs = 3 },\n};", [{"index": "LAMP_OFF"}]),
        ("= {\n\t[_IOC_NR(LAMP_OFF)] = lamp_off,\n\t[1] = f,\n};", [{"index": "LAMP_OFF"}]),
        ("= {\n\t{LAMP_OFF, MAY_WAIT, lamp_off},\n};", [{"constant": "LAMP_OFF"}]),
        (
            "= {\n\t{ .cmd = LAMP_OFF, .f = lamp_off },\n\t{ .cmd = LAMP_DIM, .f = lamp_off },\n};",
            [{"cmd": "LAMP_OFF"}, {"cmd": "LAMP_DIM"}],
        ),
        ("= {\n\t{ .cmd = 7, .fn = lamp_off },\n};", [{}]),
        # what is called, compared or given is in no table
        ("(void)\n{\n\tlamp_off(l);\n\tx = lamp_off;\n\tlamp_use(LAMP_OFF, lamp_off);\n}", []),
        ("(void)\n{\n\tif (l->fn == lamp_off)\n\t\treturn;\n}", []),
    ],
)
def test_what_stands_beside_a_function_in_a_table(text, told):
    assert list(beside("static int x[] " + text, "lamp_off")) == told


def test_what_a_registration_is_given_beside_a_function():
    text = (
        "\tlamp_register(PF_LAMP, LAMP_DEL, lamp_off,\n\t\t      NULL, 0);\n\tlamp_register(f(1);\n"
    )
    (told,) = given(text, "lamp_register", "lamp_off")
    assert told["argument1"] == "LAMP_DEL"
    assert given(text, "lamp_register", "lamp") == ()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([{"cmd": "LAMP_OFF"}], "LAMP_OFF"),
        ([{"cmd": "LAMP_OFF"}, {"cmd": "LAMP_DIM"}, {"cmd": "LAMP_OFF"}], "LAMP_OFF or LAMP_DIM"),
        # one that is not told may be any; of many none says what is called
        ([{"cmd": "LAMP_OFF"}, {}], ""),
        ([{"cmd": f"LAMP_{n}"} for n in "ABC"], ""),
        ([], ""),
    ],
)
def test_the_words_of_a_row_are_filled_by_entries(told, words):
    assert filled("{cmd}", told) == words
    assert filled("close(2)", told) == "close(2)"


REQUEST = """
static int lamp_rcv(struct sk_buff *skb, struct nlmsghdr *n)
{
	u16 kind = n->nlmsg_type;

	switch (n->nlmsg_type) {
	case LAMP_MSG_NEW:
		return lamp_new(skb);
	case LAMP_MSG_OFF:
	case LAMP_MSG_GONE:
		f(skb->lamp);
		break;
	}
	return 0;
}

static void lamp_input(struct sk_buff *skb)
{
	lamp_rcv(skb, nlmsg_hdr(skb));
}
"""


def requests(source, struct="netlink_kernel_cfg", member="input", name="lamp_input"):
    table = AddressUse(name, "a.c", 60, "initializer", struct=f"struct {struct}")
    return ways(source, [replace(table, variable="ops", member=member)]).entry_points


@pytest.mark.parametrize(
    ("old", "new", "event"),
    [
        ("", "", "LAMP_MSG_OFF or LAMP_MSG_GONE"),
        ("\tcase LAMP_MSG_OFF:\n", "", "LAMP_MSG_GONE"),
        ("switch (n->nlmsg_type)", "switch (kind)", "LAMP_MSG_OFF or LAMP_MSG_GONE"),
        ("switch (n->nlmsg_type)", "switch (n->nlmsg_flags)", ""),
        ("case LAMP_MSG_OFF:", "case LAMP_MSG_OFF:\n\tcase LAMP_MSG_LOST:", ""),
    ],
)
def test_a_request_is_told_by_the_member_that_says_which_it_is(old, new, event):
    (entry,) = requests(REQUEST.replace(old, new, 1))
    assert (entry.name, entry.event) == ("lamp_input", event)


COMMAND = """
static int lamp_cmd(struct io_uring_cmd *cmd, unsigned int flags)
{
	u32 op = cmd->cmd_op;

	return lamp_run(cmd, op);
}

static int lamp_run(struct io_uring_cmd *cmd, u32 number)
{
	switch (_IOC_NR(number)) {
	case LAMP_CMD_DEL:
		f(cmd->lamp);
	}
	return 0;
}
"""


@pytest.mark.parametrize(
    ("old", "new", "event"),
    [
        ("", "", "io_uring command LAMP_CMD_DEL"),
        ("\treturn lamp_run", "\top = lamp_known(op);\n\treturn lamp_run", ""),
    ],
)
def test_a_command_of_io_uring_is_told_by_its_label(old, new, event):
    (entry,) = requests(COMMAND.replace(old, new, 1), "file_operations", "uring_cmd", "lamp_cmd")
    assert (entry.name, entry.event) == ("lamp_cmd", event)


GIVEN = """
static int lamp_both(struct sk_buff *skb, struct nlmsghdr *n)
{
	if (n->nlmsg_type == RTM_DELLAMP)
		f(skb->lamp);
	return 0;
}

static int __init lamp_init(void)
{
	rtnl_register(PF_UNSPEC, RTM_DELLAMP, lamp_both, NULL, 0);
	rtnl_register(PF_UNSPEC, RTM_GETLAMP, lamp_both, NULL, 0);
	return 0;
}
"""
NEW = "\trtnl_register(PF_UNSPEC, RTM_NEWLAMP, lamp_both, NULL, 0);\n\treturn 0;\n}\n"


@pytest.mark.parametrize(
    ("old", "new", "event"),
    [
        ("", "", "RTM_DELLAMP"),
        ("if (n->nlmsg_type == RTM_DELLAMP)", "if (n->nlmsg_len)", "RTM_DELLAMP or RTM_GETLAMP"),
        (
            "GETLAMP, lamp_both, NULL, 0);\n\treturn 0;\n}\n",
            "GETLAMP, lamp_both, NULL, 0);\n" + NEW,
            "RTM_DELLAMP",
        ),
    ],
)
def test_of_the_requests_that_a_function_is_registered_for_a_test_tells_which(old, new, event):
    use = AddressUse("lamp_both", "a.c", 12, "argument", "lamp_init", callee="rtnl_register")
    (entry,) = ways(GIVEN.replace(old, new, 1), [replace(use, argument=2)]).entry_points
    assert (entry.name, entry.event) == ("lamp_both", event)


def test_the_tests_above_what_was_lost_tell_the_command_in_the_loser_itself():
    source = REQUEST.replace("lamp_rcv(skb, nlmsg_hdr(skb))", "g(skb)")
    table = AddressUse("lamp_rcv", "a.c", 60, "initializer", struct="struct netlink_kernel_cfg")
    held = [replace(table, variable="ops", member="input")]
    (function,) = (one for one in facts("a.c", START + source).functions if one.name == "lamp_rcv")
    (call,) = (one for one in function.calls if one.callee == "f")
    guard = tuple(atom for one in call.conditions for atom in atoms(kernel(), one, "a.c"))
    found = walk.ways(Tree({"a.c": START + source}, held), kernel(), "lamp_rcv", "a.c", guard)
    assert [one.event for one in found.entry_points] == ["LAMP_MSG_OFF or LAMP_MSG_GONE"]
