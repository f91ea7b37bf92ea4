"""What a finding claims, out of a report in memory, a JSON file or a store's row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.model.finding import Finding

_LOUDNESS: Final = ("error", "warning", "note")


class ClaimError(Exception):
    """No finding could be told from what was given; the text says why."""


class _Step(Struct, frozen=True):
    function: str
    path: str = ""


class _Promise(Struct, frozen=True):
    guarantee: str = ""
    context: str = ""
    callback: str | None = None
    mechanism: str | None = None
    chain: tuple[_Step, ...] = ()


class _Entry(Struct, frozen=True):
    name: str = ""
    kind: str = ""
    chain: tuple[str, ...] = ()


class Claim(Struct, frozen=True):
    """One finding as a report has it, as far as a running kernel can show it."""

    rule: str
    level: str
    family: str
    cleanup: str
    function: str
    message: str
    fingerprint: str
    before: _Promise
    after: _Promise
    condition: str | None = None
    path: str = ""
    entry_points: tuple[_Entry, ...] = ()

    @property
    def system_calls(self) -> tuple[str, ...]:
        """The functions of system calls that lead to it, as the source calls them."""
        calls = (one for one in self.entry_points if one.kind == "syscall")
        return tuple(dict.fromkeys((one.chain or (one.name,))[0] for one in calls))

    @property
    def home(self) -> str:
        """The file of the function that lost the promise, as far as the chain tells."""
        steps = (*self.before.chain, *self.after.chain)
        own = (step.path for step in steps if step.function == self.function and step.path)
        return next(own, self.path)


def of_findings(findings: Iterable[Finding]) -> tuple[Claim, ...]:
    """Return what findings in memory claim."""
    return tuple(
        Claim(
            one.rule,
            one.level,
            one.family,
            one.cleanup,
            one.function,
            one.message,
            one.fingerprint,
            _promise(one.before),
            _promise(one.after),
            one.condition,
            one.path,
            tuple(_Entry(each.name, each.kind, each.chain) for each in one.entry_points),
        )
        for one in findings
    )


def _promise(side: Any) -> _Promise:
    chain = tuple(_Step(step.function, step.path) for step in side.chain)
    return _Promise(side.guarantee, side.context, side.callback, side.mechanism, chain)


def of_json(text: bytes, name: str) -> tuple[Claim, ...]:
    """Return what a report in JSON claims, or a single finding of one.

    Raises ClaimError, with ``name``, for what is neither.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClaimError(f"{name}: is no JSON: {error}") from None
    if isinstance(data, dict) and "findings" not in data:
        data = {"findings": [data]}
    try:
        return msgspec.convert(data, _Report).findings
    except msgspec.ValidationError as error:
        raise ClaimError(f"{name}: is no report of patchlint in JSON: {error}") from None


class _Report(Struct, frozen=True):
    findings: tuple[Claim, ...]


def choose(claims: Sequence[Claim], fingerprint: str | None) -> Claim:
    """Return the claim with that fingerprint (or its beginning), else the loudest.

    Raises ClaimError when there is none, or when the beginning fits several.
    """
    if fingerprint is None:
        if not claims:
            raise ClaimError("there is no finding to confirm")
        return min(claims, key=lambda one: _loudness(one.level))
    fitting = {one.fingerprint: one for one in claims if one.fingerprint.startswith(fingerprint)}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if fitting:
        raise ClaimError(f"'{fingerprint}' begins {len(fitting)} fingerprints: say more of it")
    known = ", ".join(dict.fromkeys(one.fingerprint for one in claims[:10])) or "none"
    raise ClaimError(f"no finding {fingerprint}; there are: {known}")


def _loudness(level: str) -> int:
    return _LOUDNESS.index(level) if level in _LOUDNESS else len(_LOUDNESS)
