"""How often the diff reader agrees with git: a script, not a test.

For each mail that ``git mailinfo`` finds a patch in and ``git apply --numstat`` accepts,
the files with their added and removed lines must be the same.  Give it mboxes, folders
or public-inbox epochs::

    python tests/bench/diff_agreement.py [--newest N] [--show N] INPUT...

A patch without path prefixes is compared at ``-p0`` as well, since git is told the level
by its caller.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from patchlint.mail import public_inbox
from patchlint.mail.inputs import read_inputs
from patchlint.mail.message import decode
from patchlint.model.mail import RawMail
from patchlint.patch.diff import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

Numbers = list[tuple[str, int, int]]


def mails(names: list[str], newest: int | None) -> Iterator[RawMail]:
    """All mails of the inputs, the errors left out; folders are searched for mboxes."""
    for name in names:
        epochs = public_inbox.epochs(Path(name)) if Path(name).is_dir() else ()
        if epochs:
            found = public_inbox.read(name, epochs[-1], newest=newest)
        elif Path(name).is_dir():
            found = read_inputs([str(one) for one in sorted(Path(name).rglob("*.mbox"))] or [name])
        else:
            found = read_inputs([name])
        yield from (one for one in found if isinstance(one, RawMail))


def by_git(data: bytes, folder: Path) -> tuple[Numbers | None, Numbers | None]:
    """What git makes of a mail at -p1 and at -p0; (None, None) when it takes no patch."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent), "LC_ALL": "C"}
    patch = folder / "patch"
    done = subprocess.run(
        ["git", "mailinfo", "message", "patch"],
        input=data.replace(b"\r\n", b"\n"),
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode or not patch.exists() or not patch.stat().st_size:
        return None, None
    first = numstat(folder, environment, 1)
    return (None, None) if first is None else (first, numstat(folder, environment, 0))


def numstat(folder: Path, environment: dict[str, str], level: int) -> Numbers | None:
    """``git apply --numstat`` at one -p level, None when it fails or says nothing."""
    done = subprocess.run(
        ["git", "apply", "--numstat", "-z", f"-p{level}", "patch"],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode or not done.stdout:
        return None
    out: Numbers = []
    for row in done.stdout.decode("utf-8", "replace").rstrip("\0").split("\0"):
        added, removed, path = row.split("\t", 2)
        out.append((path, int(added.replace("-", "0")), int(removed.replace("-", "0"))))
    return sorted(out)


def main() -> int:
    """Print the figures; the exit status is 1 below 99.5 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+")
    parser.add_argument("--newest", type=int, help="of an epoch, only the newest so many mails")
    parser.add_argument("--show", type=int, default=10, help="how many differences to show")
    arguments = parser.parse_args()
    count: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        for raw in mails(arguments.inputs, arguments.newest):
            count["mails"] += 1
            mail = decode(raw)
            ours: Numbers = []
            parsed = None
            if mail.diff_start is not None:
                parsed = parse(mail.body[mail.diff_start :])
                ours = sorted((one.path, one.added, one.removed) for one in parsed.files)
            if not ours and b"@@" not in raw.data and b"base64" not in raw.data:
                continue
            wanted, bare = by_git(raw.data, Path(name))
            if wanted is None:
                count["only we see a patch" if ours else "no patch for either"] += 1
                continue
            count["git accepts"] += 1
            same = ours in (wanted, bare)
            count["same"] += same
            if not same and count["git accepts"] - count["same"] <= arguments.show:
                print("differs:", raw.input, raw.line, mail.message_id, mail.subject)
                print("   git:", [row for row in wanted if row not in ours][:4])
                print("  ours:", [row for row in ours if row not in wanted][:4])
                print("        ", parsed.problems[:3] if parsed else "no diff found")
    for what, number in count.items():
        print(f"{number:8} {what}")
    share = count["same"] / max(count["git accepts"], 1)
    print(f"{share:8.3%} of the mails that git accepts")
    return int(share < 0.995)


if __name__ == "__main__":
    sys.exit(main())
