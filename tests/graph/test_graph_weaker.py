"""A release that gave way to a weaker one of the same thing, with nothing queued."""

from __future__ import annotations

import pytest
from graph_kit import downgrades


def body(*lines, name="lamp_kill_sb", more="struct super_block *l"):
    return f"void {name}({more})\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n\n"


def told(before, after):
    """What is found: release, what stands for it now, by when, level."""
    return [
        (d.cleanup, d.after.mechanism, d.after.guarantee, d.level_cap)
        for d in downgrades(before, after)
    ]


RETURN = "before-return-to-user"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "sock_release(l->sock);",
            "sockfd_put(l->sock);",
            ("sock_release", "sockfd_put", RETURN, "warning"),
        ),
        ("sock_release(l->sock);", "fput(l->file);", ("sock_release", "fput", RETURN, "warning")),
        ("__fput_sync(l->file);", "fput(l->file);", ("__fput_sync", "fput", RETURN, "warning")),
        (
            "bpf_link_put_direct(l->link);",
            "bpf_link_put(l->link);",
            ("bpf_link_put_direct", "bpf_link_put", "eventually", "warning"),
        ),
        (
            "if (l->bdev)\n\t\tblkdev_put(l->bdev, l);\n\tl->bdev = NULL;",
            "if (l->bdev_file)\n\t\tfput(l->bdev_file);\n\tl->bdev_file = NULL;",
            ("blkdev_put", "fput", RETURN, "warning"),
        ),
    ],
)
def test_what_takes_its_place_is_done_later(old, new, found):
    before, after = body("lamp_dark(l);", old), body("lamp_dark(l);", new)
    assert told(before, after) == [found]
    assert told(after, before) == []


def test_the_variable_may_be_another_one():
    head = {"more": "struct lamp *l, struct lamp_handle *handle"}
    other = {"more": "struct lamp *l, struct file *held"}
    before = body("lamp_dark(l);", "bdev_release(handle);", **head)
    after = body("lamp_dark(l);", "fput(held);", **other)
    assert told(before, after) == [("bdev_release", "fput", RETURN, "note")]
    # a file that was there before is no other word for it
    both = {"more": "struct lamp_handle *handle, struct file *held"}
    before = body("lamp_dark(held);", "bdev_release(handle);", **both)
    assert told(before, body("lamp_dark(held);", "fput(held);", **both)) == []


def test_inside_of_the_call_it_tells_only_where_something_ends():
    before = body("lamp_dark(l);", "sock_release(l->sock);", name="lamp_probe")
    after = body("lamp_dark(l);", "sockfd_put(l->sock);", name="lamp_probe")
    assert told(before, after) == [("sock_release", "sockfd_put", RETURN, "note")]
    # the name of a teardown alone is mostly the last step of a task
    before = body(
        "lamp_dark(l);", "sock_release(l->sock);", name="lamp_close", more="struct lamp *l"
    )
    after = body("lamp_dark(l);", "sockfd_put(l->sock);", name="lamp_close", more="struct lamp *l")
    assert told(before, after) == [("sock_release", "sockfd_put", RETURN, "note")]
    # at any later time it is too late for user space wherever it stood
    before = body("lamp_dark(l);", "bpf_link_put_direct(l->link);", name="lamp_probe")
    after = body("lamp_dark(l);", "bpf_link_put(l->link);", name="lamp_probe")
    assert [one[3] for one in told(before, after)] == ["warning"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # nothing weaker
        ("filp_close(l->file, NULL);", "fput(l->file);"),
        ("iput(l->inode);", "dput(l->dentry);"),
        # the release is there still
        ("iput(l->inode);", "fput(l->file);\n\tiput(l->other);"),
        ("iput(l->inode);", "fput(l->file);\n\tlamp_drop(l);"),
        ("iput(l->inode);\n\tlamp_off(l);", "fput(l->file);\n\tlamp_off(l);\n\tiput(l->inode);"),
        # of nothing that both know
        ("iput(lamp_inode);", "fput(l->file);"),
        ("sock_release(l->sock);", "mntput(l->mnt);"),
        ("iput(l->inode);", "lamp_dim(l);"),
        # and waited for
        ("sock_release(l->sock);", "fput(l->file);\n\tflush_delayed_fput();"),
        # what is freed nobody sees
        ("kfree(l->name);", "fput(l->file);"),
    ],
)
def test_what_is_no_weaker_release_of_the_same_thing_is_none(old, new):
    drop = body("iput(l->inode);", name="lamp_drop")
    before, after = body("lamp_dark(l);", old), body("lamp_dark(l);", new)
    assert told(drop + before, drop + after) == []


def test_on_an_error_path_nobody_waits_for_it():
    def opened(last):
        return body(
            "if (lamp_light(l))",
            "\tgoto fail;",
            "return;",
            "fail:",
            f"\t{last}",
            name="lamp_open",
        )

    before, after = opened("sock_release(l->sock);"), opened("sockfd_put(l->sock);")
    assert told(before, after) == []


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [
        ("sock_release(l->sock);", "sockfd_put(l->sock);", "warning"),
        ("bpf_link_put_direct(l->link);", "bpf_link_put(l->link);", "error"),
    ],
)
def test_a_system_call_loses_only_what_is_not_done_when_it_returns(old, new, level):
    entry = "SYSCALL_DEFINE1(lamp_off, int, fd)\n{\n\tlamp_kill_sb(lamp_of(fd));\n\treturn 0;\n}\n"
    found = downgrades(body("lamp_dark(l);", old) + entry, body("lamp_dark(l);", new) + entry)
    assert [one.level_cap for one in found] == [level]
