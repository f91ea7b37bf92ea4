"""Follows a project of a Patchwork server: checks each series once it is complete.

Where it has got to is kept in a small file; a round that is cut short begins again with
the series that it was at, and posts only what the server does not show yet.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from patchlint.integrations import accept, patchwork
from patchlint.report.text import count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from patchlint.integrations.config import Settings
    from patchlint.model.finding import Report
    from patchlint.run import Options

#: of the past of a project that was never looked at, so many seconds
_FIRST: Final = 86_400.0


class Project(Struct, frozen=True):
    """What to follow and how.

    ``most`` series are checked in a round; without ``post`` nothing is posted, only told.
    """

    url: str
    name: str
    token_env: str
    context: str
    target_url: str
    post: bool
    most: int
    state: Path


def once(project: Project, options: Options, settings: Settings) -> Iterator[str]:
    """Check what is new since the last round; yield what is done, in words.

    Raises ``PatchworkError`` when the server cannot be asked.
    """
    token = os.environ.get(project.token_env, "") if project.token_env else ""
    if project.post and not token:
        raise patchwork.PatchworkError(
            f"the variable {project.token_env or 'of token-env'} is empty: it must hold the token"
        )
    server = patchwork.Server(project.url, token)
    held = _load(project.state)
    first = time.gmtime(time.time() - _FIRST)
    since = held.get("since") or time.strftime("%Y-%m-%dT%H:%M:%S", first)
    done: list[int] = list(held.get("done", []))
    new = [one for one in server.completed(project.name, since) if one[1] not in done]
    for date, number in new[: project.most]:
        yield from _one(number, project, server, options, settings)
        # events of one second may come in two rounds: their series are remembered
        done = [*(done if date == since else []), number]
        since = date
        _store(project.state, {"since": since, "done": done})
    if len(new) > project.most:
        left = len(new) - project.most
        yield f"{left} series {'is' if left == 1 else 'are'} left for the next round"


def _one(
    number: int, project: Project, server: patchwork.Server, options: Options, settings: Settings
) -> Iterator[str]:
    from patchlint.run import check

    _, mbox = server.series(number)
    report = accept.without(check(["-"], options, server.mbox(mbox)), settings)
    title = report.series[0].subject if report.series else "nothing that could be checked"
    yield f"series {number}: {title}: {count(len(report.findings), 'finding')}"
    for said, _ in answers(report, server, project.context, project.target_url, post=project.post):
        yield said


def answers(
    report: Report, server: patchwork.Server, context: str, target_url: str, *, post: bool
) -> Iterator[tuple[str, bool]]:
    """Bring the server's checks up to the report; yield what is done, and whether it worked.

    A check that the server shows already is not posted again.
    """
    for message_id, check in patchwork.checks(report, report.findings, context, target_url).items():
        patches = server.patches(message_id)
        if not patches:
            yield f"the server does not know <{message_id}>", False
        for patch in patches:
            done = "unchanged"
            if patchwork.differs(server.newest(patch.number, check.context), check):
                done = "posted" if post else "would post"
                if post:
                    server.post(patch.number, check)
            yield f"{done}: patch {patch.number}: {check.state}: {check.description}", True


def _load(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise patchwork.PatchworkError(f"{path}: is no state of this program: {error}") from error
    if not isinstance(held, dict):
        raise patchwork.PatchworkError(f"{path}: is no state of this program")
    return held


def _store(path: Path, held: dict[str, Any]) -> None:
    partial = path.with_name(f"{path.name}.new")
    partial.write_text(json.dumps(held), encoding="utf-8")
    partial.replace(path)
