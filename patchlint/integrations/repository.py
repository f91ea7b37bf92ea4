"""What a repository is called by others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit, urlunsplit

from patchlint.outside import programs

if TYPE_CHECKING:
    from urllib.parse import SplitResult

#: what git takes for ssh besides URLs: host:path, user@host:path
_SCP: Final = re.compile(r"(?:[^/@:\s]+@)?([^/@:\s]+):(?!//)(\S+)")
_SCHEMES: Final = frozenset({"http", "https", "git", "ssh", "ftp", "ftps", "file"})


def uri(folder: str) -> str:
    """Return the URI of the repository around ``folder``: of its remote, else of itself.

    Never a user or password: the remotes of CI jobs hold the job's token.  Empty where
    there is no repository.
    """
    try:
        top = programs.git("rev-parse", "--show-toplevel", cwd=folder).rstrip("\n")
    except programs.ProgramError:
        return ""
    return public(_remote(top)) or f"file://{quote(top, errors='surrogateescape')}"


def _remote(top: str) -> str:
    """Return the URL of ``origin``, else of the only remote, else nothing."""
    try:
        told = programs.git("config", "--get-regexp", r"^remote\..*\.url$", cwd=top, accept=(0, 1))
    except programs.ProgramError:
        return ""
    urls = dict(row.split(" ", 1) for row in told.splitlines() if " " in row)
    return urls.get("remote.origin.url") or ("" if len(urls) != 1 else next(iter(urls.values())))


def public(remote: str) -> str:
    """Return a remote as a URI that may be published, empty where it is none."""
    short = _SCP.fullmatch(remote)
    if short is not None:
        return f"ssh://{short[1]}/{quote(short[2].lstrip('/'))}"
    try:
        parts: SplitResult = urlsplit(remote)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in _SCHEMES or not (host or parts.scheme == "file"):
        return ""
    name = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, name + port, quote(parts.path, safe="/%~"), "", ""))
