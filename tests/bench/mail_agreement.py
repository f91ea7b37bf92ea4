"""How the mail stage agrees with git, b4 and patchwork over an archive: a script, not a test.

Every mail is read by each of them, and each class of difference is counted and shown with
some Message-IDs. A class in capitals loses a patch; there must be none::

    python tests/bench/mail_agreement.py [--newest N] [--every N] [--show N]
        [--patchwork CHECKOUT] [--only PEER] INPUT...

- mailsplit: the mails as one mbox, split by ``git mailsplit`` and by us.
- mailinfo: the patch that ``git mailinfo`` takes out of a mail, as ``git apply --numstat``
  counts it, against ours.
- b4: what ``b4.LoreMessage`` makes of a mail, and the series of each thread.
- patchwork: subject and patch as patchwork's parser has them. It is in no package; with
  ``--patchwork`` it is taken out of a checkout, else the rules of 3.2 as written down here.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import logging
import re
import subprocess
import sys
import tempfile
import types
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import MagicMock

import b4
from diff_agreement import mails

from patchlint.mail import mbox
from patchlint.mail.message import decode
from patchlint.mail.series import group
from patchlint.mail.threads import Threads
from patchlint.patch.diff import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from patchlint.model.mail import Mail, RawMail

PEERS = ("mailsplit", "mailinfo", "b4", "patchwork")
SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
#: a total from here on is none of ours: ``[tree:branch 12235/13394]``
_MOST = 10000
Number = tuple[int | None, int | None, int]


class Classes:
    """Classes of difference with one peer: how often each is met, and in which mails."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.found: dict[str, list[str]] = defaultdict(list)

    def note(self, what: str, name: str) -> None:
        self.found[what].append(name)

    def print(self, show: int) -> bool:
        """Print them, the most frequent first; whether none loses a patch."""
        print(f"\n{self.peer}")
        for what, names in sorted(self.found.items(), key=lambda pair: -len(pair[1])):
            print(f"{len(names):8} {what}")
            if not what.endswith("same"):
                step = max(1, len(names) // show) if show else 1
                for name in names[:: step or 1][:show]:
                    print(f"             {name}")
        return not any(what.isupper() for what in self.found)


class One(NamedTuple):
    """A mail, raw and as we decode it."""

    raw: RawMail
    ours: Mail

    @property
    def name(self) -> str:
        return f"<{self.ours.message_id}> {self.ours.subject[:60]}"


# -- mailsplit -----------------------------------------------------------------------------


def mailsplit(ones: Sequence[One], classes: Classes) -> None:
    """Hold our split of an mbox against git's, mail by mail."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for start in range(0, len(ones), 2000):
            part = ones[start : start + 2000]
            text = b"".join(_as_mbox(one.raw.data) for one in part)
            (folder / "in.mbox").write_bytes(text)
            for old in folder.glob("[0-9]*"):
                old.unlink()
            command = ["git", "mailsplit", "--mboxrd", "--keep-cr", f"-o{place}", "in.mbox"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            theirs = [path.read_bytes() for path in sorted(folder.glob("[0-9]*"))]
            lines = text.splitlines(keepends=True)
            here = [message.separator + message.data for message in mbox.split(lines)]
            if len(theirs) != len(here):
                classes.note(f"git splits {len(theirs)}, we {len(here)}", part[0].name)
            for one, git, own in zip(part, theirs, here, strict=False):
                same = git.rstrip(b"\n") == own.rstrip(b"\n")
                classes.note("same" if same else "CUT ELSEWHERE", one.name)


def _as_mbox(data: bytes) -> bytes:
    head, blank, body = data.partition(b"\n\n")
    # a Content-Length that was true on the wire is not true of a decoded copy
    lines = head.split(b"\n")
    head = b"\n".join(line for line in lines if not line.lower().startswith(b"content-length:"))
    return SEPARATOR + mbox.escape(head + blank + body).rstrip(b"\n") + b"\n\n"


# -- mailinfo ------------------------------------------------------------------------------


def numstat(text: bytes, folder: str) -> Counter[tuple[str, int, int]] | None:
    """Files with their added and removed lines as git counts them, None when it refuses."""
    for level in ("-p1", "-p0"):
        done = subprocess.run(
            ["git", "apply", "--numstat", "-z", "--allow-empty", level, "-"],
            input=text,
            cwd=folder,
            capture_output=True,
            check=False,
        )
        if not done.returncode:
            rows = re.findall(rb"(\d+|-)\t(\d+|-)\t([^\0]*)\0", done.stdout)
            return Counter((_base(name), _number(new), _number(old)) for new, old, name in rows)
    return None


def _base(name: bytes) -> str:
    return name.decode("utf-8", "replace").rpartition("/")[2]


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else 0


def _counted(diff: str) -> Counter[tuple[str, int, int]]:
    return Counter(
        (file.path.rpartition("/")[2], file.added, file.removed) for file in parse(diff).files
    )


def mailinfo(ones: Sequence[One], classes: Classes) -> None:
    """Hold the patch of each mail against what git takes out of it."""
    with tempfile.TemporaryDirectory() as folder:
        for one in ones:
            if b"@@ -" in one.raw.data or b"base64" in one.raw.data.lower() or one.ours.diff_start:
                classes.note(_mailinfo(one, folder), one.name)


def _mailinfo(one: One, folder: str) -> str:
    data = one.raw.data.replace(b"\r\n", b"\n")
    command = ["git", "mailinfo", "--encoding=UTF-8", "message", "patch"]
    done = subprocess.run(command, input=data, cwd=folder, capture_output=True, check=False)
    if done.returncode:
        return "git cannot read the mail"
    git = numstat(Path(folder, "patch").read_bytes(), folder)
    parts = one.ours.attached or ((one.ours,) if one.ours.diff_start is not None else ())
    here: Counter[tuple[str, int, int]] = Counter()
    for part in parts:
        here += _counted(part.body[part.diff_start or 0 :])
    if git == here:
        return "same"
    if git is None:
        return "git refuses the patch, we read it" if here else "git refuses it, we find none"
    return _other(git, here, talk=one.ours.is_reply or one.ours.number == 0)


def _other(
    git: Counter[tuple[str, int, int]], here: Counter[tuple[str, int, int]], *, talk: bool
) -> str:
    """What the difference between two readings of a patch is."""
    if not here:
        what = "a diff in an answer or cover letter that git would take"
        return what if talk else "LOST: GIT HAS A PATCH"
    if not git - here:
        return "we read more files than git" if git else "git finds no patch, we do"
    same = {name for name, *_ in git} == {name for name, *_ in here}
    return "other numbers of lines" if same else "LOST: GIT HAS MORE FILES"


# -- b4 ------------------------------------------------------------------------------------


def by_b4(ones: Sequence[One], classes: Classes) -> None:
    """Hold subject, patch and series against b4's."""
    b4.can_network = False
    threads = Threads([one.ours for one in ones])
    boxes: dict[str, list[One]] = defaultdict(list)
    for one in ones:
        boxes[threads.name(one.ours)].append(one)
    for box in boxes.values():
        _one_box(box, classes)


def _one_box(box: Sequence[One], classes: Classes) -> None:
    if not any(one.ours.diff_start is not None or b"@@ -" in one.raw.data for one in box):
        return
    loaded = b4.LoreMailbox()
    for one in box:
        message = email.message_from_bytes(one.raw.data, policy=email.policy.default)
        try:
            theirs = b4.LoreMessage(message)
            loaded.add_message(message)
        except Exception as error:  # noqa: BLE001 - what b4 raises is what is counted
            classes.note(f"b4 raises {type(error).__name__}", one.name)
            continue
        classes.note(f"subject: {_subject(one.ours, theirs)}", one.name)
        classes.note(f"patch: {_has_diff(one.ours, theirs)}", one.name)
    _series(box, loaded, classes)


def _subject(ours: Mail, theirs: Any) -> str:
    spoken = theirs.lsubject
    there = None if spoken.counters_inferred else (spoken.counter, spoken.expected)
    here = None if ours.number is None else (ours.number, ours.total)
    if (here, ours.version) == (there, theirs.revision):
        return "same"
    if not _is_outer(ours, theirs.full_subject):
        return "another subject stands in the text"
    if here is None and there is not None:
        return "NUMBER LOST"
    if here != there:
        return "number that b4 does not know" if there is None else "another number"
    return "version that b4 does not know" if ours.version > theirs.revision else "another version"


def _has_diff(ours: Mail, theirs: Any) -> str:
    here = ours.diff_start is not None or bool(ours.attached)
    there = bool(theirs.has_diff)
    if here == there:
        return "same"
    if here:
        return "only we see one"
    if ours.is_reply or ours.number == 0:
        return "b4 sees one in an answer or cover letter"
    return "LOST: ONLY B4 SEES ONE"


def _series(box: Sequence[One], loaded: Any, classes: Classes) -> None:
    ours = group([one.ours for one in box])
    known = {patch.message_id for one in ours for patch in one.patches}
    mine = {tuple(patch.message_id for patch in one.patches) for one in ours}
    for revision, series in sorted(loaded.series.items()):
        patches = [patch for patch in series.patches[1:] if patch is not None]
        name = f"v{revision} of <{patches[0].msgid}>" if patches else f"v{revision}"
        ids = tuple(patch.msgid for patch in patches)
        if not ids:
            continue
        if not set(ids) <= known:
            lost = [patch for patch in patches if patch.msgid not in known]
            talk = all(patch.reply or patch.counter == 0 for patch in lost)
            classes.note("series: answers taken for patches" if talk else "SERIES: LOST", name)
        elif ids in mine:
            classes.note("series: same", name)
        elif any(set(ids) < set(one) for one in mine):
            classes.note("series: ours has more patches", name)
        elif len({patch.expected for patch in patches}) > 1 or any(
            patch.counters_inferred for patch in patches
        ):
            classes.note("series: b4 puts several into one", name)
        else:
            classes.note("series: ours are more, or other mails stand in for some", name)
    theirs = {
        patch.msgid
        for series in loaded.series.values()
        for patch in series.patches
        if patch is not None
    }
    for one in sorted(known - theirs - {None}, key=str):
        classes.note("series: patch that is in none of b4's", f"<{one}>")


# -- patchwork -----------------------------------------------------------------------------


class Patchwork(NamedTuple):
    """What is asked of patchwork: number, total, version; whether an answer; the patch."""

    subject: Callable[[str], Number]
    is_answer: Callable[[str], bool]
    patch: Callable[[Any], str | None]


def rules_of_patchwork() -> Patchwork:
    """The rules of patchwork 3.2, in our words; a patch is not looked for."""

    def subject(text: str) -> Number:
        text = " ".join(re.sub(r"(?i)^(?:re|fwd?)[:\s]\s*", " ", text).split())
        words: list[str] = []
        while found := re.match(r"\[([^]]*)\]\s*(.*)$", text):
            inside, text = found.groups()
            if spelt := re.match(r"PATCH (\d+ of \d+)(.*)$", inside):
                words.append(spelt[1])
                inside = spelt[2]
            words += [word for word in re.split(r"[,\s]+", inside) if word]
        counters = (re.match(r".*?([0-9]+)(?:/| of )([0-9]+)$", word) for word in words)
        number, total = next(((int(f[1]), int(f[2])) for f in counters if f), (None, None))
        versions = [int(word[1:]) for word in words if re.fullmatch(r"[vV]\d+", word)]
        named = re.search(r"\([vV](\d+)\)", text)
        version = versions[0] if versions else int(named[1]) if named else 1
        return number, total, version

    return Patchwork(subject, lambda text: bool(re.match(r"(?i)re[:\s]", text)), lambda _mail: None)


def patchwork_of(checkout: str) -> Patchwork:
    """The parser out of a checkout of patchwork, with stand-ins for its data base."""
    names = ("contrib.auth.models", "db.utils", "db", "utils", "urls", "contrib.auth", "contrib")
    for name in ("django", *(f"django.{one}" for one in names), "patchwork", "patchwork.models"):
        sys.modules[name] = MagicMock()
    place = Path(checkout, "patchwork", "parser.py")
    module = types.ModuleType("patchwork_parser")
    exec(compile(place.read_text(), str(place), "exec"), module.__dict__)  # noqa: S102
    parser: Any = module

    def subject(text: str) -> Number:
        name, prefixes = parser.clean_subject(text)
        number, total = parser.parse_series_marker(prefixes)
        return number, total, parser.parse_version(name, prefixes)

    return Patchwork(
        subject,
        lambda text: bool(parser.subject_check(text)),
        lambda mail: parser.find_patch_content(mail)[0],
    )


def by_patchwork(ones: Sequence[One], classes: Classes, patchwork: Patchwork) -> None:
    """Hold subject and patch against patchwork's."""
    for one in ones:
        message = email.message_from_bytes(one.raw.data)
        text = str(message.get("Subject", "") or "")
        if "[" not in text and "=?" not in text and one.ours.number is None:
            continue
        try:
            number, total, version = patchwork.subject(text)
            answer = patchwork.is_answer(text)
            patch = None if answer else patchwork.patch(message)
        except Exception as error:  # noqa: BLE001 - what it raises is what is counted
            classes.note(f"patchwork raises {type(error).__name__}", one.name)
            continue
        classes.note(f"subject: {_marked(one.ours, text, number, total, version)}", one.name)
        if patch and one.ours.diff_start is None and not one.ours.attached:
            talk = one.ours.is_reply or one.ours.number == 0
            what = "patch: in an answer or cover letter" if talk else "PATCH LOST"
            classes.note(what, one.name)
        elif patch:
            classes.note("patch: same", one.name)


def _is_outer(ours: Mail, subject: str) -> bool:
    """Whether the subject that counts for us is that of the header."""
    title = ours.subject[-20:].split()[-1:]
    return not title or title[0] in subject or "=?" in subject


def _marked(ours: Mail, text: str, number: int | None, total: int | None, version: int) -> str:
    if (ours.number, ours.total, ours.version) == (number, total, version):
        return "same"
    if not _is_outer(ours, text):
        return "another subject stands in the text"
    if ours.number is None and number is not None:
        return "NUMBER LOST" if (total or 0) < _MOST else "a total that no series has"
    if (ours.number, ours.total) != (number, total):
        return "number that patchwork does not know" if number is None else "another number"
    more = ours.version > version
    return "version that patchwork does not know" if more else "another version"


# -- all of it -----------------------------------------------------------------------------


def read(names: list[str], newest: int | None, every: int) -> Iterable[One]:
    for place, raw in enumerate(mails(names, newest)):
        if raw.data and not place % every:
            yield One(raw, decode(raw))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("input", nargs="+", metavar="INPUT")
    parser.add_argument("--newest", type=int, metavar="N", help="only the last N mails")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th mail")
    parser.add_argument("--show", type=int, default=3, metavar="N", help="examples of a class")
    parser.add_argument("--only", choices=PEERS, action="append", help="hold against this peer")
    parser.add_argument("--patchwork", metavar="DIR", help="a checkout of patchwork")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    ones = list(read(options.input, options.newest, options.every))
    patches = sum(one.ours.diff_start is not None for one in ones)
    print(f"{len(ones)} mails, {patches} with a patch")
    rules = patchwork_of(options.patchwork) if options.patchwork else rules_of_patchwork()
    steps: dict[str, Callable[[Classes], None]] = {
        "mailsplit": lambda classes: mailsplit(ones, classes),
        "mailinfo": lambda classes: mailinfo(ones, classes),
        "b4": lambda classes: by_b4(ones, classes),
        "patchwork": lambda classes: by_patchwork(ones, classes, rules),
    }
    good = True
    for peer in options.only or PEERS:
        classes = Classes(peer)
        steps[peer](classes)
        good = classes.print(options.show) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
