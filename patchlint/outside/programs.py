"""Starts programs: argument lists only, bytes in and bytes out, no shell."""

from __future__ import annotations

import os

from patchlint.outside import git as _git

# the hook imports this: typing and contextlib take as long as the hook itself
TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from typing import IO, Final

    Pipes = tuple[IO[bytes], IO[bytes]]

    #: Longest that a helper program may take, in seconds, before it is given up.
PATIENCE: Final = 120.0

#: as standard input of :func:`stream`: a pipe
PIPE: Final = -1
#: as ``errors`` of :func:`stream`: where standard output goes
SAME: Final = -2


class ProgramError(Exception):
    """A program could not be started, failed, or took too long; the text says which."""


def told(error: BaseException) -> str:
    """What an error that nobody expected is called in a message.

    A class has a name for who mends the program; some say all there is to say.
    """
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    said = " ".join(str(error).split())
    if isinstance(error, ProgramError):
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


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
    ``ProgramError`` with the line of its standard error that tells most.
    """
    status, out, errors = finished(argv, stdin=stdin, cwd=cwd, environ=environ, patience=patience)
    if status not in accept:
        reason = said(errors) or f"exit status {status}"
        words = [word for word in argv if not word.startswith("-") and "=" not in word]
        raise ProgramError(f"{' '.join(words[:2])}: {reason}")
    return out


def finished(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    cwd: str | None = None,
    environ: Mapping[str, str] | None = None,
    patience: float | None = PATIENCE,
) -> tuple[int, bytes, bytes]:
    """Run ``argv`` to its end; return its status, standard output and standard error.

    Raises ``ProgramError`` when it is not there or takes longer than ``patience`` seconds.
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
    except FileNotFoundError as error:
        raise ProgramError(f"{argv[0]} is not installed, or not on the PATH") from error
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ProgramError(f"{argv[0]}: {error}") from error
    return done.returncode, done.stdout, done.stderr


def said(errors: bytes) -> str:
    """Return the line of standard error that tells most: git's ``fatal:``, else the last."""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal[:1] or lines[-1:] or [""])[0]


def git(
    *arguments: str,
    cwd: str | None = None,
    stdin: bytes = b"",
    accept: Sequence[int] = (0,),
    patience: float = PATIENCE,
    network: bool = False,
) -> str:
    """Return what git prints in the user's own repository, decoded; raises ``ProgramError``.

    ``network`` is for commands with which the user asks to fetch or to send.
    """
    data = output(
        _git.own(*arguments),
        cwd=cwd,
        stdin=stdin,
        environ=_git.own_environment(network=network),
        accept=accept,
        patience=patience,
    )
    return data.decode("utf-8", "surrogateescape")


def git_diffs(*arguments: str, stdin: bytes = b"", cwd: str | None = None) -> bytes:
    """Return what ``git log -p ARGUMENTS`` prints in the user's own repository."""
    command = _git.own("log", "-p", *_git.PLAIN_DIFF, *arguments)
    return output(command, stdin=stdin, cwd=cwd, environ=_git.own_environment())


def read_git(
    place: str, *arguments: str, stdin: bytes = b"", patience: float | None = None
) -> tuple[int, bytes, bytes]:
    """Run git on a repository that may be anybody's; see :func:`patchlint.outside.git.reading`.

    Returns status, standard output and standard error; raises ``ProgramError`` as
    :func:`finished` does.
    """
    command = _git.reading(place, *arguments)
    environ = _git.environment(place)
    return finished(command, stdin=stdin, environ=environ, patience=patience)


def stream(
    argv: Sequence[str],
    *,
    stdin: int | IO[bytes] | None = None,
    cwd: str | None = None,
    environ: Mapping[str, str] | None = None,
    bufsize: int = -1,
    errors: int | IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``argv`` and return it running; its standard output is a pipe.

    ``stdin`` None is no input; ``errors`` is where its standard error goes, None to nowhere.
    Raises ``ProgramError`` when it cannot be started.
    """
    import subprocess

    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if errors is None else errors,
            cwd=cwd,
            env=None if environ is None else dict(environ),
            bufsize=bufsize,
        )
    except (OSError, ValueError) as error:
        raise ProgramError(f"{argv[0]}: {error}") from error


def stream_git(
    place: str,
    *arguments: str,
    stdin: int | IO[bytes] | None = None,
    more: Mapping[str, str] | None = None,
    bufsize: int = -1,
) -> subprocess.Popen[bytes]:
    """As :func:`stream`, for git on a repository that may be anybody's.

    ``more`` are further variables, as of :func:`without_filters`.
    """
    command = _git.reading(place, *arguments)
    environ = _git.environment(place) | dict(more or {})
    return stream(command, stdin=stdin, environ=environ, bufsize=bufsize)


def without_filters(place: str) -> dict[str, str] | None:
    """Return variables that keep git from running programs that are named for contents.

    For commands that compare the work tree; each filter has to be switched off by name.  Git
    itself is asked for all of them: nobody else reads a configuration as it does.  None where
    it does not tell: no such command may be run then.
    """
    asked = ("config", "--includes", "-z", "--name-only", "--get-regexp", r"^filter\.")
    status, names, _ = read_git(place, *asked)
    if status not in _TOLD:
        return None
    keys = names.decode("utf-8", "surrogateescape").split("\0")
    drivers = dict.fromkeys(key.rpartition(".")[0] for key in keys if key)
    ends = (("clean", ""), ("process", ""), ("smudge", ""), ("required", "false"))
    return _git.settings([(f"{one}.{end}", value) for one in drivers for end, value in ends])


#: how ``git config --get-regexp`` ends with an answer: there are some, there are none
_TOLD: Final = (0, 1)


def quick(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> tuple[int, bytes]:
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
        child = os.posix_spawnp(
            argv[0], list(argv), os.environ if environ is None else environ, file_actions=actions
        )
    except (OSError, ValueError):
        os.close(reader)
        return 127, b""
    finally:
        os.close(writer)
        os.close(silent)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), data


def quick_git(*arguments: str) -> tuple[int, bytes]:
    """As :func:`quick`, for git in the user's own repository."""
    return quick(_git.own(*arguments), _git.own_environment())


def own_git(*arguments: str) -> tuple[int, bytes, bytes]:
    """Run git in the user's own repository; return status, standard output and standard error.

    What git says is in English.  Raises ``ProgramError`` as :func:`finished` does.
    """
    environ = _git.own_environment() | {"LC_ALL": "C"}
    return finished(_git.own(*arguments), environ=environ)


def pipes_to_git(place: str, *arguments: str) -> tuple[int, Pipes]:
    """Start git on anybody's repository; return its process and pipes to it and from it.

    ``subprocess`` would do the same, but its import takes as long as the program's start.
    Raises OSError.  To be ended with :func:`let_end`.
    """
    _reap()
    command = _git.reading(place, *arguments)
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    silent = os.open(os.devnull, os.O_WRONLY)
    actions = [
        (os.POSIX_SPAWN_DUP2, theirs_in, 0),
        (os.POSIX_SPAWN_DUP2, theirs_out, 1),
        (os.POSIX_SPAWN_DUP2, silent, 2),
    ]
    try:
        process = os.posix_spawnp(
            command[0], command, _git.environment(place), file_actions=actions
        )
    except OSError:
        os.close(ours_out)
        os.close(ours_in)
        raise
    finally:
        for theirs in (theirs_in, theirs_out, silent):
            os.close(theirs)
    return process, (os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb"))


def let_end(process: int, pipes: Pipes) -> None:
    """Let a program end, which it does when nothing more can be asked."""
    for pipe in pipes:
        try:
            pipe.close()
        except OSError:
            continue
    _ending.add(process)
    _reap()


#: programs that were told to end; nobody waits for them, which takes as long as to read a file
_ending: Final[set[int]] = set()


def _reap() -> None:
    """Take leave of programs that have ended."""
    for process in [*_ending]:
        try:
            ended, _ = os.waitpid(process, os.WNOHANG)
        except ChildProcessError:  # of a process that this one was forked from
            ended = process
        if ended:
            _ending.discard(process)
