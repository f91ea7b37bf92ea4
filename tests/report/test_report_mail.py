from __future__ import annotations

from email import charset, message_from_bytes
from email.policy import default

import pytest
from msgspec.structs import replace
from report_story import ACCEPTED, FILE, LAZY, SERIES, STORY
from report_variants import HOSTILE, QUIET, TWICE, UNREAD

from patchlint.model.effect import EntryChain
from patchlint.report.mail import _address, drafts, render
from patchlint.report.style import Style

STYLE = Style()


def draft(report=STORY):
    (one,) = drafts(report, STYLE)
    return message_from_bytes(one.text.encode(), policy=default)


def body(report=STORY):
    return draft(report).get_content()


def with_patch(**changes):
    first, second, third = SERIES.patches
    return replace(
        STORY, series=(replace(SERIES, patches=(first, replace(second, **changes), third)),)
    )


def test_headers():
    mail = draft()
    assert mail["Subject"] == "Re: [PATCH v3 2/4] burrow: put lazily detached nests from a worker"
    assert mail["To"] == "Ada Digger <ada@example.org>"
    assert mail["In-Reply-To"] == f"<{LAZY.message_id}>"
    assert mail["References"].split() == [
        "<20300102-nest-v3-0-5d1f@example.org>",
        f"<{LAZY.message_id}>",
    ]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Patchwork-Hint"] == "ignore"
    assert mail["X-Mailer"] == "patchlint/1.2.3"
    assert mail["X-Patchlint-Findings"].split() == [
        "mount-put-deferred:5b2e0c94a1d7",
        "file-put-deferred:c07d19be2244",
    ]
    assert mail.get_content_type() == "text/plain"
    assert mail["From"] is None
    assert not mail.defects


def test_a_subject_that_has_its_prefix_keeps_it():
    assert draft(with_patch(subject="[RFC PATCH 2/4] x"))["Subject"] == "Re: [RFC PATCH 2/4] x"


def test_names_and_subjects_outside_ascii():
    mail = draft(with_patch(subject="burrow: größere Höhlen 穴", author="Jörg <j@example.org>"))
    assert mail["Subject"] == "Re: [PATCH v3 2/4] burrow: größere Höhlen 穴"
    assert mail["To"].addresses[0].display_name == "Jörg"


def test_headers_are_encoded_whatever_the_process_registered(monkeypatch):
    monkeypatch.setitem(charset.CHARSETS, "utf-8", (None, None, None))
    mail = draft(with_patch(subject="burrow: größere Höhlen", author="Jörg <j@example.org>"))
    assert mail["Subject"] == "Re: [PATCH v3 2/4] burrow: größere Höhlen"
    assert mail["To"].addresses[0].display_name == "Jörg"


def test_prose_is_narrow_and_quotes_stand_above_their_remark():
    lines = body().splitlines()
    quoted = [text for text in lines if text.startswith("> ")]
    assert quoted == [
        "> --- a/fs/burrow/nest.c",
        "> +++ b/fs/burrow/nest.c",
        "> @@ -194,7 +207,16 @@ static void burrow_unlock(bool lazy)",
        ">  \tup_write(&burrow_sem);",
        "> -\tsynchronize_rcu_expedited();",
        "> [...]",
        "> -\t\tnest_put(n);",
        "> +\tif (lazy) {",
        "> [...]",
        "> +\t\tqueue_rcu_work(burrow_wq, &reap->work);",
        "> -\tfput(t->backing);",
        "> +\twake_up_process(t->keeper);",
    ]
    assert all(len(text) <= 72 for text in lines if not text.startswith("> "))
    assert lines.index(quoted[-3]) < next(
        n for n, text in enumerate(lines) if "mntput() for a lazily" in text
    )


def test_it_asks():
    told = " ".join(body().split())
    assert told.count("?") == 2  # one of them is 'Wrong?'
    assert "patchlint, an check of this series, asks: are these intended," in told.replace(
        "automatic ", ""
    )
    assert "What may help: keep the puts in the task and defer only the wait for readers." in told


def test_it_says_who_wrote_what_and_when():
    first, blank, quoted, *_ = body().splitlines()
    assert first == "On Wed, 02 Jan 2030 12:01:00 +0000, Ada Digger wrote:"
    assert (blank, quoted) == ("", "> --- a/fs/burrow/nest.c")
    assert body().count(" wrote:") == 2
    assert body(with_patch(date=None)).startswith("Ada Digger wrote:\n")
    assert body(with_patch(author="", date=float("nan"))).startswith("The author wrote:\n")


def test_entry_points_are_grouped_and_at_most_five():
    points = tuple(EntryChain(f"call{n}", "syscall", ()) for n in range(7))
    told = body(replace(STORY, findings=(replace(LAZY, entry_points=points),)))
    assert "Reached from call0, call1, call2, call3, call4 (syscall); 2 more." in told


def test_an_address_for_what_is_wrong_is_named():
    (one,) = drafts(STORY, Style(complaints="lint@example.org"))
    assert "Wrong? Please tell lint@example.org, or" in one.text
    assert "Wrong? Please say so in a reply, or" in drafts(STORY, Style(complaints="a b"))[0].text


def test_the_author_is_answered_with_what_they_said():
    told = " ".join(body(ACCEPTED).split())
    assert "You say of it: the reaper is flushed in umount, see patch 4." in told
    assert "tunnel" not in told


def test_the_last_lines_name_the_version_and_how_to_silence_it():
    *_, mark, version, shown, _, first, second = body().splitlines()
    assert mark == "-- "
    assert version == "patchlint 1.2.3; why: patchlint explain mount-put-deferred"
    assert shown == "To see it run: patchlint confirm 5b2e0c94a1d7 SERIES > show.sh"
    assert first == "patchlint-ok: mount-put-deferred burrow_unlock -- why it is fine"
    assert second == "patchlint-ok: file-put-deferred tunnel_release -- why it is fine"


def test_notes_alone_make_no_mail():
    assert render(QUIET, STYLE) == ""
    assert "memory is freed" not in body()


def test_what_could_not_be_checked_makes_no_mail():
    assert render(UNREAD, STYLE) == ""


def test_one_mail_for_each_series_in_an_mbox():
    assert [one.series for one in drafts(TWICE, STYLE)] == [0, 1]
    told = render(TWICE, STYLE)
    assert told.count("\nFrom patchlint Thu") + told.startswith("From patchlint Thu") == 2


def test_a_body_line_that_begins_with_from_is_escaped_in_an_mbox():
    moved = replace(LAZY, message="From now on the put is late")
    report = replace(TWICE, findings=(moved, replace(moved, series=1)))
    assert render(report, STYLE).count("\n>From now on") == 2
    assert ">From now on" not in drafts(report, STYLE)[0].text


def test_many_findings_are_named_in_a_line_each():
    findings = tuple(
        replace(FILE, line=100 + n, fingerprint=str(n), why=f"reason {n}") for n in range(9)
    )
    told = body(replace(STORY, findings=findings))
    assert told.count("> -\tfput(t->backing);") == 4
    assert told.count("?") == 2
    assert told.count("\n  drivers/burrow/tunnel.c:10") == 5


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("who binds the port again gets EADDRINUSE", "Who binds the port again gets EADDRINUSE."),
        ("iput() evicts it", "iput() evicts it."),
        ("umount(2) meets it", "umount(2) meets it."),
        ("->release of a file", "->release of a file."),
        ("is it so?", "Is it so?"),
        ("see https://lore.kernel.org/r/a@b", "See https://lore.kernel.org/r/a@b"),
    ],
)
def test_a_sentence_begins_and_ends_as_one(why, said):
    assert f"\n\n{said}\n" in body(replace(STORY, findings=(replace(FILE, why=why),)))


MOVED = replace(FILE, message="fput() moves from tunnel_release() to a kernel thread")
ALIKE = tuple(
    replace(
        MOVED,
        function=name,
        message=MOVED.message.replace("tunnel_release", name),
        line=line,
        fingerprint=name,
    )
    for name, line in (("tunnel_release", 88), ("tunnel_kill", 88), ("tunnel_drop", 120))
)


def test_what_differs_in_place_alone_is_remarked_once():
    told = body(replace(STORY, findings=ALIKE))
    assert told.count("> -\tfput(t->backing);") == 1
    assert told.count("What may help") == 1
    assert (
        "The same holds in tunnel_kill(), tunnel_drop()\n(drivers/burrow/tunnel.c:120).\n" in told
    )
    headers = draft(replace(STORY, findings=ALIKE))["X-Patchlint-Findings"]
    assert headers.split() == [f"file-put-deferred:{one.fingerprint}" for one in ALIKE]


def test_each_function_has_a_line_that_silences_it():
    told = body(replace(STORY, findings=ALIKE))
    assert told.splitlines()[-3:] == [
        f"patchlint-ok: file-put-deferred {name} -- why it is fine"
        for name in ("tunnel_release", "tunnel_kill", "tunnel_drop")
    ]


def test_a_patch_out_of_a_git_range_has_no_thread():
    lone = replace(LAZY, message_id=None, commit="c" * 40)
    mail = draft(replace(STORY, findings=(lone,)))
    assert mail["In-Reply-To"] is None
    assert mail["References"] is None
    assert drafts(replace(STORY, findings=(lone,)), STYLE)[0].in_reply_to is None


def test_nothing_of_a_hostile_mail_becomes_a_header():
    mail = draft(HOSTILE)
    assert mail["Bcc"] is None
    assert mail["To"] is None
    assert mail["In-Reply-To"] is None
    assert {name.lower() for name in mail.keys()} == {  # noqa: SIM118 (a header may repeat)
        "subject",
        "auto-submitted",
        "x-patchwork-hint",
        "x-mailer",
        "x-patchlint-findings",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    }


@pytest.mark.parametrize(
    "author", ["", "Ada", "ada@localhost extra", "<a@b> <c@d>, e@f\x0b", "a@exa mple.org,b@c"]
)
def test_an_author_without_one_plain_address_gets_no_to(author):
    to = draft(with_patch(author=author))["To"]
    assert to is None or to.count("@") == 1


@pytest.mark.parametrize(
    ("author", "to"),
    [
        ("a Bcc: v@x <e@x.org>", "e@x.org"),
        ("list: v@x; <e@x.org>", "e@x.org"),
        ("v@x, <e@x.org>", "e@x.org"),
        ('"v@x>, " <e@x.org>', "e@x.org"),
        ("e@x.org", "e@x.org"),
        ("a\r\nBcc: v@x <e@x.org>", None),
        ('"A, B" <a@b.org>, v@x', None),
        ("<e@x.org> (v@x)", None),
        # what mailers take for an option, a file or a program
        ("a <-X/tmp/x@x.org>", None),
        ("a <|id@x.org>", None),
        ("a <`id`@x.org>", None),
        ("a </tmp/x@x.org>", None),
    ],
)
def test_no_name_becomes_another_recipient(author, to):
    told = _address(author)
    if to is None:
        assert told is None
    else:
        message = message_from_bytes(f"To: {told}\n\n".encode(), policy=default)
        assert [one.addr_spec for one in message["To"].addresses] == [to]
        assert "\n" not in told


def test_what_two_findings_say_alike_is_said_once():
    one = FILE
    other = replace(one, message="another release moves", fingerprint="other")
    told = body(replace(STORY, findings=(one, other)))
    assert told.count("What may help:") == 1
    assert told.count("What else was said above holds here too.") == 1
