"""Compares the series of real mails, applied in memory, with ``git apply`` on a tree.

    python tests/bench/apply_agreement.py TREE MAIL...

Prints each file that differs from what git makes of it, and the counts.  Series that git
refuses are counted and passed over.  The tree must be a git repository; an index of its
own is used, and objects go to a temporary folder, so that nothing is written to it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from patchlint.mail.inputs import read_inputs
from patchlint.mail.message import decode
from patchlint.mail.series import group
from patchlint.model.mail import RawMail, Series
from patchlint.patch.apply import WholeImages, whole_images
from patchlint.patch.diff import parse
from patchlint.patch.trees import Tree, open_tree


class Index:
    """An index of a repository at HEAD, to apply patches to."""

    def __init__(self, tree: Path, work: Path) -> None:
        self.tree = tree
        objects = work / "objects"
        objects.mkdir(exist_ok=True)
        common = subprocess.run(
            ["git", "-C", str(tree), "rev-parse", "--absolute-git-dir"],
            capture_output=True, check=True, text=True,
        ).stdout.strip()  # fmt: skip
        self.environment = os.environ | {
            "GIT_INDEX_FILE": str(work / "index"),
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f"{common}/objects",
        }
        self.git("read-tree", "HEAD")
        self.pristine = (work / "index").read_bytes()
        self.file = work / "index"

    def git(self, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", "-C", str(self.tree), *arguments],
            input=data, capture_output=True, check=False, env=self.environment,
        )  # fmt: skip

    def apply(self, series: Series) -> bool:
        """Apply all patches to HEAD; whether git took them all."""
        self.file.write_bytes(self.pristine)
        return all(
            self.git(
                "apply", "--cached", "-", data=patch.diff.encode("utf-8", "surrogateescape")
            ).returncode == 0
            for patch in series.patches
        )  # fmt: skip

    def read(self, path: str) -> bytes | None:
        done = self.git("cat-file", "blob", f":{path}")
        return done.stdout if done.returncode == 0 else None


def differing(index: Index, tree: Tree, whole: WholeImages) -> list[str]:
    """Paths of files that git has otherwise; files of another base are left out."""
    found = sorted(whole.failed)
    for history in whole.files:
        if history.old_path is not None and tree.read(history.old_path) != history.old:
            continue
        if history.new(-1) != index.read(history.path):
            found.append(history.path)
    return found


def main() -> None:
    """Compare all mails."""
    folder, inputs = Path(sys.argv[1]), sys.argv[2:]
    tree = open_tree(folder)
    counts = {"series": 0, "git refuses": 0, "agree": 0, "differ": 0}
    with tempfile.TemporaryDirectory() as work:
        index = Index(folder, Path(work))
        for name in inputs:
            mails = [decode(m) for m in read_inputs([name], None) if isinstance(m, RawMail)]
            for series in group(mails):
                counts["series"] += 1
                if not index.apply(series):
                    counts["git refuses"] += 1
                    continue
                whole = whole_images(tree, [parse(one.diff).files for one in series.patches])
                wrong = differing(index, tree, whole)
                counts["differ" if wrong else "agree"] += 1
                for path in wrong:
                    print(f"{name}: {series.subject}: {path}", flush=True)
    print(counts)


if __name__ == "__main__":
    main()
