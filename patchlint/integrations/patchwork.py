"""Posts checks to a Patchwork server: one for each patch of a series.

Patchwork knows no check of a series, so a finding goes on the patch that introduces it.
Each post adds a row there; what the server has already is read first, and only a change
is posted.
"""

from __future__ import annotations

import json
import re
import time
import urllib.parse
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from patchlint.integrations import web

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.model.finding import Finding, Report

#: Seconds before each further try of a post.
BACKOFF: Final = (1.0, 4.0, 16.0)
_DESCRIPTION: Final = 200
_MOST_PAGES: Final = 50
_CREATED: Final = 201


class PatchworkError(Exception):
    """The server refused, or could not be reached; the text says which."""


class Check(Struct, frozen=True):
    """A check as Patchwork keeps it.  ``context`` is a slug."""

    state: str
    context: str
    description: str
    target_url: str


class RemotePatch(Struct, frozen=True):
    """A patch as the server knows it; ``message_id`` is without angle brackets."""

    number: int
    message_id: str
    name: str


class Server:
    """The REST API of one Patchwork server."""

    def __init__(self, url: str, token: str, backoff: Sequence[float] = BACKOFF) -> None:
        if not url:
            raise PatchworkError("which server? give --url or set patchwork-url")
        base = url.rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise PatchworkError(f"{url} is no http or https URL")
        self._api = base if re.search(r"/api(/\d[\d.]*)?$", base) else f"{base}/api"
        self._token = token
        self._backoff = backoff

    def series(self, number: int) -> tuple[list[RemotePatch], str]:
        """Return the patches of a series in order, and the URL of its mbox."""
        with self._understood(f"series/{number}/") as path:
            found = self._get(path)
            return [_patch(one) for one in found["patches"]], str(found["mbox"])

    def patches(self, message_id: str) -> list[RemotePatch]:
        """Return the patches that came as the mail ``message_id``, one for each project."""
        query = urllib.parse.urlencode({"msgid": message_id})
        with self._understood(f"patches/?{query}") as path:
            return [_patch(one) for one in self._pages(path)]

    def series_of(self, message_id: str) -> list[int]:
        """Return the numbers of the series that a patch or cover letter is part of."""
        query = urllib.parse.urlencode({"msgid": message_id})
        numbers: dict[int, None] = {}
        for kind in ("patches", "covers"):
            with self._understood(f"{kind}/?{query}") as path:
                for one in self._pages(path):
                    numbers.update((int(series["id"]), None) for series in one.get("series", []))
        return list(numbers)

    def completed(self, project: str, since: str) -> list[tuple[str, int]]:
        """Return the series of ``project`` that became complete from ``since`` on.

        Oldest first, each with the moment of it, as the server writes that.
        """
        asked = {"category": "series-completed", "project": project, "since": since}
        query = urllib.parse.urlencode(asked | {"order": "date"})
        with self._understood(f"events/?{query}") as path:
            rows = self._pages(path)
            return sorted({(str(row["date"]), int(row["payload"]["series"]["id"])) for row in rows})

    def newest(self, patch: int, context: str) -> Check | None:
        """Return the check of ``context`` that counts: the last that was posted."""
        with self._understood(f"patches/{patch}/checks/") as path:
            rows = [row for row in self._pages(path) if row["context"] == context]
            if not rows:
                return None
            last = max(rows, key=lambda row: (str(row.get("date", "")), int(row["id"])))
        return Check(
            str(last["state"]),
            context,
            str(last.get("description") or ""),
            str(last.get("target_url") or ""),
        )

    def post(self, patch: int, check: Check) -> None:
        """Post one check.

        A post whose answer got lost may have been taken: the server is asked before the
        next try, so that no row comes twice.
        """
        body = {
            "state": check.state,
            "context": check.context,
            "description": check.description,
        }
        if check.target_url:
            body["target_url"] = check.target_url
        url = f"{self._api}/patches/{patch}/checks/"
        for wait in (*self._backoff, None):
            try:
                answer = web.tell(url, body, self._headers())
            except web.WebError as error:
                if wait is None or not error.temporary:
                    raise PatchworkError(str(error)) from error
                time.sleep(min(error.after or wait, web.LONGEST_WAIT))
                if self.newest(patch, check.context) == check:
                    return
                continue
            if answer.status != _CREATED:
                raise PatchworkError(f"{url}: answered {answer.status}, not {_CREATED}")
            return

    def mbox(self, url: str) -> bytes:
        """Return an mbox of the server's; ``url`` must be of the same server."""
        if urllib.parse.urlsplit(url).netloc != urllib.parse.urlsplit(self._api).netloc:
            raise PatchworkError(f"{url} is not on {self._api}")
        return self._ask(url).body

    @contextmanager
    def _understood(self, path: str) -> Iterator[str]:
        """Say of an answer that is JSON and not what Patchwork answers that it is none of its."""
        try:
            yield path
        except (TypeError, LookupError, AttributeError, ValueError, OverflowError) as error:
            raise PatchworkError(
                f"{self._api}/{path}: the answer is not what a Patchwork server gives"
            ) from error

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        url: str | None = f"{self._api}/{path}"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            answer = self._ask(url)
            rows = _json(answer.body, url)
            if not isinstance(rows, list):
                raise TypeError("no list")
            yield from rows
            url = answer.following or None

    def _get(self, path: str) -> Any:
        url = f"{self._api}/{path}"
        return _json(self._ask(url).body, url)

    def _ask(self, url: str) -> web.Answer:
        if urllib.parse.urlsplit(url).netloc != urllib.parse.urlsplit(self._api).netloc:
            raise PatchworkError(f"{url} is not on {self._api}: the token stays here")
        try:
            return web.ask(url, self._headers())
        except web.WebError as error:
            raise PatchworkError(str(error)) from error

    def _headers(self) -> dict[str, str]:
        accepted = {"Accept": "application/json"}
        return {**accepted, "Authorization": f"Token {self._token}"} if self._token else accepted


def _json(data: bytes, url: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:  # the latter: lists in lists without end
        raise PatchworkError(f"{url}: the answer is no JSON: {error}") from error


def _patch(row: dict[str, Any]) -> RemotePatch:
    return RemotePatch(int(row["id"]), str(row["msgid"]).strip("<> "), str(row.get("name", "")))


# --- what to post


def slug(text: str) -> str:
    """Return ``text`` as Patchwork allows it for a context."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:255] or "patchlint"


def checks(
    report: Report, findings: Iterable[Finding], context: str, target_url: str
) -> dict[str, Check]:
    """Return the check of each patch that came by mail, by its message-id.

    ``findings`` are those that stand.  An error fails, a warning warns, and so does a patch
    that could not be read or not checked to its end; all else is a success.  A report in which
    nothing could be checked gives nothing to post.
    """
    from patchlint.report.lookup import unpassed

    standing = list(findings)
    left = unpassed(report)
    made: dict[str, Check] = {}
    for index, series in enumerate(report.series):
        for patch in series.patches:
            if not patch.message_id:
                continue
            mine = [f for f in standing if (f.series, f.patch) == (index, patch.number)]
            state, said = _state(mine), _description(mine)
            if state == "success" and (why := left.get((index, patch.number))):
                state, said = "warning", _cut(why, _DESCRIPTION)
            made[patch.message_id] = Check(state, slug(context), said, target_url)
    return made


def _cut(text: str, room: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _state(findings: Sequence[Finding]) -> str:
    levels = {finding.level for finding in findings}
    return "fail" if "error" in levels else "warning" if "warning" in levels else "success"


def _description(findings: Sequence[Finding]) -> str:
    loud = [finding for finding in findings if finding.level != "note"]
    if not loud:
        return "no promise to user space got weaker"
    more = f" (and {len(loud) - 1} more)" if len(loud) > 1 else ""
    text = f"{loud[0].path}:{loud[0].line}: [{loud[0].rule}] {loud[0].message}"
    return _cut(text, _DESCRIPTION - len(more)) + more


def differs(held: Check | None, new: Check) -> bool:
    """Whether ``new`` says something that the server does not show yet."""
    return held != new
