"""Running ``git`` and friends: argument lists only, bytes in and bytes out, no shell."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Longest that a helper program may take, in seconds, before it is given up.
PATIENCE = 120.0


class ProgramError(Exception):
    """A program could not be started, failed, or took too long; the text says which."""


def output(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    cwd: str | None = None,
    environ: Mapping[str, str] | None = None,
    accept: Sequence[int] = (0,),
    patience: float = PATIENCE,
) -> bytes:
    """Return what ``argv`` writes to standard output.

    ``accept`` holds the exit statuses that count as an answer; any other raises
    ``ProgramError`` with the last line of its standard error.
    """
    import subprocess

    try:
        done = subprocess.run(
            list(argv),
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env=None if environ is None else dict(environ),
            check=False,
            timeout=patience,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ProgramError(f"{argv[0]}: {error}") from error
    if done.returncode not in accept:
        reason = _reason(done.stderr) or f"exit status {done.returncode}"
        words = [word for word in argv if not word.startswith("-")]
        raise ProgramError(f"{' '.join(words[:2])}: {reason}")
    return done.stdout


def _reason(stderr: bytes) -> str:
    """Return the line of standard error that tells most: git's ``fatal:``, else the last."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal[:1] or lines[-1:] or [""])[0]


def git(
    *arguments: str,
    cwd: str | None = None,
    stdin: bytes = b"",
    accept: Sequence[int] = (0,),
    patience: float = PATIENCE,
) -> str:
    """Return what ``git ARGUMENTS`` prints, decoded; raises ``ProgramError``."""
    data = output(["git", *arguments], cwd=cwd, stdin=stdin, accept=accept, patience=patience)
    return data.decode("utf-8", "surrogateescape")


def quick(argv: Sequence[str]) -> tuple[int, bytes]:
    """Return the exit status and standard output of a short command.

    For the hook's fast path: spares the import of ``subprocess``.  The output must fit
    into memory; standard error is thrown away.  A program that is not there gives
    status 127.
    """
    reader, writer = os.pipe()
    silent = os.open(os.devnull, os.O_RDWR)
    actions = [
        (os.POSIX_SPAWN_DUP2, silent, 0),
        (os.POSIX_SPAWN_DUP2, writer, 1),
        (os.POSIX_SPAWN_DUP2, silent, 2),
    ]
    try:
        child = os.posix_spawnp(argv[0], list(argv), os.environ, file_actions=actions)
    except OSError:
        os.close(reader)
        return 127, b""
    finally:
        os.close(writer)
        os.close(silent)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), data
