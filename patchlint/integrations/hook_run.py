"""What a git hook of patchlint's does when git runs it.

The fast path comes first: a mail without a candidate is let through before anything
slow is imported.  Exit status: 0 git goes on, 1 findings stop it, 2 the check failed.
"""

# pathlib would cost the fast path more than the check itself
# ruff: noqa: PTH100, PTH103, PTH108, PTH111, PTH112, PTH116, PTH118, PTH120, PTH123, PTH208
from __future__ import annotations

import os
import sys
import time

from patchlint.integrations.git_files import home_of_settings, may_speak, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.integrations.analysis import Analysis, Remark
    from patchlint.integrations.config import Acceptance, Settings

#: How to go on in spite of findings, by hook.
_ANYWAY = {
    "sendemail-validate": "git send-email --no-validate ...",
    "applypatch-msg": "PATCHLINT_FAIL_ON=never git am --continue",
    "pre-push": "git push --no-verify ...",
}
#: How to leave a check that takes long, by hook.
_LEAVE = {
    "sendemail-validate": "Ctrl-C, then --no-validate, sends anyway",
    "applypatch-msg": "Ctrl-C stops",
    "pre-push": "Ctrl-C, then --no-verify, pushes anyway",
}
_STOPPED = {
    "sendemail-validate": "nothing is sent",
    "applypatch-msg": "the patch is not applied",
    "pre-push": "nothing is pushed",
}
_NULL = "0" * 40
#: errors whose texts are for the user
_PLAIN = frozenset({"AnalysisError", "CannotCheck", "ConfigError", "RuleError", "TreeError"})
#: A push of more commits than this is history, not work to check.
_MOST_COMMITS = 200


def start(argv: Sequence[str]) -> int:
    """Run as :func:`main` does, in an interpreter that has the standard library alone.

    What is fast is done here.  Where more is needed the interpreter starts again, with
    all that is installed; the first try has changed nothing and read no standard input.
    """
    if argv[:1] == ["sendemail-validate"]:
        try:
            return main(argv)
        except _NeedsMore:
            pass
    os.environ["PATCHLINT_HOOK_PATH"] = sys.path[0]
    os.execv(sys.executable, [sys.executable, "-P", "-c", _AGAIN, *argv])  # noqa: S606
    return 2


#: Starts the hook with everything that is installed at hand.
_AGAIN = """import os, sys
sys.path.append(os.environ.pop("PATCHLINT_HOOK_PATH"))
from patchlint.integrations.hook_run import main
sys.exit(main(sys.argv[1:]))"""


class _NeedsMore(Exception):  # noqa: N818 - no error: a turn of the way
    """The check needs packages, and this interpreter was started without them."""


def main(argv: Sequence[str]) -> int:
    """Run ``NAME [--fail-on LEVEL] [--] ARGUMENTS`` and return the exit status."""
    from patchlint.outside.console import guarded

    with guarded():
        return _run(argv)


def _run(argv: Sequence[str]) -> int:
    arguments = list(argv)
    name = arguments.pop(0) if arguments else ""
    fail_on = None
    if arguments[:1] == ["--fail-on"] and len(arguments) > 1:
        fail_on = arguments[1]
        del arguments[:2]
    if arguments[:1] == ["--"]:
        del arguments[0]
    runners = {
        "sendemail-validate": _sendemail_validate,
        "applypatch-msg": _applypatch_msg,
        "pre-push": _pre_push,
    }
    if name not in runners:
        _say(f"patchlint: there is no hook {name!r}; there are: {', '.join(runners)}")
        return 2
    try:
        return runners[name](arguments, fail_on)
    except KeyboardInterrupt:
        _say(f"patchlint: stopped, not checked; {_STOPPED[name]}. To go on anyway: {_ANYWAY[name]}")
        return 130
    except Exception as error:
        if sys.flags.no_site:  # with all that is installed it may well work
            raise _NeedsMore from error
        return _failed(name, error)


# --- sendemail-validate


def _sendemail_validate(arguments: Sequence[str], fail_on: str | None) -> int:
    """Check the series that a mail is part of; cover letters pass through.

    With git's counters the last call knows the whole send and checks it as one.  Before
    that, and without counters, the files beside the mail make up the series, and only
    findings of this very patch stop the send.
    """
    from patchlint.integrations import series_files

    if not arguments:
        _say("patchlint: sendemail-validate needs the file of a mail")
        return 2
    path = os.path.abspath(arguments[0])
    counter, total = _count("GIT_SENDEMAIL_FILE_COUNTER"), _count("GIT_SENDEMAIL_FILE_TOTAL")
    sent = _recorded(path, counter, total)
    last = counter is not None and counter == total
    why = _why_unread(path)
    if why:
        return _not_checked("sendemail-validate", [f"{path}: {why}"])
    data = read(path)
    if not data.strip():
        _say(f"patchlint: not checked: {path}: nothing is in it")
    if not (last or series_files.has_diff(data) or series_files.is_unread(data)):
        return 0
    files = sent if last and sent else series_files.siblings(path)
    gone = [f"{file}: {why}" for file in files if (why := _why_unread(file))]
    if gone:
        return _not_checked("sendemail-validate", gone)
    texts = list(map(read, files))
    shown = [text for text in texts if series_files.has_diff(text)]
    unread = [text for text in texts if series_files.is_unread(text)]
    diffs = b"\n".join([*shown, *unread])
    if not (unread or (shown and (_candidate(diffs) or _has_own_rules()))):
        return 0
    if sys.flags.no_site:
        raise _NeedsMore
    here = series_files.place(data)
    whole = last or here.number in {None, here.total} or series_files.holds_several(data)
    number = None if whole else here.number
    return _check_files(
        "sendemail-validate", files, diffs, number, fail_on, shown=bool(shown), unread=bool(unread)
    )


def _why_unread(path: str) -> str:
    """Why the mail in a file cannot be read, "" where it can; a file may be a device."""
    if os.path.isdir(path):
        return "a folder, no mail"
    try:
        with open(path, "rb"):
            return ""
    except OSError as error:
        return error.strerror or "it cannot be read"
    except ValueError:  # a NUL byte in the name
        return "no name of a file"


def _not_checked(name: str, whys: Iterable[str]) -> int:
    """Say that nothing was checked, and stop: git has no use for such a file either."""
    _say(f"patchlint: not checked: {'; '.join(whys)}; {_STOPPED[name]}")
    return 2


def _recorded(path: str, counter: int | None, total: int | None) -> list[str]:
    """Remember ``path`` as a file of this send; return all of them once they are complete.

    A send is told apart by its session, folder and length: git names no other mark.
    """
    if counter is None or total is None or total < 1:
        return []
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(home, "patchlint", "send")
    name = f"{os.getsid(0)}-{os.stat('.').st_ino}-{total}"
    place = os.path.join(folder, name)
    known = read(place).decode("utf-8", "surrogateescape").splitlines()
    lines = [*known[: counter - 1], path]
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(place, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError:
        return []
    return lines if counter == total == len(lines) else []


def _count(name: str) -> int | None:
    value = os.environ.get(name, "")
    return int(value) if value.isascii() and value.isdigit() else None


# --- applypatch-msg


def _applypatch_msg(arguments: Sequence[str], fail_on: str | None) -> int:  # noqa: ARG001
    """Check the patch that ``git am`` is about to commit, with the rest of its mailbox."""
    from patchlint.integrations import series_files
    from patchlint.outside import programs

    folder = programs.git("rev-parse", "--git-path", "rebase-apply").rstrip("\n")
    position = read(os.path.join(folder, "next")).strip()
    if not position.isdigit():
        return 0
    names = sorted(name for name in os.listdir(folder) if name.isdigit())
    current = next((name for name in names if int(name) == int(position)), None)
    if current is None:
        return 0
    files = [os.path.join(folder, name) for name in names]
    diffs = b"\n".join(map(read, files))
    if not (_candidate(diffs) or _has_own_rules()):
        return 0
    number = series_files.place(read(os.path.join(folder, current))).number
    return _check_files("applypatch-msg", files, diffs, number, fail_on)


# --- pre-push


def _pre_push(arguments: Sequence[str], fail_on: str | None) -> int:
    """Check the commits that a push brings; the refs come on standard input.

    Under the pre-commit framework they come in ``PRE_COMMIT_FROM_REF`` and ``_TO_REF``.
    """
    remote = arguments[0] if arguments else os.environ.get("PRE_COMMIT_REMOTE_NAME", "origin")
    status = 0
    for local, far in _pushed():
        status = max(status, _push_one(local, far, remote, fail_on))
    return status


def _pushed() -> list[tuple[str, str]]:
    source, target = os.environ.get("PRE_COMMIT_FROM_REF"), os.environ.get("PRE_COMMIT_TO_REF")
    if target:
        return [(target, source or _NULL)]
    refs = []
    for line in sys.stdin:
        fields = line.split()
        if len(fields) == 4 and not _is_null(fields[1]):  # noqa: PLR2004 - git's four fields
            refs.append((fields[1], fields[3]))
    return refs


def _push_one(local: str, far: str, remote: str, fail_on: str | None) -> int:
    from patchlint.outside import programs

    if local.startswith("-"):  # of a framework's variable: git would read an option
        raise ValueError(f"{local} is no commit")
    known = not _is_null(far) and _has_commit(far)
    limits = [f"^{far}"] if known else ["--not", f"--remotes={remote}"]
    listed = programs.git("rev-list", "--no-merges", "--topo-order", "--reverse", local, *limits)
    commits = listed.split()
    if not commits:
        return 0
    if len(commits) > _MOST_COMMITS:
        _say(
            f"patchlint: {len(commits)} commits are pushed, more than {_MOST_COMMITS}: not"
            " checked; patchlint check A..B --tree . checks a range"
        )
        return 0
    ranges, diffs = _ranges(commits, local)
    from patchlint.ruleset.prefilter import candidate

    # git's own diff of commits is whole
    if not (candidate(diffs) or _has_own_rules()):
        return 0
    from patchlint.integrations import analysis, trees, waiting

    settings = _settings(fail_on)
    tree = trees.top()
    trees.forget_git_environment()
    work = analysis.Work(tuple(ranges), diffs, base=ranges[0], tree=tree)
    with waiting.waiting(waiting.words(tree), _LEAVE["pre-push"]):
        result = analysis.analyse(work, settings)
    return _verdict("pre-push", result, settings, None)


def _ranges(commits: list[str], tip: str) -> tuple[list[str], bytes]:
    """Return commits as one range when they are one line, else each by itself."""
    from patchlint.outside import programs

    first = commits[0]
    diffs = programs.git_diffs(
        *("--no-merges", "--reverse", "--no-walk=unsorted", "--stdin"),
        stdin="\n".join(commits).encode(),
    )
    has_parent = programs.git("rev-list", "--parents", "-n1", first).split()[1:]
    if has_parent:
        count = programs.git("rev-list", "--count", f"{first}^..{tip}").strip()
        if count == str(len(commits)):
            return [f"{has_parent[0]}..{tip}"], diffs
    return commits, diffs


def _has_commit(name: str) -> bool:
    from patchlint.outside import programs

    return programs.quick_git("cat-file", "-e", f"{name}^{{commit}}")[0] == 0


def _is_null(name: str) -> bool:
    return not name.strip("0")


# --- shared


def _check_files(
    name: str,
    files: Sequence[str],
    diffs: bytes,
    number: int | None,
    fail_on: str | None,
    *,
    shown: bool = True,
    unread: bool = False,
) -> int:
    """Check mails as one series; only findings of patch ``number`` stop git, None for any.

    With ``unread`` mails, and no diff that is ``shown``, git goes on if nothing was checked.
    """
    from patchlint.integrations import analysis, trees, waiting

    settings = _settings(fail_on)
    tree = trees.tree_for(settings)
    trees.forget_git_environment()
    work = analysis.Work(tuple(files), diffs, base=trees.head(tree), tree=tree, unread=unread)
    with waiting.waiting(waiting.words(tree), _LEAVE[name]):
        result = analysis.analyse(work, settings)
    if not (shown or result.checked):
        _say_each(_doubts(result, settings).values())
        return 0
    return _verdict(name, result, settings, number)


def _candidate(data: bytes) -> bool:
    """Whether mails may hold something that the shipped rules find, or that cannot be read."""
    from patchlint.mail.certain import certain_mails
    from patchlint.ruleset.prefilter import candidate

    return candidate(data) or not certain_mails(data)


def _has_own_rules() -> bool:
    """Whether the user has rules of their own, which may find what the filter does not know."""
    if os.environ.get("PATCHLINT_RULES"):
        return True
    settings = os.path.join(home_of_settings(os.environ), "patchlint", "config.toml")
    if b"rules" in read(settings):
        return True
    if not may_speak():
        return False
    from patchlint.outside import programs

    return programs.quick_git("config", "--get-all", "patchlint.rules")[0] == 0


def _settings(fail_on: str | None) -> Settings:
    from patchlint.integrations.config import load_settings

    return load_settings({"fail-on": [fail_on]} if fail_on else None)


def _verdict(name: str, result: Analysis, settings: Settings, number: int | None) -> int:
    """Say what was found and return whether it stops git.

    ``number`` is the patch that findings must concern to stop git, None for any.  Once
    it is stopped all findings of the series are said, so that one round is enough.
    """
    from patchlint.integrations import analysis

    if result.errors and not result.checked:
        raise analysis.AnalysisError("; ".join(one.text for one in result.errors))
    stand, taken = analysis.standing(result, settings)
    concerned = [remark for remark in stand if number is None or remark.patch == number]
    stops = any(analysis.at_or_above(remark.level, settings.fail_on) for remark in concerned)
    shown = [
        remark
        for remark in (stand if stops else concerned)
        if remark.level != "note" or analysis.at_or_above("note", settings.fail_on)
    ]
    _say_each(settings.problems if shown else ())
    known = frozenset() if stops else _said_before(name, number)
    doubts = _doubts(result, settings) if _speaks(number, stops=stops) else {}
    _say_each(text for mark, text in doubts.items() if mark not in known)
    _say_remarks(name, [remark for remark in shown if remark.fingerprint not in known])
    fine = [(one, why) for one, why in taken if number is None or one.patch == number]
    _say_each(_accepted(*pair) for pair in fine if pair[0].fingerprint not in known)
    _say_each(result.notes if stops or number is None else ())
    if not stops:
        told = known.union(doubts, (remark.fingerprint for remark in shown))
        _remember(name, told, (remark.fingerprint for remark, _ in fine))
        return 0
    _say_how(name, shown)
    return 1


def _speaks(number: int | None, *, stops: bool) -> bool:
    """Whether this call says what holds for the whole send: the last one does, where git counts."""
    return stops or number is None or _count("GIT_SENDEMAIL_FILE_COUNTER") is None


def _doubts(result: Analysis, settings: Settings) -> dict[str, str]:
    """What may keep a finding from being told, each under a mark to remember it by."""
    import hashlib

    texts = [
        *settings.of_repository,
        *(f"not checked: {one.text}" for one in result.errors),
        *(f"not all was read: {one.text}" for one in result.lost),
        *(f"mended for the check: {text}" for text in result.damage),
    ]
    if result.cut:
        texts.append("not all was checked: it takes longer than the setting time-limit")
    return {hashlib.sha256(text.encode()).hexdigest()[:16]: text for text in texts}


def _accepted(remark: Remark, reason: Acceptance) -> str:
    where = f"{remark.fingerprint} [{remark.rule}] {remark.function}()"
    return f"accepted: {where}: {reason.reason} ({reason.origin})"


def _say_each(texts: Iterable[str]) -> None:
    for text in texts:
        _say(f"patchlint: {text}")


def _say_how(name: str, shown: Sequence[Remark]) -> None:
    """Say what to do about findings that stop git."""
    _say(f"patchlint: {_STOPPED[name]}. To go on anyway: {_ANYWAY[name]}")
    _say('patchlint: to accept one: patchlint config accept FINGERPRINT --reason "why it is fine"')
    silent = {(one.rule, one.function): None for one in shown if not one.author_says}
    if silent:
        _say("patchlint: to tell reviewers why it is fine, below the --- of the patch:")
    for rule, function in silent:
        _say(f"    patchlint-ok: {rule} {function} -- REASON")
    if any(one.author_says for one in shown):
        _say("patchlint: to let such reasons count here: git config patchlint.authorReasons accept")


#: seconds after which a send is another one, even in the same session
_SEND_LASTS = 600.0


def _said_before(name: str, number: int | None) -> frozenset[str]:
    """Fingerprints that calls for earlier patches of this send told of.

    git without counters calls once for each patch and does not say which is the last.
    """
    place = _said_file(name)
    try:
        if number == 1 or time.time() - os.stat(place).st_mtime > _SEND_LASTS:
            os.unlink(place)
    except OSError:
        return frozenset()
    return frozenset(read(place).decode("ascii", "replace").split())


def _remember(name: str, *fingerprints: Iterable[str]) -> None:
    told = [one for some in fingerprints for one in some]
    if not told or name != "sendemail-validate" or _count("GIT_SENDEMAIL_FILE_COUNTER"):
        return
    place = _said_file(name)
    try:
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        with open(place, "w", encoding="ascii", errors="replace") as file:
            file.writelines(f"{one}\n" for one in told)
    except OSError:
        return


def _said_file(name: str) -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    told = f"said-{name}-{os.getsid(0)}-{os.stat('.').st_ino}"
    return os.path.join(home, "patchlint", "send", told)


#: how a commit is called that is checked by itself, wherever in a branch it is
_ALONE = "[PATCH 1/1] "


def _say_remarks(hook: str, shown: Sequence[Remark]) -> None:
    """Say each finding once, under the title of its patch; what it shares with the last, not."""
    title = ""
    told: set[str] = set()
    for remark in shown:
        if remark.title != title:
            title = remark.title
            _say(title.removeprefix(_ALONE) if hook == "pre-push" else title)
        _say(remark.terse())
        for name, promise, way in (
            ("before:", remark.before, remark.before_way),
            ("after: ", remark.after, remark.after_way),
        ):
            if promise not in told:
                _say(f"    {name} {promise}")
            if way:
                _say(f"    {name if promise in told else '       '} {way}")
            told.add(promise)
        if remark.author_says:
            _say(f"    the author says: {remark.author_says}")
        _say(f"    fingerprint: {remark.fingerprint}")


def _failed(name: str, error: Exception) -> int:
    from patchlint.outside.programs import told

    said = str(error) if type(error).__name__ in _PLAIN else told(error)
    _say(f"patchlint: could not check: {said}")
    _say(f"patchlint: {_STOPPED[name]}. To go on anyway: {_ANYWAY[name]}")
    return 2


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
