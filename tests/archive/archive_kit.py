"""Small archives of made-up mails, and stages that are simple enough to predict."""

from __future__ import annotations

import base64
import multiprocessing
import os
import quopri
import random
import signal
import subprocess
import sys
from email.utils import formatdate
from typing import TYPE_CHECKING

from msgspec import Struct

from patchlint.archive import sources
from patchlint.archive.engine import Pipeline, Settings
from patchlint.archive.pool import Pool
from patchlint.archive.progress import Quiet
from patchlint.archive.scan import Outcome, scan
from patchlint.archive.store import Store
from patchlint.model.effect import EntryChain, Promise, Step
from patchlint.model.finding import Finding, HunkLine, PatchRef, Report, SeriesRef
from patchlint.model.kernel import Cleanup, KernelFacts, Rule, Ruleset, Source, Twin
from patchlint.model.problem import Limitation

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400.0
START = 1_600_000_000.0


def diff(path: str, removed: str, added: str) -> str:
    return (
        f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n"
        f"--- a/{path}\n+++ b/{path}\n@@ -10,3 +10,3 @@ static void drop(struct widget *w)\n"
        f" {{\n-\t{removed}\n+\t{added}\n }}\n"
    )


BAD = diff("fs/widget.c", "widget_put(w);", "queue_work(widget_wq, &w->work);")
GOOD = diff("fs/widget.c", "w->count--;", "w->count -= 1;")


class Post(Struct, frozen=True):
    """A mail to be written."""

    message_id: str
    subject: str
    body: str
    reply_to: str = ""
    references: tuple[str, ...] = ()
    author: str = "A Developer <dev@example.org>"
    when: float = START
    encoding: str = "8bit"

    def bytes(self) -> bytes:
        head = [
            f"From: {self.author}",
            f"Subject: {self.subject}",
            f"Date: {formatdate(self.when)}",
            f"Message-ID: <{self.message_id}>",
        ]
        if self.reply_to:
            head.append(f"In-Reply-To: <{self.reply_to}>")
        if self.references:
            head.append("References: " + "\n ".join(f"<{one}>" for one in self.references))
        head.append('Content-Type: text/plain; charset="utf-8"')
        head.append(f"Content-Transfer-Encoding: {self.encoding}")
        body = self.body.encode()
        if self.encoding == "base64":
            body = base64.encodebytes(body)
        elif self.encoding == "quoted-printable":
            body = quopri.encodestring(body)
        return "\n".join(head).encode() + b"\n\n" + body


def patch(
    number: int, total: int, name: str, change: str, *, version: int = 1, day: float = 0, **more
) -> Post:
    prefix = "PATCH" if version == 1 else f"PATCH v{version}"
    count = "" if total == 1 else f" {number}/{total}"
    first = f"{name}-v{version}-1@example.org"
    parent = first if number > 1 else ""
    return Post(
        f"{name}-v{version}-{number}@example.org",
        f"[{prefix}{count}] {name}: change {number}",
        f"Change it.\n\nSigned-off-by: A Developer <dev@example.org>\n---\n{change}-- \n2.39.5\n",
        reply_to=parent,
        references=(parent,) if parent else (),
        when=START + day * DAY + number,
        **more,
    )


def mixture(count: int, seed: int = 5) -> list[Post]:
    """``count`` mails: series good and bad, in three encodings, and replies between them."""
    rng = random.Random(seed)  # noqa: S311 - made-up mails
    posts: list[Post] = []
    number = 0
    while len(posts) < count:
        number += 1
        total = rng.choice((1, 1, 2, 3))
        posts += [
            patch(
                place, total, f"set{number}",
                rng.choice((BAD, GOOD, GOOD)),
                day=number,
                encoding=rng.choice(("8bit", "8bit", "base64", "quoted-printable")),
            )
            for place in range(1, total + 1)
        ]  # fmt: skip
        parent = posts[-1].message_id
        posts.append(
            Post(
                f"reply{number}@example.org", f"Re: {posts[-1].subject}",
                "> +\tqueue_work(widget_wq, &w->work);\n\nWhy?\n",
                reply_to=parent, references=(parent,), when=START + number * DAY + 100,
                author="A Reviewer <rev@example.org>",
            )
        )  # fmt: skip
    return posts[:count]


def epoch(path: Path, posts: list[Post | bytes], *, name: str = "m") -> Path:
    """Append ``posts`` to a public-inbox epoch at ``path``, one commit each."""
    if not path.exists():
        subprocess.run(["git", "init", "-q", "--bare", "-b", "master", str(path)], check=True)
    known = subprocess.run(
        ["git", f"--git-dir={path}", "rev-parse", "-q", "--verify", "master"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    stream = bytearray()
    for number, post in enumerate(posts):
        data = post if isinstance(post, bytes) else post.bytes()
        stream += b"commit refs/heads/master\n"
        stream += b"committer inbox <inbox@example.org> %d +0000\n" % (START + number)
        stream += b"data 1\nx\n"
        if number == 0 and known.returncode == 0:
            stream += b"from refs/heads/master^0\n"
        stream += b"deleteall\nM 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data)
    subprocess.run(
        ["git", f"--git-dir={path}", "fast-import", "--quiet"], input=bytes(stream), check=True
    )
    return path


def mbox(path: Path, posts: list[Post]) -> Path:
    text = b""
    for post in posts:
        text += b"From dev@example.org Sun Sep 13 12:26:40 2020\n"
        text += post.bytes().replace(b"\nFrom ", b"\n>From ") + b"\n"
    path.write_bytes(text)
    return path


def maildir(path: Path, posts: list[Post]) -> Path:
    for folder in ("cur", "new", "tmp"):
        (path / folder).mkdir(parents=True, exist_ok=True)
    for number, post in enumerate(posts):
        (path / "cur" / f"{1_600_000_000 + number}.M1.host:2,S").write_bytes(post.bytes())
    return path


def rule(name: str = "widget-put-deferred", message: str = "w") -> Rule:
    return Rule(name, message, ("widget",), (), None, "warning", (), (), "")


def cleanup(why: str = "it sleeps") -> Cleanup:
    return Cleanup(
        "widget_put", "widget", "sync", "before-call-returns", "eventually", visible=True,
        releases="a widget",
        symptoms=(), advice=(), why=why, source=Source("fs/widget.c", "body"),
    )  # fmt: skip


def ruleset(*rules: Rule, **cleanups: Cleanup) -> Ruleset:
    late = Twin(
        "widget_put", "widget_put_late", "queue_work", "workqueue", "eventually", "a worker",
        Source("fs/widget.c", "seen"),
    )  # fmt: skip
    kernel = KernelFacts(
        cleanups={"widget_put": cleanup(), **cleanups}, twins={"widget_put_late": late}
    )
    return Ruleset(rules or (rule(),), kernel, "digest")


def finding(series: SeriesRef, number: int, message_id: str | None) -> Finding:
    step = Step("drop", "fs/widget.c", 11, "puts the last reference")
    return Finding(
        "widget-put-deferred", "warning", "high", 0, number, message_id, None, "fs/widget.c", 11,
        "post", "drop", "widget", "widget_put",
        Promise("task", "before-call-returns", (step,)),
        Promise("workqueue", "eventually", (step, step), "queue_work", "widget_free"),
        "lazy", (EntryChain("close", "syscall", ("close", "drop")),), ("EBUSY",), ("wait",),
        f"widget_put() is now done in a work item ({series.subject})", f"print-{number}", "why",
        ("evidence",), ("other_put",),
        (HunkLine("-", "\twidget_put(w);", 11, None, marked=True),),
    )  # fmt: skip


class Fake(Pipeline):
    """A patch that adds ``queue_work`` is a finding; nothing else is."""

    def bits(self, data: bytes) -> int:
        return int(b"queue_work" in data)

    def possible(self, bits: int) -> bool:
        return bits > 0

    def may_matter(self, series, bits: int) -> bool:
        return self.possible(bits) and any("queue_work" in one.diff for one in series.patches)

    def rules(self) -> Ruleset:
        return ruleset()

    def check(self, series) -> Report:
        ref = SeriesRef(
            series.subject, series.version, None, series.cover_message_id, series.expected,
            series.missing,
            tuple(
                PatchRef(
                    one.number, one.message_id, None, one.subject, ("fs/widget.c",), one.author,
                    one.date,
                )
                for one in series.patches
            ),
            "hunks", None,
        )  # fmt: skip
        findings = tuple(
            finding(ref, one.number, one.message_id)
            for one in series.patches
            if "+\tqueue_work" in one.diff
        )
        limitations = (Limitation("images", "callers are not known", "fs/widget.c"),)
        return Report("0", (ref,), findings, limitations, ())


class OtherWhy(Fake):
    """The same with another text for the cleanup."""

    def rules(self) -> Ruleset:
        return ruleset(widget_put=cleanup("it sleeps for long"))


class Unrelated(Fake):
    """The same with an entry more, which no mail speaks of."""

    def rules(self) -> Ruleset:
        return ruleset(gadget_put=cleanup())


class Trouble(Fake):
    """Some series hang, some kill their process, some meet a bug."""

    def check(self, series) -> Report:
        if "slow" in series.subject:
            while True:
                pass
        if "fatal" in series.subject:
            os.kill(os.getpid(), signal.SIGKILL)
        if "buggy" in series.subject:
            raise ValueError("no such thing")
        return super().check(series)

    def bits(self, data: bytes) -> int:
        if b"poison" in data:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().bits(data)


class Stillborn(Fake):
    """No process lives long enough to say anything, but for the one that began the scan."""

    def __post_init__(self) -> None:
        if multiprocessing.parent_process() is not None:
            os._exit(3)


def settings(engine: str = "Fake", **more) -> Settings:
    return Settings(engine=f"archive_kit:{engine}", **more)


def run(inputs: list[Path], store: Path, chosen: Settings | None = None) -> Outcome:
    chosen = chosen or settings()
    with Store(str(store)) as opened, Pool(chosen, 2) as pool:
        return scan([str(one) for one in inputs], opened, chosen, pool, Quiet())


#: columns that a run's own history decides
_OWN = {"runs"}


def dump(store: Path) -> dict[str, list[tuple]]:
    """All that a store says, but for when it was said."""
    with Store(str(store), write=False) as opened:
        names = [
            row["name"]
            for row in opened.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
            if row["name"] not in _OWN
        ]
        return {
            name: sorted(map(tuple, opened.rows(f"SELECT * FROM {name}")), key=repr)  # noqa: S608
            for name in names
        }


def _main(source: str, store: str, statements: int) -> None:
    """Scan in a process that is killed when it is about to run its n-th statement."""
    sources.PORTION_MAILS = 7
    chosen = settings()
    left = statements

    def count(_statement: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with Store(store) as opened, Pool(chosen, 2) as pool:
        opened.connection.set_trace_callback(count)
        scan([source], opened, chosen, pool, Quiet())


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
