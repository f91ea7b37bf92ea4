"""The byte filter lets through whatever can give a finding."""

from __future__ import annotations

import base64
import quopri
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.ruleset.load import load
from patchlint.ruleset.prefilter import Vocabulary, candidate, shipped

KERNEL = load(cached=False).kernel
MECHANISMS = sorted(
    {
        *(name for name, row in KERNEL.registrations.items() if row.context),
        *KERNEL.activations,
        *KERNEL.waits,
        *KERNEL.twins,
        *KERNEL.list_adds,
    }
)

MAIL = """\
From: A Developer <dev@example.org>
Subject: [PATCH] lamp: {subject}

Some prose.

--- a/drivers/lamp/core.c
+++ b/drivers/lamp/core.c
@@ -1,3 +1,3 @@ {section}
 struct lamp *lamp;
-{old}
+{new}
"""


def mail(new="lamp_dim(lamp);", old="lamp_light(lamp);", section="", subject="change"):
    return MAIL.format(new=new, old=old, section=section, subject=subject).encode()


def test_every_word_that_defers_or_waits_passes():
    for word in MECHANISMS:
        assert candidate(mail(new=f"{word}(lamp);")), word
        assert candidate(mail(old=f"{word}(lamp);")), word


@pytest.mark.parametrize(
    "section",
    [
        "static void lamp_off(struct work_struct *work)",
        "static void lamp_rcu(struct rcu_head *h)",
        "static int lamp_thread(void *data)",
        "static irqreturn_t lamp_isr(int irq, void *data)",
    ],
)
def test_a_release_inside_of_a_callback_passes(section):
    assert candidate(mail(new="fput(lamp->file);", section=section))
    assert candidate(mail(new="lamp_destroy(lamp);", section=section))


@pytest.mark.parametrize(
    "text",
    [
        mail(),
        mail(new="mntput(lamp->mnt);"),
        mail(new="lamp_destroy(lamp);"),
        mail(subject="replace queue_work by schedule_work"),
        b"",
        b"\xff\xfe\0",
        mail(section="static int lamp_thread(void *data)"),
    ],
)
def test_what_defers_nothing_is_out(text):
    assert not candidate(text)


def test_a_word_is_found_whole_only():
    assert not candidate(mail(new="my_queue_work_count++;"))


@given(st.sampled_from(MECHANISMS), st.integers(1, 75))
def test_quoted_printable_hides_nothing(word, width):
    body = quopri.encodestring(mail(new=f'x = "{"=" * 9}"; {"y" * width}; {word}(lamp);'))
    assert candidate(b"Content-Transfer-Encoding: quoted-printable\n\n" + body)


def test_an_underscore_may_be_quoted():
    body = mail(new="queue=5Fwo=\nrk(wq, &lamp->work);")
    assert candidate(b"Content-Transfer-Encoding: Quoted-Printable\n\n" + body)


def test_what_cannot_be_read_here_passes():
    body = base64.b64encode(mail(new="schedule_work(&lamp->work);"))
    assert candidate(b"Content-Transfer-Encoding: BASE64\n\n" + body)


def test_names_that_a_tree_knows_can_be_given():
    text = mail(new="lamp_put_later(lamp);")
    assert not candidate(text)
    assert candidate(text, frozenset({b"lamp_put_later"}))


def test_the_filter_alone_loads_no_noun_and_no_parser():
    load()
    code = (
        "import sys; from patchlint.ruleset.prefilter import candidate; "
        "assert candidate(b'@@ -1 +1 @@ queue_work'); "
        "print(*(m for m in ('patchlint.model.kernel', 'tomllib', 'msgspec', 'pathlib') "
        "if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_an_empty_vocabulary_lets_nothing_through():
    empty = Vocabulary(
        {
            "mechanisms": [],
            "cleanups": [],
            "names": [],
            "returns": [],
            "teardown": "",
            "not_teardown": "",
        }
    )
    assert not empty.candidate(mail(new="queue_work(wq, w);"))
    assert shipped() is shipped()
