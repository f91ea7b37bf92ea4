"""What went wrong, and what could not be known: both are results, not logs."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

#: the stage of a limitation that another machine or another day may not have: a check given up
TIME: Final = "time"
#: the stage of what the repository that one stands in sets and that may hide findings
CONFIG: Final = "config"
#: how it is said that a check was given up
GIVEN_UP: Final = "the check of this series was given up: "


def about(subject: str, text: str) -> str:
    """What is said of a mail or a series: behind its subject, which a lone diff has not."""
    return f"{subject}: {text}" if subject else text


class Limitation(Struct, frozen=True):
    """Something that could not be known, so that silence is never mistaken for a pass.

    ``stage`` is the stage that met it (mail, diff, images, syntax, graph, tree, rules).
    ``line`` is a line of ``path`` when that is set, else a line of the mail.  ``lost`` is set
    where lines of a patch were not read: then the patch is checked in part.  ``absent`` is set
    where a change that belongs to the input is not in it, so that the whole is no pass.
    """

    stage: str
    message: str
    path: str | None = None
    message_id: str | None = None
    line: int | None = None
    lost: bool = False
    absent: bool = False

    @property
    def told(self) -> str:
        """The message behind the place in a file that it is about."""
        if self.path is None:
            return self.message
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}"


class InputError(Struct, frozen=True):
    """An input, or a part of one, that could not be checked at all.

    ``input`` is the file name (or ``-``) as the user gave it; ``line`` is the line in it
    when known, counted from 1.
    """

    input: str
    message: str
    message_id: str | None = None
    line: int | None = None

    @property
    def told(self) -> str:
        """The message behind the place that it is about: ``FILE:LINE: <MESSAGE-ID> message``."""
        place = f"{self.input}:{self.line}" if self.line else self.input
        mail = f" <{self.message_id}>" if self.message_id else ""
        return f"{place}:{mail} {self.message}"


class Note(Struct, frozen=True):
    """Something to tell the reader that is neither a finding nor a doubt of one."""

    message: str
    message_id: str | None = None
