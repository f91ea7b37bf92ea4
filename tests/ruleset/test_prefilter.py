"""The byte filter lets through whatever can give a finding."""

from __future__ import annotations

import base64
import quopri
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.ruleset.load import load
from patchlint.ruleset.prefilter import (
    Vocabulary,
    candidate,
    foreign,
    possible,
    shipped,
)

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
        "static unsigned long lamp_scan(struct shrinker *s, struct shrink_control *sc)",
        "static void lamp_soft(struct softirq_action *h)",
        "lamp->tick.function = lamp_dim;",
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
    text = mail(new="lamp_put_soon(lamp);")
    assert not candidate(text)
    assert candidate(text, frozenset({b"lamp_put_soon"}))


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
            "deferred": [],
            "cleanups": [],
            "weaker": [],
            "last_puts": [],
            "names": [],
            "returns": [],
            "later": [],
            "teardown": [],
            "not_teardown": [],
        }
    )
    assert not empty.candidate(mail(new="queue_work(wq, w);"))
    assert not possible(empty.bits(mail(new="queue_work(wq, w);")))
    assert shipped() is shipped()


def test_what_tells_a_release_is_compiled_where_something_may_have_taken_one_over():
    kinds = (
        "mechanisms",
        "deferred",
        "cleanups",
        "weaker",
        "last_puts",
        "names",
        "returns",
        "later",
    )
    kinds += ("not_teardown",)
    words = {kind: [] for kind in kinds} | {
        "deferred": ["lamp_fn"],
        "teardown": ["no pattern ("],
    }
    assert not Vocabulary(words).candidate(mail(new="lamp_light(lamp);"))
    with pytest.raises(re.error):
        Vocabulary(words).candidate(mail(new="lamp_fn(lamp);"))


HELPED = [
    "lamp_run_later(lamp, lamp_dim);",
    "if (lamp_queue(lamp_dim, lamp))",
    "ret = lamp_defer (lamp, (void (*)(void *))lamp_dim);",
    "lamp_post(lamp,\n+\t\t&lamp_dim\n+\t\t);",
]
DIM = "static void lamp_dim(struct lamp *lamp)"


@pytest.mark.parametrize("call", HELPED)
@pytest.mark.parametrize("side", ["new", "old"])
def test_a_helper_named_for_it_that_gets_a_function_passes(call, side):
    assert candidate(mail(section=DIM, **{side: call}))


@pytest.mark.parametrize("call", [*HELPED, "lamp_put_later(lamp);", "return lamp_async (lamp);"])
def test_a_new_call_of_a_helper_named_for_it_passes_whatever_it_gets(call):
    assert candidate(mail(new=call))
    assert possible(shipped().bits(mail(new=call)))


@pytest.mark.parametrize("call", HELPED)
def test_a_helper_that_gets_what_no_line_shows_as_a_function_is_out(call):
    assert not candidate(mail(old=call.replace("\n+", "\n-"), new="lamp_on(lamp);"))


@pytest.mark.parametrize("call", HELPED)
def test_the_function_of_a_helper_may_stand_in_another_patch(call):
    # what a part is good for does not depend on the others; all of them together decide
    old = mail(old=call.replace("\n+", "\n-"), new="lamp_on(lamp);")
    assert possible(shipped().bits(old))
    assert candidate(old + mail(section=DIM))


def test_a_call_of_what_is_no_helper_for_later_is_out():
    assert not candidate(mail(section=DIM, new="lamp_each(lamp, lamp_dim);"))


def test_a_release_and_its_new_worker_in_two_patches_are_one_candidate():
    shown = mail(section="static irqreturn_t lamp_isr(int irq, void *data)")
    moved = mail(old="fput(lamp->file);")
    each = [shipped().bits(one) for one in (shown, moved)]
    assert not any(map(possible, each))
    assert possible(each[0] | each[1])
    assert candidate(shown + moved)


def test_a_weaker_release_in_the_place_of_another_is_a_candidate():
    exchanged = mail(old="sock_release(l->sock);", new="sockfd_put(l->sock);")
    assert candidate(exchanged)
    assert possible(shipped().bits(exchanged))
    # which of them went and which came decides, not that both are there
    assert not candidate(mail(old="sockfd_put(l->sock);", new="sock_release(l->sock);"))
    apart = [mail(old="sock_release(l->sock);"), mail(new="sockfd_put(l->sock);")]
    assert not any(possible(shipped().bits(one)) for one in apart)
    assert possible(shipped().bits(apart[0]) | shipped().bits(apart[1]))


@given(
    st.lists(
        st.sampled_from([mail(new=call) for call in (*HELPED, "fput(a);", "f(b);")]), max_size=4
    )
)
def test_what_all_of_a_series_passes_its_parts_pass(parts):
    together = 0
    for part in parts:
        together |= shipped().bits(part)
    if candidate(b"".join(parts)) and parts:
        assert possible(together)


@pytest.mark.parametrize(
    ("head", "passes"),
    [
        ("static void lamp_end(struct kobject *ko)", True),
        ("static void lamp_end(\n \tstruct kref *ref\n \t)", True),
        ("static ssize_t lamp_show(struct kobject *ko, char *buf)", False),
        ("static void lamp_end(struct lamp *l)", False),
    ],
)
def test_a_function_that_the_last_put_runs_may_have_taken_a_release_over(head, passes):
    text = mail(section=head, new="del_gendisk(l->disk);")
    assert candidate(text) == possible(shipped().bits(text)) == passes


@pytest.mark.parametrize(
    ("paths", "line", "foreign_to_all"),
    [
        (["src/shared/lamp.c"], "queue_foreach(lamps, lamp_dark, NULL);", True),
        (["hw/lamp/core.c", "include/hw/lamp.h", "block/lamp.c"], "lamp_dark(lamp);", True),
        (["tools/lamp-test.c", "lib/lamp.h"], "lamp_dark(lamp);", True),
        # a function of its own is none of the kernel, whatever it is called
        (["profiles/lamp.c"], "ep_free(lamp);\n }\n static void ep_free(void *data)\n {", True),
        # a driver from outside of the tree
        (["src/lamp.c"], "schedule_work(&lamp->work);", False),
        (["extensions/xt_lamp.c"], "\tremove_proc_entry(lamp->name, NULL);", False),
        # where the kernel has code, or where nothing tells
        (["src/lamp.c", "drivers/lamp/core.c"], "lamp_dark(lamp);", False),
        (["lib/lamp.c"], "lamp_dark(lamp);", False),
        (["tools/testing/lamp/lamp.c"], "lamp_dark(lamp);", False),
        (["lamp.c"], "lamp_dark(lamp);", False),
        ([], "lamp_dark(lamp);", False),
    ],
)
def test_a_patch_is_for_no_kernel_by_its_files_and_its_words(paths, line, foreign_to_all):
    assert foreign(paths, mail(new=line.replace("\n", "\n "))) is foreign_to_all
