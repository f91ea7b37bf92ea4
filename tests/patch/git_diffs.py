"""Real git for the tests: small repositories, and a strict reader for the diffs it prints."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from patchlint.model.diff import DiffLine, FileDiff, Hunk

if TYPE_CHECKING:
    from pathlib import Path

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)")


def git(folder: Path, *arguments: str, check: bool = True, data: bytes | None = None) -> bytes:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ann Author",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "Ann Author",
        "GIT_COMMITTER_EMAIL": "ann@example.org",
        "GIT_AUTHOR_DATE": "1700000000 +0000",
        "GIT_COMMITTER_DATE": "1700000000 +0000",
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=data,
        capture_output=True,
        env=environment,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(done.stderr.decode())
    return done.stdout


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "core.autocrlf", "false")
    return folder


def commit(folder: Path, files: dict[str, bytes | None], message: str = "change") -> str:
    """Write ``files`` (None: remove), commit, and return the commit's id."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    git(folder, "add", "-f", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD").decode().strip()


def read_diff(text: bytes) -> tuple[FileDiff, ...]:
    """The files of a diff as git prints it; plain names only."""
    parts = re.split(rb"^diff --git ", text, flags=re.MULTILINE)[1:]
    return tuple(_file(part) for part in parts)


def _file(part: bytes) -> FileDiff:
    head, at, body = part.partition(b"\n@@ ")
    lines = head.decode().split("\n")
    old, new = (name[2:] for name in lines[0].split(" "))
    fields = {}
    for line in lines[1:]:
        for key in ("rename from", "copy from", "new file", "deleted file", "index", "GIT binary"):
            if line.startswith(key):
                fields[key] = line.removeprefix(key).strip()
    ids = fields["index"].split(" ")[0].split("..") if "index" in fields else (None, None)
    kind = "modify"
    for key, name in (
        ("rename from", "rename"),
        ("copy from", "copy"),
        ("new file", "add"),
        ("deleted file", "delete"),
        ("GIT binary", "binary"),
    ):
        if key in fields:
            kind = name
    return FileDiff(
        None if kind == "add" else old,
        None if kind == "delete" else new,
        kind,
        _hunks(b"@@ " + body) if at else (),
        *ids,
    )


def _hunks(body: bytes) -> tuple[Hunk, ...]:
    hunks = []
    lines = body.split(b"\n")
    at = 0
    while at < len(lines) and (header := _HUNK.match(lines[at])):
        old, old_length, new, new_length = (1 if g is None else int(g) for g in header.groups()[:4])
        at += 1
        found: list[DiffLine] = []
        a, b = 0, 0
        while a < old_length or b < new_length or lines[at : at + 1][0][:1] == b"\\":
            kind, text = lines[at][:1].decode(), lines[at][1:].decode("utf-8", "surrogateescape")
            at += 1
            if kind == "\\":
                last = found.pop()
                found.append(DiffLine(last.kind, last.text, last.old, last.new, newline=False))
                continue
            found.append(
                DiffLine(
                    kind,
                    text,
                    old + a if kind != "+" else None,
                    new + b if kind != "-" else None,
                )
            )
            a += kind != "+"
            b += kind != "-"
        section = header.group(5).decode().strip()
        hunks.append(Hunk(old, old_length, new, new_length, section, tuple(found)))
    return tuple(hunks)
