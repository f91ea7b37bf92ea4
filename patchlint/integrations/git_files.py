"""Tells without starting git whether its configuration can speak of patchlint at all.

A start of git takes as long as reading a mail.  This reads the files that git would read,
and errs towards asking git: an include, an unusual place, a work tree with a repository
elsewhere all count as speaking.  It errs the other way only for a system-wide file that
does not lie beside the ``git`` of the path.
"""

# pathlib would cost the hook's fast path more than the check itself
# ruff: noqa: PTH100, PTH109, PTH110, PTH111, PTH113, PTH118, PTH120, PTH123

from __future__ import annotations

import os

from patchlint.outside.git import may_be_broken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORDS = (b"[patchlint", b"[include")
#: variables that move the repository or the configuration to where we do not look
_ELSEWHERE = ("GIT_CONFIG", "GIT_COMMON_DIR", "GIT_WORK_TREE")


def may_speak(cwd: str | None = None) -> bool:
    """Whether git's configuration, seen from ``cwd``, may hold a key of patchlint's.

    Also where git may be unable to read it: only git says what is amiss.
    """
    environ = os.environ
    if any(name.startswith(_ELSEWHERE) and name != "GIT_CONFIG_NOSYSTEM" for name in environ):
        return True
    folder = _repository(cwd or os.getcwd(), environ)
    if folder is None:
        return True
    files = [*_system(environ), *_of_user(environ)]
    if folder:
        files += [os.path.join(folder, name) for name in ("config", "config.worktree")]
    texts = [read(name) for name in files]
    return any(word in text.lower() for text in texts for word in _WORDS) or any(
        map(may_be_broken, texts)
    )


def read(path: str) -> bytes:
    """Return the content of a file, nothing where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def home_of_settings(environ: Mapping[str, str]) -> str:
    """Return the folder in which programs keep the user's settings."""
    given = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '~')}/.config"
    return os.path.expanduser(given)


def _repository(cwd: str, environ: Mapping[str, str]) -> str | None:
    """The repository's own folder, ``""`` where there is none, None where it is elsewhere."""
    given = environ.get("GIT_DIR")
    if given is not None:
        found = os.path.join(cwd, given)
        return found if _is_whole(found) else None
    folder = os.path.abspath(cwd)
    while True:
        inner = os.path.join(folder, ".git")
        if os.path.lexists(inner):
            return inner if _is_whole(inner) else None
        if os.path.isfile(os.path.join(folder, "HEAD")) and _is_whole(folder):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above


def _is_whole(folder: str) -> bool:
    """Whether a repository keeps its configuration itself."""
    return os.path.isfile(os.path.join(folder, "config")) and not os.path.exists(
        os.path.join(folder, "commondir")
    )


def _system(environ: Mapping[str, str]) -> Iterator[str]:
    yield "/etc/gitconfig"
    for folder in environ.get("PATH", "").split(os.pathsep):
        if os.path.exists(os.path.join(folder, "git")):
            yield os.path.join(os.path.dirname(os.path.abspath(folder)), "etc", "gitconfig")
            return


def _of_user(environ: Mapping[str, str]) -> Iterator[str]:
    yield os.path.join(home_of_settings(environ), "git", "config")
    yield os.path.expanduser("~/.gitconfig")
