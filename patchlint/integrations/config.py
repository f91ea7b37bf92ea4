"""The configuration: what holds, and where each value comes from.

Nearest wins, from far to near: the built-in defaults, git's system and global
configuration, the user's ``config.toml``, git's configuration of the repository
(``.git/config`` and the work tree's), ``git -c``, the environment (``PATCHLINT_*``), the
command line.  Values of a list replace those of a farther layer; only acceptances add
up.  Nothing is read from a file that the tree or a mail under check could bring along.
"""

# pathlib costs a short check more than reading its mails
# ruff: noqa: PTH111, PTH118, PTH123

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from patchlint.integrations import git_files
from patchlint.model.link import LORE
from patchlint.model.number import amiss
from patchlint.outside import programs
from patchlint.outside.git import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FAIL_ON: Final = ("error", "warning", "note", "never")
COLOR: Final = ("auto", "always", "never")
AUTHOR_REASONS: Final = ("show", "accept")

#: One value each: name -> default.
SINGLE: Final[dict[str, str]] = {
    "tree": "",
    "fail-on": "warning",
    "jobs": "1",
    "color": "auto",
    "author-reasons": "show",
    "baseline": "",
    "wrong-to": "",
    "patchwork-url": "",
    "patchwork-token-env": "",
    "patchwork-context": "patchlint",
    "patchwork-target-url": "",
    "rule-url": "",
    "link-url": LORE,
    "time-limit": "60",
    "watch-settle": "900",
    "watch-interval": "300",
}
#: Any number of values each.
MULTIPLE: Final = ("rule", "not-rule", "rules", "accept", "watch-cc")
#: What git's configuration holds for patchlint's own book-keeping.
PRIVATE: Final = ("b4added",)

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "fail-on": FAIL_ON,
    "color": COLOR,
    "author-reasons": AUTHOR_REASONS,
}
#: whole numbers: name -> whether it may be 0
_NUMBERS: Final = {"jobs": True, "time-limit": True, "watch-settle": True, "watch-interval": False}
#: where something is read on the web; a page or a terminal makes links of them
_WEB: Final = ("link-url",)
_PATHS: Final = ("tree", "rules", "baseline")
_BY_KEY: Final[dict[str, str]] = {name.replace("-", ""): name for name in (*SINGLE, *MULTIPLE)}
#: git's scopes in layers: far ones stand below the user's file, near ones above.
_FAR_SCOPES: Final = ("system", "global")


#: settings that can keep a finding from being told or heeded
_HIDING: Final = frozenset(
    {"author-reasons", "baseline", "fail-on", "not-rule", "rule", "rules", "time-limit", "tree"}
)
#: how the origin of a setting begins that the repository itself has
_NEAR: Final = ("git (local)", "git (worktree)")


class ConfigError(Exception):
    """A value that cannot hold, or a file that cannot be read; the text says where."""


class Setting(Struct, frozen=True):
    """The value or values of one name, and the place they come from."""

    name: str
    values: tuple[str, ...]
    origin: str


class Acceptance(Struct, frozen=True):
    """A finding that the user accepts, by fingerprint, with the reason they gave."""

    fingerprint: str
    reason: str
    origin: str


class Settings(Struct, frozen=True):
    """All that holds.  ``problems`` names what was ignored and why, one sentence each."""

    settings: tuple[Setting, ...]
    accepted: tuple[Acceptance, ...]
    problems: tuple[str, ...]

    def of(self, name: str) -> Setting:
        """Return the setting called ``name``; every known name has one."""
        return next(setting for setting in self.settings if setting.name == name)

    def one(self, name: str) -> str:
        """Return the single value of ``name`` (the default when nothing sets it)."""
        values = self.of(name).values
        return values[-1] if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of ``name``."""
        return self.of(name).values

    @property
    def heeds_authors(self) -> bool:
        """Whether a reason that the author of a series gives silences its finding."""
        return self.one("author-reasons") == "accept"

    def number(self, name: str) -> int:
        """Return ``name`` as a number."""
        return int(self.one(name))

    @property
    def fail_on(self) -> str:
        """The level that fails a check: error, warning, note or never."""
        return self.one("fail-on")

    @property
    def of_repository(self) -> tuple[str, ...]:
        """What the repository that one stands in sets and that can hide findings, in sentences.

        It is the user's repository, so that it holds; but it may have come from elsewhere.
        """
        said = [
            f"{one.name} is set by the repository: {one.origin}"
            for one in self.settings
            if one.name in _HIDING and one.origin.startswith(_NEAR)
        ]
        accepts = dict.fromkeys(one.origin for one in self.accepted if one.origin.startswith(_NEAR))
        return (*said, *(f"findings are accepted by the repository: {one}" for one in accepts))

    @property
    def tree(self) -> str | None:
        """The kernel tree that the user names, None where none is named."""
        return self.one("tree") or None


class _Layer(Struct, frozen=True):
    """Raw values of one place, by canonical name."""

    origin: str
    values: Mapping[str, tuple[str, ...]]


def rule_folders(given: Sequence[str]) -> tuple[str, ...]:
    """The folders of further rules: those that were ``given`` as options, else as a check has them.

    Raises ``ConfigError`` as :func:`load_settings` does.
    """
    return load_settings({"rules": tuple(given)}).all("rules")


def load_settings(
    command_line: Mapping[str, Sequence[str]] | None = None,
    *,
    cwd: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read every layer and return what holds.

    ``command_line`` maps names to values that were given as options.  Raises
    ``ConfigError`` for a value that cannot hold; names nobody knows are only reported.
    """
    environment = os.environ if environ is None else environ
    problems: list[str] = []
    far, near = _git_layers(cwd, problems)
    layers = [
        _Layer("default", {name: (value,) for name, value in SINGLE.items() if value}),
        *far,
        *_file_layers(config_file(environment), problems),
        *near,
        *_environment_layers(environment, problems),
    ]
    if command_line:
        layers.append(
            _Layer("command line", {name: tuple(v) for name, v in command_line.items() if v})
        )
    for layer in layers:
        _validate(layer)
    settings = tuple(
        _pick(name, layers) for name in (*SINGLE, *(m for m in MULTIPLE if m != "accept"))
    )
    accepted = list(_acceptances(layers, problems))
    for setting in settings:
        if setting.name == "baseline" and any(setting.values):
            from patchlint.integrations import baseline

            accepted += baseline.acceptances(setting.values[-1])
    return Settings(settings, tuple(accepted), tuple(problems))


def config_file(environ: Mapping[str, str] | None = None) -> str:
    """Return the path of the user's file, whether it is there or not."""
    home = git_files.home_of_settings(os.environ if environ is None else environ)
    return os.path.join(home, "patchlint", "config.toml")


def _pick(name: str, layers: Iterable[_Layer]) -> Setting:
    best = Setting(name, (), "default")
    for layer in layers:
        if name in layer.values:
            best = Setting(name, layer.values[name], layer.origin)
    return best


def _validate(layer: _Layer) -> None:
    for name, values in layer.values.items():
        for value in values:
            choices = _CHOICES.get(name)
            if choices is not None and value not in choices:
                raise ConfigError(
                    f"{layer.origin}: {name} is {value!r}, not one of {', '.join(choices)}"
                )
            if name in _WEB and not value.startswith(("https://", "http://")):
                raise ConfigError(f"{layer.origin}: {name} is {value!r}, no http or https URL")
            if name in _NUMBERS and (why := amiss(value, zero=_NUMBERS[name])):
                raise ConfigError(f"{layer.origin}: {name} is {why}")


def _acceptances(layers: Iterable[_Layer], problems: list[str]) -> Iterable[Acceptance]:
    for layer in layers:
        for value in layer.values.get("accept", ()):
            fingerprint, _, reason = value.strip().partition(" ")
            if fingerprint and reason.strip():
                yield Acceptance(fingerprint, reason.strip(), layer.origin)
            else:
                problems.append(
                    f"{layer.origin}: accept {value!r} gives no reason and does not count"
                )


def _known(key: str, origin: str, problems: list[str]) -> str | None:
    """Return the canonical name of ``key``, None (and a problem) when nobody knows it."""
    squeezed = key.lower().replace("-", "").replace("_", "")
    if squeezed in PRIVATE:
        return None
    name = _BY_KEY.get(squeezed)
    if name is None:
        problems.append(f"{origin}: {key} is not a setting and is ignored")
    return name


# --- git's configuration


def _git_layers(cwd: str | None, problems: list[str]) -> tuple[list[_Layer], list[_Layer]]:
    """Return the layers below and above the user's file that git's configuration holds."""
    if not git_files.may_speak(cwd):
        return [], []
    argv = (*(("-C", cwd) if cwd else ()), "config", "--show-scope", "--show-origin")
    asked = (*argv, "-z", "--get-regexp", r"^patchlint\.")
    status, data = programs.quick_git(*asked)
    if status > 1:
        _refuse_broken(asked, cwd)
    gathered: dict[tuple[bool, str], dict[str, tuple[str, ...]]] = {}
    fields = data.decode("utf-8", "surrogateescape").split("\0")
    for scope, place, entry in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        key, has_value, value = entry.partition("\n")
        origin = f"git ({scope}) {place.removeprefix('file:')}"
        name = _known(key.partition(".")[2], origin, problems)
        if name is None:
            continue
        values = gathered.setdefault((scope in _FAR_SCOPES, origin), {})
        expanded = _expand(name, value if has_value else "true")
        values[name] = (*values.get(name, ()), expanded) if name in MULTIPLE else (expanded,)
    far = [_Layer(origin, values) for (is_far, origin), values in gathered.items() if is_far]
    near = [_Layer(origin, values) for (is_far, origin), values in gathered.items() if not is_far]
    return far, near


def _refuse_broken(asked: Sequence[str], cwd: str | None) -> None:
    """Raise ``ConfigError`` where git cannot read its configuration: nobody knows what holds."""
    try:
        _, _, errors = programs.own_git(*asked)
    except programs.ProgramError:
        return
    if (refused := refusal(errors, cwd or "")) is not None:
        raise ConfigError(refused)


# --- the user's file


def _file_layers(path: str, problems: list[str]) -> list[_Layer]:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return []  # services run with a home that is no folder
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    import tomllib

    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    tool = document.pop("tool", {})
    inner = tool.get("patchlint", {}) if isinstance(tool, dict) else {}
    values: dict[str, tuple[str, ...]] = {}
    for table in (document, inner):
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: tool.patchlint is not a table")
        for key, value in table.items():
            name = _known(key, path, problems)
            if name is not None:
                values[name] = tuple(_expand(name, text) for text in _texts(name, value, path))
    return [_Layer(path, values)] if values else []


def _texts(name: str, value: Any, path: str) -> Iterable[str]:
    """Return a TOML value as the strings that git's configuration would hold."""
    items = value if isinstance(value, list) and name in MULTIPLE else [value]
    for item in items:
        if name == "accept" and isinstance(item, dict):
            yield f"{item.get('fingerprint', '')} {item.get('reason', '')}"
        elif isinstance(item, bool) or not isinstance(item, str | int):
            raise ConfigError(f"{path}: {name} is {item!r}, not a text or a number")
        else:
            yield str(item)


# --- the environment


def _environment_layers(environ: Mapping[str, str], problems: list[str]) -> list[_Layer]:
    layers = []
    for variable in sorted(environ):
        if not variable.startswith("PATCHLINT_") or variable == "PATCHLINT_ACCEPT":
            continue
        origin = f"environment {variable}"
        name = _known(variable.removeprefix("PATCHLINT_"), origin, problems)
        if name is None or not environ[variable]:
            continue
        separator = os.pathsep if name in _PATHS else ","
        texts = environ[variable].split(separator) if name in MULTIPLE else [environ[variable]]
        values = tuple(_expand(name, text.strip()) for text in texts if text.strip())
        layers.append(_Layer(origin, {name: values}))
    return layers


def _expand(name: str, value: str) -> str:
    return os.path.expanduser(value) if name in _PATHS and value else value
