"""How git is started: on repositories of anybody, and on the user's own.

A repository that is given to be read is a stranger's, also when it lies on this machine.
Nothing that it configures may run or reach out: no hooks, no fsmonitor, no filters, no
programs for diffs, pagers or signatures, and no fetching of objects that a partial clone
lacks.  Git looks for it from its folder, so that its check of the owner stays in force.
"""

# pathlib costs a short check more than reading its mails
# ruff: noqa: PTH117, PTH118, PTH120

from __future__ import annotations

import os

# the hook imports this: typing, contextlib and re take as long as the hook itself
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

#: settings that stand over those of a repository that is read
_GUARDS: Final = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "core.quotePath=false"),
    *("-c", "core.alternateRefsCommand=true"),
    *("-c", "protocol.allow=never"),
    *("-c", "log.showSignature=false"),
    *("-c", "gpg.program=false"),
    *("-c", "diff.orderFile=/dev/null"),
    *("-c", "diff.suppressBlankEmpty=false"),
    *("-c", "submodule.recurse=false"),
    *("-c", "diff.submodule=short"),
)

#: of the user's own repository their settings hold, but for what would run or print otherwise
_OWN: Final = ("git", "--no-pager", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false")

#: options that go with every command that shows diffs
PLAIN_DIFF: Final = ("--no-ext-diff", "--no-textconv", "--submodule=short", "--no-color")

#: what git says of a repository that it does not open, by words of its message
_REFUSALS: Final = (
    (
        b"dubious ownership",
        "the repository belongs to somebody else (see git config safe.directory: {place})",
    ),
    (b"unsafe repository", "the repository belongs to somebody else (safe.directory)"),
    (b"bareRepository", "a bare repository inside of another one is not read"),
)


def reading(place: str, *arguments: str) -> list[str]:
    """Return the command that runs git on the repository at ``place``, which may be anybody's.

    ``place`` is the top of a work tree or a repository's own folder.  To be started with
    :func:`environment` of it.
    """
    # whoever names a bare repository means it; inside of a work tree none is come upon
    bare = "explicit" if os.path.lexists(os.path.join(place, ".git")) else "all"
    guards = (*_GUARDS, "-c", f"safe.bareRepository={bare}")
    return ["git", "--no-pager", *guards, "-C", place, *arguments]


def environment(place: str | None = None) -> dict[str, str]:
    """Return the environment for :func:`reading`: reads only, asks nothing, fetches nothing.

    Git looks for the repository at ``place`` and in no folder above.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(("GIT_CONFIG", "GIT_CEILING"))
    }
    if place is not None:
        kept["GIT_CEILING_DIRECTORIES"] = os.path.dirname(os.path.realpath(place))
    return kept | _QUIET | {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_ATTR_NOSYSTEM": "1"}


def settings(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return variables that set keys over all of a repository, whatever is in their names."""
    held = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(held) if held.isascii() and held.isdigit() else 0
    given = {"GIT_CONFIG_COUNT": str(first + len(pairs))}
    for number, (key, value) in enumerate(pairs, first):
        given |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return given


#: asks nothing, locks nothing, fetches nothing: also a git before 2.45, which fetches what
#: is missing all the same, may then use no protocol to do so
_QUIET: Final = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def own(*arguments: str) -> list[str]:
    """Return the command that runs git in the user's own repository, whose settings hold."""
    return [*_OWN, *arguments]


def own_environment(*, network: bool = False) -> dict[str, str]:
    """Return the environment for :func:`own`; ``network`` where the user asked to fetch."""
    if network:
        return {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"} | dict(os.environ)
    return dict(os.environ) | {n: v for n, v in _QUIET.items() if n != "LC_ALL"}


#: variables that say which repository is meant, or parts of one
_PLACES: Final = frozenset(
    {
        *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
        *("GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_IMPLICIT_WORK_TREE"),
    }
)


def fetching(url: str, wanted: Sequence[str]) -> list[str]:
    """Return the command that fetches what ``wanted`` says from ``url``.

    To be started with :func:`fetching_environment`.  It does not tidy up behind itself: what
    lies there may be needed by references that it does not see.
    """
    command = ["git", "--no-pager", "-c", "gc.auto=0", "-c", "maintenance.auto=false"]
    options = ["--quiet", "--no-tags", "--no-recurse-submodules"]
    if _is_path(url):
        # the other end is run here, where the repository may name programs for what it lacks
        options.append("--upload-pack=GIT_ALLOW_PROTOCOL= GIT_NO_LAZY_FETCH=1 git-upload-pack")
    return [*command, "fetch", *options, "--", url, *wanted]


def _is_path(url: str) -> bool:
    """Whether a URL leads to a repository on this machine, as git tells that."""
    scheme, is_url, _ = url.partition("://")
    return scheme == "file" if is_url else ":" not in url.partition("/")[0]


def fetching_environment(folder: str, objects: str) -> dict[str, str]:
    """Return the environment for :func:`fetching` with the repository ``folder``.

    Objects go to the folder ``objects``; all else is as in :func:`own_environment`.
    """
    held = own_environment(network=True)
    kept = {name: value for name, value in held.items() if name not in _PLACES}
    return kept | {"GIT_DIR": folder, "GIT_OBJECT_DIRECTORY": objects, "GIT_NO_LAZY_FETCH": "1"}


def refusal(errors: bytes, place: str) -> str | None:
    """Why git does not open the repository at ``place``, None when it is for another reason.

    A configuration that git cannot read is named with file and line, where git tells them.
    """
    for words, text in _REFUSALS:
        if words in errors:
            return text.format(place=place)
    for line in errors.splitlines():
        said = line.removeprefix(b"fatal: ").removeprefix(b"error: ")
        if said.startswith(_BROKEN):
            return f"git's configuration is broken: {_placed(said, place)}"
    return None


#: how git begins what it says of a configuration that it cannot read
_BROKEN: Final = (b"bad config ", b"bad numeric config ", b"bad boolean config ")


def _placed(said: bytes, place: str) -> str:
    """What git says of its configuration, with a path that leads there from here."""
    text = said.decode("utf-8", "surrogateescape")
    before, named, file = text.rpartition("file ")
    file = file.strip("'")
    if named and not os.path.isabs(file):
        return f"{before}{named}{os.path.normpath(os.path.join(place, file))}"
    return text


def may_be_broken(config: bytes) -> bool:
    """Whether git may be unable to read a configuration file with that content.

    False is sure; True stands for all that is not as plain as most of them are.
    """
    for line in config.split(b"\n"):
        text = line.strip()
        if text[:1] == b"[":
            if not _is_section(text):
                return True
        elif text and text[:1] not in b"#;":
            key, _, value = text.partition(b"=")
            if not _is_word(key.strip()) or not _is_plain(value):
                return True
    return b"\0" in config


def _is_section(text: bytes) -> bool:
    """Whether a line is ``[core]`` or ``[remote "origin"]`` and nothing else."""
    name, blank, quoted = text[1:-1].partition(b" ")
    inner = quoted.strip()[1:-1]
    whole = not blank or (quoted.strip() == b'"%s"' % inner and not set(inner) & set(b'"\\'))
    return text[-1:] == b"]" and _is_word(name.replace(b".", b"-")) and whole


def _is_word(text: bytes) -> bool:
    return text[:1].isalpha() and text.replace(b"-", b"").isalnum()


def _is_plain(value: bytes) -> bool:
    """Whether the value of a setting ends on its line, with the quotes that it begins."""
    if b"\\" not in value and b'"' not in value:
        return True
    quoted = escaped = False
    for byte in value:
        char = bytes((byte,))
        if escaped:
            if char not in b'\\"ntb':
                return False
            escaped = False
        elif char == b"\\":
            escaped = True
        elif char == b'"':
            quoted = not quoted
        elif char in b"#;" and not quoted:
            break
    return not (quoted or escaped)
