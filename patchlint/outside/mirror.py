"""Brings a mirror up to date without a word of what the mirror itself configures.

A mirror may be a stranger's as any repository: its hooks, its way through ssh or a proxy, its
helpers for credentials are programs.  There are too many keys to put each out of force, so
that none is read: git fetches into an empty repository of our own, which has the mirror's
references, and puts the objects where the mirror has its own.  What came is then set in the
mirror, with its hooks off.  How to get there is the user's own configuration.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from patchlint.outside import git, programs

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Longest that it may take to fetch, in seconds.
_PATIENCE: Final = 600.0
#: hashes of objects: git's own name for the usual one, and where it is not the usual one
_USUAL: Final = "sha1"


def fetch(place: str) -> None:
    """Fetch what the mirror at ``place`` is a mirror of; one without a remote is the original.

    Raises ``ProgramError`` where that cannot be had.
    """
    remote = _remote(place)
    if remote is None:
        return
    url, wanted = remote
    held = _references(place)
    with tempfile.TemporaryDirectory(prefix="patchlint-") as folder:
        hash_name = _ask(place, "rev-parse", "--show-object-format").strip() or _USUAL
        _make(Path(folder), hash_name, held)
        theirs, ours = _part(place, "shallow"), Path(folder, "shallow")
        if theirs.exists():
            shutil.copyfile(theirs, ours)
        programs.output(
            git.fetching(url, wanted),
            cwd=place,
            environ=git.fetching_environment(folder, str(_part(place, "objects"))),
            patience=_PATIENCE,
        )
        if ours.exists():
            shutil.copyfile(ours, theirs)
        _set(place, held, _references(folder))


def _remote(place: str) -> tuple[str, list[str]] | None:
    """Where a mirror is fetched from, and which references."""
    asked = ("config", "-z", "--get-regexp", r"^remote\..*\.(url|fetch)$")
    status, out, _ = programs.read_git(place, *asked)
    found: dict[str, dict[str, list[str]]] = {}
    for entry in out.decode("utf-8", "surrogateescape").split("\0") if status == 0 else ():
        key, _, value = entry.partition("\n")
        name, _, what = key.removeprefix("remote.").rpartition(".")
        if value:
            found.setdefault(name, {}).setdefault(what, []).append(value)
    known = [name for name in found if found[name].get("url") and found[name].get("fetch")]
    if not known:
        return None
    chosen = found["origin" if "origin" in known else known[0]]
    return chosen["url"][0], chosen["fetch"]


def _ask(place: str, *arguments: str, stdin: bytes = b"") -> str:
    status, out, errors = programs.read_git(place, *arguments, stdin=stdin)
    if status:
        raise programs.ProgramError(git.refusal(errors, place) or programs.said(errors))
    return out.decode("utf-8", "surrogateescape")


def _part(place: str, name: str) -> Path:
    """Where a part of git's own folder is, which may be shared with another work tree."""
    return Path(place, _ask(place, "rev-parse", "--git-path", name).removesuffix("\n")).resolve()


def _references(place: str) -> dict[str, str]:
    listed = _ask(place, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.rsplit(" ", 1) for line in listed)


def _make(folder: Path, hash_name: str, held: Mapping[str, str]) -> None:
    """Write a bare repository with these references and nothing else."""
    for name in ("objects", "refs"):
        (folder / name).mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/master\n", encoding="ascii")
    other = f"[extensions]\n\tobjectFormat = {hash_name}\n" if hash_name != _USUAL else ""
    config = f"[core]\n\trepositoryformatversion = {int(bool(other))}\n\tbare = true\n{other}"
    (folder / "config").write_text(config, encoding="ascii")
    packed = "".join(f"{commit} {name}\n" for name, commit in held.items())
    (folder / "packed-refs").write_bytes(packed.encode("utf-8", "surrogateescape"))


def _set(place: str, held: Mapping[str, str], come: Mapping[str, str]) -> None:
    """Set the references of a mirror that changed."""
    changed = [f"update {name}\0{come[name]}\0\0" for name in come if come[name] != held.get(name)]
    if changed:
        data = "".join(changed).encode("utf-8", "surrogateescape")
        _ask(place, "update-ref", "-z", "--stdin", stdin=data)
