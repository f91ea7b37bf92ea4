"""Series of our own small C: states of a few files in, mails as git would send them out."""

from __future__ import annotations

import difflib
import os
import subprocess

DIRECT = """\
#include "lamp.h"

void lamp_close(struct lamp *lamp)
{
	lamp_dark(lamp);
	iput(lamp->inode);
}

SYSCALL_DEFINE1(lamp_off, int, fd)
{
	lamp_close(lamp_of(fd));
	return 0;
}
"""
WITH_CALLBACK = DIRECT.replace(
    "void lamp_close",
    """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
}

void lamp_close""",
    1,
)
QUEUED = WITH_CALLBACK.replace(
    "\tlamp_dark(lamp);\n\tiput(lamp->inode);\n",
    "\tlamp_dark(lamp);\n\tINIT_WORK(&lamp->work, lamp_gone);\n\tschedule_work(&lamp->work);\n",
)
TIDY = QUEUED.replace("\treturn 0;\n", "\tlamp_count--;\n\treturn 0;\n")
PATH = "fs/lamp.c"


def diff(before, after):
    """A diff of two states (path -> text), as git writes it."""
    parts = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        head = f"diff --git a/{path} b/{path}\n"
        if old is None:
            head += "new file mode 100644\n"
        if new is None:
            head += "deleted file mode 100644\n"
        lines = difflib.unified_diff(
            (old or "").splitlines(keepends=True),
            (new or "").splitlines(keepends=True),
            "/dev/null" if old is None else f"a/{path}",
            "/dev/null" if new is None else f"b/{path}",
        )
        parts.append(head + "".join(lines))
    return "".join(parts)


def mail(text, number=1, total=1, *, version=1, message="Say why.", day=2):
    """One patch mail with ``text`` as its diff."""
    tag = "PATCH" + (f" v{version}" if version > 1 else "")
    tag += f" {number}/{total}" if total > 1 else ""
    first = f"<lamp-v{version}-1@example.org>"
    parent = f"In-Reply-To: {first}\nReferences: {first}\n" if number > 1 else ""
    return (
        "From: A. Author <author@example.org>\n"
        f"Date: Mon, {day} Mar 2026 10:00:{number:02} +0000\n"
        f"Subject: [{tag}] lamp: part {number}\n"
        f"Message-ID: <lamp-v{version}-{number}@example.org>\n{parent}\n"
        f"{message}\n\nSigned-off-by: A. Author <author@example.org>\n"
        f"---\n{text}-- \n2.43.0\n"
    )


def mails(*states, version=1, message="Say why."):
    """The patches from each state to the next; a state is the text of one file, or files."""
    trees = [{PATH: state} if isinstance(state, str) else state for state in states]
    total = len(trees) - 1
    return [
        mail(diff(trees[n - 1], trees[n]), n, total, version=version, message=message)
        for n in range(1, total + 1)
    ]


def mbox(texts):
    """The mails as one mbox."""
    separator = f"From {'0' * 40} Mon Sep 17 00:00:00 2001\n"
    return "".join(f"{separator}{text}\n" for text in texts)


def environment(home):
    """An environment for git without anybody's configuration."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A. Author",
        "GIT_AUTHOR_EMAIL": "author@example.org",
        "GIT_COMMITTER_NAME": "A. Author",
        "GIT_COMMITTER_EMAIL": "author@example.org",
    }


def git(folder, *arguments):
    """Run git in ``folder`` without anybody's configuration."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, env=environment(folder))
    return done.stdout.decode()


def repository(folder, *states):
    """A repository with one commit for each state; HEAD is the last."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number, state in enumerate(states):
        tree = {PATH: state} if isinstance(state, str) else state
        for path, text in tree.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", f"lamp: state {number}")
    return folder
