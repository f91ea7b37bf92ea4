"""Stores of made-up findings for a site, and a browser to look at it."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from urllib.parse import quote

from loopback import running
from msgspec.structs import replace

from patchlint.archive import sources
from patchlint.archive.records import Checked, Row, Survey, Verdict
from patchlint.archive.store import Store
from patchlint.model.effect import EntryChain, Promise, Step
from patchlint.model.finding import Finding, HunkLine, PatchRef, SeriesRef

DAY = 86_400.0
START = 1_300_000_000.0
HOSTILE = "<script>alert(1)</script>\u202e \x1b[31m'\"&{{ 7 * 7 }}"

_RULES = (
    ("mount-put-deferred", "mount", "mntput", "queue_rcu_work"),
    ("file-put-deferred", "file", "fput", "schedule_work"),
    ("superblock-release-deferred", "superblock", "deactivate_super", "queue_work"),
    ("inode-put-deferred", "inode", "iput", "call_rcu"),
    ("block-device-deferred", "block", "blkdev_put", "queue_delayed_work"),
    ("netdev-unregister-deferred", "netdev", "unregister_netdevice", "schedule_work"),
)
_LEVELS = ("warning", "warning", "note", "error")
_KINDS = ("fixed", "dropped", "discussed", "kept", "reverted", "", "", "", "")


def finding(number, message_id, *, said=""):
    """The finding ``number``; ``said`` takes the place of what strangers write."""
    rule, family, cleanup, mechanism = _RULES[number % len(_RULES)]
    path = said or f"fs/burrow{number % 40}/nest_{number}.c"
    owner = said or f"burrow{number}_unlock"
    note = said or "drops the lock on its way out, and waits for all readers"
    before = (
        Step(f"burrow{number}_detach", path, 402, note),
        Step(owner, path, 198, "puts each nest"),
        Step(cleanup, "fs/burrow/super.c", 77, "done before the task returns"),
    )
    after = (
        Step(f"burrow{number}_detach", path, 415, note),
        Step(owner, path, 214, "queues the list when it is detached lazily"),
        Step(f"nest{number}_reaper", path, 187, "runs in a kworker"),
        Step(cleanup, "fs/burrow/super.c", 77, "done whenever the worker runs"),
    )
    long = "if (flags & NEST_DETACH_LAZILY && !list_empty(&burrow->nests_to_be_put_later)) {"
    return Finding(
        rule=rule,
        level=_LEVELS[number % len(_LEVELS)],
        confidence=("high", "medium", "low")[number % 3],
        series=0,
        patch=1,
        message_id=message_id,
        commit=None,
        path=path,
        line=214 + number,
        side="post",
        function=owner,
        family=family,
        cleanup=cleanup,
        before=Promise("task", "before-return-to-user", before),
        after=Promise("workqueue", "eventually", after, mechanism, f"nest{number}_reaper"),
        condition=said or ("lazy" if number % 2 else None),
        entry_points=(EntryChain("umount", "syscall", ("__do_sys_umount", owner)),),
        symptoms=(said or "EBUSY from mount or mkfs on the device right after umount(2)",),
        advice=("Put the nests in the task.", "Flush the work item before the call returns."),
        message=said
        or f"{cleanup}() in {owner}() is now done by a work item, after umount(2) has returned",
        fingerprint=f"{number:04x}{number * 2654435761 % 2**32:08x}",
        why="A work item has no relation to the task that queued it.",
        evidence=(f"{path}:187 is the callback",),
        also=(),
        hunk=(
            HunkLine(" ", "\tmutex_lock(&burrow->lock);", 196, 212, marked=False),
            HunkLine("-", f"\t{cleanup}(nest);", 198, None, marked=True),
            HunkLine("+", f"\t{said or long}", None, 213, marked=True),
            HunkLine("+", f"\t\t{mechanism}(burrow_wq, &nest->work);", None, 214, marked=True),
            HunkLine(" ", "\tmutex_unlock(&burrow->lock);", 230, 246, marked=False),
        ),
    )


def make(path, numbers, *, name="linux-burrow", said="", versions=True):
    """A store of the findings ``numbers``; every fifth was posted in two versions."""
    with Store(str(path)) as store:
        source, _ = store.source(sources.Source("mbox", f"/{name}", name))
        run = store.begin_run("1.2.3", "digest", {})
        rows, verdicts, fates = [], [], []
        for number in numbers:
            many = 2 if versions and number % 5 == 0 else 1
            for version in range(1, many + 1):
                posting = _posting(number, version, said)
                row, checked = posting
                rows.append(row)
                verdicts.append(checked)
        store.add(source, Survey(tuple(rows)), {})
        for row, checked in zip(rows, verdicts, strict=True):
            thread = store.value(
                "SELECT thread FROM messages WHERE message_id = ?", (row.message_id,)
            )
            store.put([Verdict(thread, "d", (checked,))])
        for stored in list(store.rows("SELECT id, message_id, date FROM findings")):
            number = int(re.match(r"\d+", stored["message_id"])[0])
            kind = _KINDS[number % len(_KINDS)]
            if kind:
                fates.append(
                    (
                        stored["id"],
                        kind,
                        f"later-{stored['message_id']}",
                        said or f"Re: burrow {number}",
                        stored["date"] + 9 * DAY,
                        said or "a later patch says that it fixes this one",
                    )
                )
        store.set_outcomes(fates)
        store.end_run(run, len(rows), len(rows))
    return path


def _posting(number, version, said):
    message_id = f"{number}-v{version}@example.org"
    date = START + number * 9 * DAY + version * DAY
    tag = f"[PATCH v{version}]" if version > 1 else "[PATCH]"
    subject = f"{tag} burrow{number % 40}: {said or 'put nest'} {number} from a work item"
    author = f"{said or 'Ada Author'} <ada@example.org>"
    row = Row(
        message_id=message_id,
        locator="0",
        size=100,
        subject=subject,
        author=author,
        date=date,
        in_reply_to=None,
        references="",
        patch=1,
        words=1,
        keys=(message_id,),
    )
    found = finding(number, message_id, said=said)
    patch = PatchRef(1, message_id, None, subject, (found.path,), author, date)
    series = SeriesRef(subject, version, None, None, 1, (), (patch,), "hunks", None)
    return row, Checked(series, author, date, "fs", (), (found,), (), ())


# --- a browser

CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions", "--enable-logging=stderr", "--log-level=0",
)  # fmt: skip


def chromium(profile, *arguments):
    """Run the browser to its end; its standard output and what its console said."""
    done = subprocess.run(
        [*CHROMIUM, f"--user-data-dir={profile}", *arguments],
        capture_output=True,
        check=True,
        timeout=180,
    )
    said = done.stderr.decode("utf-8", "replace")
    console = re.findall(r"INFO:CONSOLE[^\]]*\] (.*)", said)
    return done.stdout.decode("utf-8", "replace"), console


@contextmanager
def serving(folder):
    """A web server for ``folder``; its address and what it was asked for."""

    asked = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    with running(partial(Quiet, directory=str(folder))) as server:
        yield server.url, asked


#: a page that opens others in a frame, one after the other, and runs a script in each
_DRIVER = """\
<!DOCTYPE html><meta charset="utf-8"><title>driver</title>
<iframe id="frame" height="800"></iframe><pre id="told"></pre>
<script>
const frame = document.getElementById("frame"), told = [];
const wait = (event) => new Promise((done) => frame.addEventListener(event, done, {once: true}));
const soon = () => new Promise((done) => setTimeout(done, 50));
const visit = async (page, width, script) => {
  frame.width = width;
  const loaded = wait("load");
  frame.src = page;
  await loaded;
  await soon();
  const key = (name) => {
    const page = frame.contentDocument;
    (page.activeElement ?? page.body).dispatchEvent(new frame.contentWindow.KeyboardEvent(
      "keydown", {key: name, bubbles: true, cancelable: true}));
  };
  const type = (field, text) => {
    field.value = text;
    field.dispatchEvent(new frame.contentWindow.Event("input", {bubbles: true}));
  };
  try {
    told.push(await script(frame.contentDocument, frame.contentWindow, key, type));
  } catch (error) {
    told.push({error: String(error)});
  }
};
(async () => {
%s
  document.getElementById("told").textContent = "told:" + JSON.stringify(told) + ":told";
})();
</script>
"""


def drive(folder, profile, *visits, options=()):
    """What the script of each visit returned, what the console said, and what was asked for.

    A visit is a page, the width of its window, and the body of a function of the page, its
    window, a function that presses a key and one that types into a field.
    """
    call = "  await visit(%s, %d, async (page, at, key, type) => {%s});\n"
    steps = "".join(call % (json.dumps(page), width, _inline(body)) for page, width, body in visits)
    with serving(folder) as (url, asked):
        (folder / "driver.html").write_text(_DRIVER % steps)
        try:
            out, console = chromium(
                profile, "--virtual-time-budget=20000", *options, "--dump-dom", f"{url}/driver.html"
            )
        finally:
            (folder / "driver.html").unlink()
    found = re.search(r"told:(.*?):told", out, re.DOTALL)
    assert found, out[-2000:]
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return json.loads(text), console, asked


def _inline(script):
    return script.replace("</", "<\\/")


def link(message_id):
    return f"https://lore.kernel.org/r/{quote(message_id, safe='@.+-_=')}"


__all__ = ["HOSTILE", "chromium", "drive", "finding", "link", "make", "replace", "serving"]
