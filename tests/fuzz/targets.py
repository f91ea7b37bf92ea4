"""What is fuzzed: each target takes bytes of anybody's and must come back without an exception.

A target also asserts what must hold of its answer, where that is cheap to say.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from patchlint.index import lean as lean_reader
from patchlint.integrations.config import ConfigError, load_settings
from patchlint.mail import message, public_inbox  # noqa: F401 - read where it is fuzzed
from patchlint.mail.inputs import read_inputs
from patchlint.mail.series import group
from patchlint.model.hidden import HIDDEN
from patchlint.model.mail import RawMail
from patchlint.patch import diff as diffs
from patchlint.patch.images import compose
from patchlint.report.render import FORMATS, render
from patchlint.report.style import Style
from patchlint.ruleset.errors import RuleError
from patchlint.ruleset.read import compile_rules
from patchlint.run import Options, check, load_rules
from patchlint.syntax import facts as c_facts
from patchlint.syntax import kernel_macros

if TYPE_CHECKING:
    from collections.abc import Callable

    from patchlint.model.kernel import Ruleset

OPTIONS = Options(no_tree=True, everything=True)


@cache
def ruleset() -> Ruleset:
    return load_rules(OPTIONS)


@cache
def table() -> kernel_macros.Table:
    return kernel_macros.compile_table(ruleset().kernel.macros)


@cache
def words() -> lean_reader.Words:
    return lean_reader.words(ruleset().kernel.macros)


@lru_cache(maxsize=1)
def scratch() -> Path:
    """A folder in memory where there is one."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    return Path(tempfile.mkdtemp(dir=memory, prefix="patchlint-fuzz-"))


def mail(data: bytes) -> None:
    mails = [message.decode(one) for one in read_inputs(["-"], data) if isinstance(one, RawMail)]
    for one in mails:
        assert one.diff_start is None or one.diff_start >= 0
    group(mails)


def diff(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    parsed = diffs.parse(text)
    lines = text.count("\n") + 1
    assert all(0 < problem.line <= lines + 1 for problem in parsed.problems)


def images(data: bytes) -> None:
    parsed = diffs.parse(data.decode("utf-8", "replace"))
    composition = compose([(1, parsed.files, None)])
    for pair in composition.state(1).files:
        for image in (pair.pre, pair.post):
            if image is not None:
                assert isinstance(image.text, bytes)


def macros(data: bytes) -> None:
    prepared = kernel_macros.rewrite(data, table()).text
    assert len(prepared) == len(data)
    ends = [at for at, byte in enumerate(data) if byte == 10]
    assert all(prepared[at] == 10 for at in ends)


def facts(data: bytes) -> None:
    found = c_facts.extract_text("fs/x.c", data, ruleset().kernel.macros)
    last = data.count(b"\n") + 1
    assert all(0 < one.line <= one.end <= last for one in found.functions)


def lean(data: bytes) -> None:
    last = data.count(b"\n") + 1
    found = lean_reader.read(data, words())
    assert all(0 < call.line <= last for call in found.calls)


def pipeline(data: bytes) -> None:
    report = check(["-"], OPTIONS, data)
    names = [*FORMATS]
    # two of the formats, which the input itself chooses: all of them take longer than the check
    for name in {names[zlib.crc32(data) % len(names)], names[len(data) % len(names)]}:
        text = render(report, name, Style(rules={one.id: one for one in ruleset().rules}))
        if name in {"json", "sarif", "b4", "gitlab"} and text:
            json.loads(text)
        if name in {"terminal", "terse"}:
            assert not HIDDEN.search(text.replace("\n", ""))


def rules(data: bytes) -> None:
    folder = scratch() / "rules"
    folder.mkdir(exist_ok=True)
    (folder / "own.toml").write_bytes(data)
    try:
        compile_rules([folder])
    except RuleError as error:
        assert str(error)  # noqa: PT017


def config(data: bytes) -> None:
    home = scratch() / "config"
    (home / "patchlint").mkdir(parents=True, exist_ok=True)
    (home / "patchlint" / "config.toml").write_bytes(data)
    environ = {"XDG_CONFIG_HOME": str(home), "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        load_settings(cwd=str(home), environ=environ)
    except ConfigError as error:
        assert str(error)  # noqa: PT017


def store(data: bytes) -> None:
    from patchlint.archive import ask
    from patchlint.archive.store import Store, StoreError

    path = scratch() / "fuzz.db"
    for beside in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
    path.write_bytes(data)
    try:
        with Store(str(path), write=False) as opened:
            ask.findings(opened, ask.Question())
    except StoreError as error:
        assert str(error)  # noqa: PT017


TARGETS: dict[str, Callable[[bytes], None]] = {
    "mail": mail,
    "diff": diff,
    "images": images,
    "macros": macros,
    "facts": facts,
    "lean": lean,
    "pipeline": pipeline,
    "rules": rules,
    "config": config,
    "store": store,
}
