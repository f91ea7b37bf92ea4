"""A user's home, a repository that looks like a kernel, and branches to send."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import ClassVar

AUTHOR = "Ada Author <ada@example.org>"
PROGRAM = [sys.executable, "-P", "-m", "patchlint.cli.main"]
SOURCE = Path(__file__).resolve().parents[2]

BEFORE = """\
#include <linux/list.h>
#include <linux/mount.h>
#include <linux/syscalls.h>
#include <linux/workqueue.h>

struct tree_node {
	struct list_head link;
	struct vfsmount *mnt;
};

static void drop_tree(struct tree_node *node)
{
	mntput(node->mnt);
	kfree(node);
}

static int detach_one(const char *name)
{
	struct tree_node *node = find_node(name);

	if (!node)
		return -ENOENT;
	list_del(&node->link);
	drop_tree(node);
	return 0;
}

SYSCALL_DEFINE1(detach_tree, const char __user *, name)
{
	return detach_one(name);
}
"""

AFTER = BEFORE.replace(
    "	struct vfsmount *mnt;\n", "	struct vfsmount *mnt;\n	struct work_struct work;\n"
).replace(
    """static void drop_tree(struct tree_node *node)
{
	mntput(node->mnt);
	kfree(node);
}
""",
    """static void drop_tree_work(struct work_struct *work)
{
	struct tree_node *node = container_of(work, struct tree_node, work);

	mntput(node->mnt);
	kfree(node);
}

static void drop_tree(struct tree_node *node)
{
	INIT_WORK(&node->work, drop_tree_work);
	queue_work(system_unbound_wq, &node->work);
}
""",
)

FIRST = "	if (!node)\n		return -ENOENT;\n"
FIRST_NEW = "	if (IS_ERR_OR_NULL(node))\n		return -ENOENT;\n"


class Kit:
    """Everything that a test of an integration stands on."""

    template: ClassVar[list[Path]] = []

    def __init__(self, root, monkeypatch):
        self.root = root
        self.home = root / "home"
        self.home.mkdir()
        for name in list(os.environ):
            if name.startswith(("GIT_", "PATCHLINT_", "B4_", "PRE_COMMIT", "EMAIL")):
                monkeypatch.delenv(name)
        old = os.environ.get("PYTHONPATH", "")
        for name, value in {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_DATA_HOME": str(self.home / ".local"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONPATH": str(SOURCE) + (os.pathsep + old if old else ""),
            "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"],
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(root)
        self.monkeypatch = monkeypatch
        self.repo = root / "linux"

    def call(self, *argv, cwd=None, stdin=b"", status=0, env=None):
        """Run a program; return its standard output and error, as text."""
        done = subprocess.run(
            [str(a) for a in argv],
            cwd=cwd or self.repo,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=120,
            env={**os.environ, **(env or {})},
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert status is None or done.returncode == status, (argv, done.returncode, out, err)
        return out, err

    def git(self, *argv, cwd=None, status=0, env=None):
        return self.call("git", *argv, cwd=cwd, status=status, env=env)[0]

    def patchlint(self, *argv, cwd=None, stdin=b"", status=0, env=None):
        return self.call(*PROGRAM, *argv, cwd=cwd, stdin=stdin, status=status, env=env)

    def make_repo(self):
        """Put the repository in place: one commit, then a branch ``topic`` of three.

        It is built once for each process and copied from then on.
        """
        if not Kit.template:
            place = Path(tempfile.mkdtemp(prefix="patchlint-repo-"))
            atexit.register(shutil.rmtree, place, ignore_errors=True)
            self._build()
            shutil.copytree(self.repo, place / "linux", symlinks=True)
            shutil.copy(self.home / ".gitconfig", place)
            Kit.template.append(place)
        else:
            shutil.copytree(Kit.template[0] / "linux", self.repo, symlinks=True)
            shutil.copy(Kit.template[0] / ".gitconfig", self.home)
        return self

    def _build(self):
        self.repo.mkdir()
        self.git("init", "-q", "-b", "master", ".")
        self.git("config", "--global", "user.name", "Ada Author")
        self.git("config", "--global", "user.email", "ada@example.org")
        for name in ("MAINTAINERS", "Kbuild", "Makefile", "include/linux/mount.h"):
            path = self.repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("# a small kernel\n" if "." not in name else "struct vfsmount;\n")
        (self.repo / "fs").mkdir()
        self.write(BEFORE)
        self.commit("fs: start")
        self.git("checkout", "-q", "-b", "topic")
        self.write(BEFORE.replace(FIRST, FIRST_NEW))
        self.commit("fs: look at error pointers as well")
        self.write(AFTER.replace(FIRST, FIRST_NEW))
        self.commit("fs: drop trees from a work item")
        (self.repo / "README").write_text("A word on trees.\n")
        self.commit("docs: a word on trees")

    def write(self, text):
        (self.repo / "fs/mounts.c").write_text(text)

    def commit(self, title):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"{title}\n\nBecause.\n\nSigned-off-by: {AUTHOR}")

    def patches(self, *options, name="out", revisions="master..topic"):
        """Write the branch as mails; return their paths in order."""
        self.git("format-patch", "-q", "-o", self.root / name, *options, revisions)
        return sorted((self.root / name).iterdir())

    def mbox(self, *options, revisions="master..topic"):
        """Return the branch as one mbox."""
        return self.git("format-patch", "--stdout", *options, revisions).encode()
