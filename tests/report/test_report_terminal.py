from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from report_story import ACCEPTED, EMPTY, FILE, LAZY, STORY
from report_variants import UNREAD

from patchlint.model.effect import EntryChain, Step
from patchlint.model.finding import HunkLine
from patchlint.model.problem import Limitation
from patchlint.report.render import render
from patchlint.report.style import Style

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def shown(report=STORY, **style):
    return render(report, "terminal", Style(**style))


def drawn(finding, **style):
    """The finding as a terminal shows it."""
    return alone(finding, **({"width": 80} | style), terminal=True)


def alone(finding, **style):
    return shown(replace(STORY, findings=(finding,), limitations=(), errors=()), **style)


def test_colour_adds_nothing_but_colour():
    colored = shown(color=True)
    assert ANSI.search(colored)
    assert ANSI.sub("", colored) == shown()


@pytest.mark.parametrize("width", [80, 100, 110, 160])
def test_a_finding_is_short(width):
    lines = drawn(FILE, width=width).splitlines()
    finding = lines[1 : lines.index("")]
    assert 6 <= len(finding) <= 14


@pytest.mark.parametrize("width", [60, 80, 110, 200])
def test_chains_and_code_keep_to_the_width(width):
    lines = drawn(LAZY, width=width).splitlines()
    finding = lines[1 : lines.index("")]
    # an address is one word, whatever the width
    assert all(len(text) <= width or " " not in text.strip() for text in finding)


@given(
    path=st.text("abc/_", min_size=1, max_size=60),
    message=st.text("abc `()", max_size=400).map(str.strip),
)
def test_a_headline_takes_two_lines_and_keeps_its_rule(path, message):
    lines = drawn(replace(FILE, path=path, message=message)).splitlines()
    end = next(n for n, text in enumerate(lines) if "[file-put-deferred]" in text)
    assert 1 <= end <= 2
    assert lines[1].startswith(f"{path}:88: warning:")
    assert all(len(text) <= 80 for text in lines[1:end]) or len(path) > 60


def test_elsewhere_nothing_is_cut_or_folded():
    far = replace(FILE, message="word " * 60, hunk=LAZY.hunk)
    step = Step("f" * 60, "fs/a.c", 3, "n" * 200)
    told = alone(replace(far, before=replace(LAZY.before, chain=(*LAZY.before.chain, step))))
    assert "n" * 200 in told
    assert "nest_put " in told
    assert "…" not in told
    assert ("word " * 60).strip() + " [file-put-deferred]\n" in told


def test_side_by_side_from_110_columns_on():
    def beside(**style):
        lines = shown(**style).splitlines()
        return any("before" in text and "after " in text for text in lines)

    assert not beside(width=109, terminal=True)
    assert beside(width=110, terminal=True)
    assert not beside(width=200)


def test_a_long_chain_keeps_where_it_is_lost_the_callback_and_the_release():
    told = drawn(LAZY, width=100)
    after = told[told.index("  after") :]
    assert "burrow_unlock" in after
    assert "nest_reaper" in after
    assert "… mntput" in after
    assert "nest_put" not in after
    assert "nest_put" in drawn(LAZY, verbose=True)


def test_the_subject_stands_once_above_the_findings_of_its_patch():
    told = shown()
    assert told.count("burrow: let the keeper close tunnels") == 1
    assert told.index("keeper close tunnels") < told.index("tunnel.c:88:") < told.index("c:97:")


def test_a_note_is_one_line_unless_verbose():
    told = shown().splitlines()
    at = next(n for n, text in enumerate(told) if ": note: " in text)
    assert told[at + 1] == ""
    assert "memory only: user space" in shown(verbose=True)


def test_summary():
    assert shown().splitlines()[-1] == (
        "3 findings (1 error, 1 warning, 1 note) in 2 of 3 patches; "
        "2 limitations (--verbose shows them); 1 input not checked"
    )
    assert shown(EMPTY) == "no findings in 3 patches\n"


def test_one_limitation_of_many_places_is_one_line():
    told = [Limitation("diff", "line joined", f"fs/nest{n}.c", None, n) for n in (1, 2, 2, 3, 4)]
    other = Limitation("diff", "line left out", "fs/nest1.c", None, 9)
    report = replace(EMPTY, limitations=(*told, other))
    lines = shown(report, verbose=True).splitlines()
    assert lines[1:3] == [
        "  diff: fs/nest1.c:1, fs/nest2.c:2 and 2 more: line joined",
        "  diff: fs/nest1.c:9: line left out",
    ]


def test_limitations_are_told_in_full_when_verbose():
    told = shown(verbose=True)
    assert "  calls: fs/burrow/nest.c:198: no tree: callers outside" in told
    assert "no tree" not in shown()


def test_limitations_are_told_by_what_they_are_about():
    told = [Limitation(stage, f"a {stage}", "fs/nest.c") for stage in ("images", "tree", "syntax")]
    lines = shown(replace(EMPTY, limitations=tuple(told)), verbose=True).splitlines()
    assert lines[1:4] == [
        "  files: fs/nest.c: a images",
        "  tree: fs/nest.c: a tree",
        "  C code: fs/nest.c: a syntax",
    ]


@pytest.mark.parametrize("width", [80, 100, 160])
def test_names_that_are_long_stay_in_their_column(width):
    names = ("tegra_vde_release_frame_dmabufs", "vde_put")
    steps = tuple(Step(name, "fs/a.c", 3, "puts it") for name in names)
    told = drawn(replace(FILE, before=replace(FILE.before, chain=steps)), width=width)
    rows = [text for text in told.splitlines() if "fs/a.c:3" in text]
    assert len({text.index("fs/a.c:3") for text in rows}) == 1
    assert len(rows) == 2


def test_quiet_says_headlines_and_errors_alone():
    told = shown(quiet=True).splitlines()
    assert [text.split(" ")[1] for text in told] == ["error:", "warning:", "could"]
    assert shown(EMPTY, quiet=True) == ""


def test_quiet_says_notes_where_they_count():
    assert [text.split(" ")[1] for text in shown(quiet=True, notes=True).splitlines()] == [
        "error:",
        "warning:",
        "note:",
        "could",
    ]


def test_an_unreadable_input_is_never_silence():
    assert "gone.mbox: could not check: no such file" in shown(UNREAD)
    assert "gone.mbox: could not check: no such file" in shown(UNREAD, quiet=True)


def test_a_finding_whose_patch_is_not_listed():
    told = alone(replace(FILE, series=7, patch=9))
    assert told.startswith("patch 9")


def test_many_hunk_lines_are_cut_and_counted():
    line = LAZY.hunk[2]
    told = alone(replace(LAZY, hunk=(line,) * 9))
    assert told.count("synchronize_rcu_expedited();") == 4
    assert "… 5 lines more" in told
    assert alone(replace(LAZY, hunk=(line,) * 9), verbose=True).count("_expedited();") == 9


@pytest.mark.parametrize("lines", [5, 6, 9])
@pytest.mark.parametrize("marked", [True, False])
def test_the_line_of_the_headline_is_among_those_shown(lines, marked):
    hunk = [HunkLine("-", f"gone{n}();", 10 + n, None, marked=True) for n in range(lines - 1)]
    hunk.append(HunkLine("+", "queue_it();", None, 70, marked=marked))
    told = alone(replace(LAZY, line=70, hunk=tuple(hunk)))
    assert "    70 +queue_it();" in told
    assert told.count("gone") == (4 if lines == 5 else 3)
    assert (f"… {lines - 4} lines more" in told) == (lines > 5)


def test_a_chain_without_steps():
    bare = replace(FILE, before=replace(FILE.before, chain=()))
    assert (
        "  before   caller not seen, taken for a task: done before return to user space\n  after"
        in alone(bare)
    )


def test_a_function_name_that_is_too_long_keeps_the_place():
    step = Step("f" * 50, "fs/a.c", 3, "n" * 200)
    told = drawn(replace(FILE, before=replace(FILE.before, chain=(step,))))
    assert "fs/a.c:3" in told
    assert "nn…" in told


def test_lines_left_out_of_the_hunk_are_shown_when_verbose():
    apart = (LAZY.hunk[0], LAZY.hunk[4], LAZY.hunk[-1])
    assert "       …\n" in alone(replace(LAZY, hunk=apart), verbose=True)
    assert "       …\n" not in alone(LAZY, verbose=True)


def test_a_condition_that_the_message_has_is_not_repeated():
    assert "  when     lazy\n" in alone(replace(LAZY, condition="lazy", message="it moves"))
    assert "  when     s\n" in alone(replace(LAZY, condition="s", message="it moves"))
    assert "  when     lazy\n" not in alone(
        replace(LAZY, condition="lazy", message="when `lazy` it moves")
    )


def test_a_cleanup_that_the_message_names_is_not_repeated():
    moved = replace(LAZY, message="mntput() (and dput()) moves", also=("dput", "iput"))
    assert "  also     iput()\n" in alone(moved)


def test_what_is_accepted_is_told_with_its_reason_and_a_baseline_is_counted():
    told = shown(ACCEPTED)
    assert (
        "drivers/burrow/tunnel.c:88: accepted: fput() in tunnel_release(): the keeper is joined"
        " before release returns (.git/config) [file-put-deferred]\n"
    ) in told
    assert "known before" not in told
    assert "known before (baseline known.json)" in shown(ACCEPTED, verbose=True)
    assert told.endswith("1 finding (1 error) in 1 of 3 patches; 1 accepted; 1 in the baseline\n")


def test_what_the_author_says_stands_with_the_finding():
    assert "  author   says: the reaper is flushed in umount, see patch 4\n" in shown(ACCEPTED)
    assert "note: patch 3: the author gives a reason for x: there is no such rule <3@x>\n" in shown(
        ACCEPTED
    )


def test_nothing_checked_is_not_called_clean():
    assert shown(UNREAD).endswith("nothing was checked; 1 input not checked\n")


def test_a_range_is_called_by_its_name():
    patches = tuple(replace(one, commit="c" * 40) for one in STORY.series[0].patches)
    series = replace(STORY.series[0], subject="topic (v6.12..topic)", patches=patches)
    told = shown(replace(EMPTY, series=(series,)))
    assert told == "no findings in 3 patches of topic (v6.12..topic)\n"


def test_entry_points_stand_by_kind_and_are_few():
    points = tuple(EntryChain(f"call{n}", "syscall" if n % 2 else "file", ()) for n in range(9))
    assert "  reached  call0, call2 (file); call1, call3 (syscall); 5 more\n" in alone(
        replace(FILE, entry_points=points)
    )


def test_an_entry_point_is_told_by_what_user_space_does():
    own = EntryChain(FILE.function, "driver", (), event="driver unbind")
    others = [EntryChain(name, name[-5:], (), event="umount(2)") for name in ("a_super", "a_kill")]
    told = "  reached  driver unbind; umount(2): a_super, a_kill; exit (syscall)\n"
    points = (own, *others, EntryChain("exit", "syscall", ()))
    assert told in alone(replace(FILE, entry_points=points))
    more = [EntryChain(name, "file", (), event="last close") for name in ("b", "c", "d", "e")]
    told = "  reached  last close: b, c, d; driver unbind: z; 1 more\n"
    assert told in alone(replace(FILE, entry_points=(*more, replace(own, name="z"))))
    by_another = replace(own, name="lamp_remove")
    told = "  reached  driver unbind: lamp_remove; umount(2): a_super, a_kill; exit (syscall)\n"
    assert told in alone(replace(FILE, entry_points=(by_another, *points[1:])))


def test_a_cut_chain_keeps_the_link_that_hands_over():
    chain = tuple(Step(f"f{n}", "fs/a.c", n, f"calls f{n + 1}()") for n in range(9))
    after = replace(LAZY.after, chain=chain, callback="f7")
    told = drawn(replace(LAZY, after=after, function="f1"))
    shown_steps = re.findall(r"^    (?:… )?(f\d)", told[told.index("  after") :], re.MULTILINE)
    assert shown_steps == ["f6", "f7", "f8"]


def test_the_entry_point_of_the_chain_is_named_first():
    points = tuple(EntryChain(name, "syscall", ()) for name in ("a", "b", "burrow_detach"))
    assert "  reached  burrow_detach, a, b (syscall)\n" in alone(replace(LAZY, entry_points=points))


def at(name, line, **changes):
    """``FILE`` as it is lost in another function."""
    message = f"fput() moves from {name}() to a kernel thread"
    return replace(
        FILE, function=name, line=line, message=message, fingerprint=f"of {name}", **changes
    )


PLACES = (at("tunnel_release", 88), at("tunnel_kill", 88), at("tunnel_drop", 120))


def placed(*findings, **style):
    return shown(replace(STORY, findings=findings, limitations=(), errors=()), **style)


def test_what_differs_in_place_alone_is_told_once():
    told = placed(*PLACES)
    assert told.count("fput() moves from") == 1
    assert told.count("  why ") == 1
    assert "  also in  tunnel_kill(), tunnel_drop() (drivers/burrow/tunnel.c:120)\n" in told
    assert told.endswith(
        "3 findings (3 warnings), 2 of them told with another, in 1 of 3 patches\n"
    )


def test_a_note_is_told_once_as_well():
    told = placed(*(replace(one, level="note") for one in PLACES)).splitlines()
    assert len([text for text in told if ": note: " in text]) == 1
    assert told[2] == "  also in  tunnel_kill(), tunnel_drop() (drivers/burrow/tunnel.c:120)"


def test_each_place_is_shown_when_verbose_and_its_reasons_once():
    told = placed(*PLACES, verbose=True)
    assert told.count("fput() moves from") == 3
    assert told.count("  before ") == 3
    for one in PLACES:
        assert f"fingerprint {one.fingerprint}\n" in told
    assert told.count("  why ") == told.count("  instead ") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"why": "another reason"},
        {"condition": "lazy"},
        {"level": "error"},
        {"rule": "path-put-deferred"},
        {"after": replace(FILE.after, callback="tunnel_reaper")},
        {"message": "fput() and dput() move from tunnel_kill() to a kernel thread"},
        {"patch": 2},
    ],
)
def test_what_differs_in_its_words_is_told_for_itself(change):
    told = placed(PLACES[0], replace(PLACES[1], **change))
    assert "also in" not in told
    assert told.count(" from tunnel_kill() ") == 1


@pytest.mark.parametrize(
    "name", ["json", "sarif", "terse", "gitlab", "rdjson", "github", "b4-check"]
)
def test_programs_get_each_finding(name):
    told = render(replace(STORY, findings=PLACES), name, Style())
    for one in PLACES:
        assert one.message in told


def test_of_many_cleanups_the_first_are_told():
    names = tuple(f"lamp_put{number}" for number in range(9))
    one = replace(LAZY, also=names)
    shown = ", ".join(f"{name}()" for name in names[:6])
    assert f"  also     {shown} and" in alone(one)
    assert "lamp_put8" in alone(one, verbose=True)
    # to tell of one that it is left out takes as much room as its name
    assert "lamp_put6()\n" in alone(replace(one, also=names[:7]))


def test_what_two_findings_of_a_patch_say_alike_is_said_once():
    one = PLACES[0]
    other = replace(PLACES[1], message="another release moves", symptoms=("EIO",))
    told = placed(one, other)
    assert told.count(f"  why      {one.why}"[:60]) == 1
    assert told.count("  instead ") == 1
    assert "  seen as  EIO\n" in told
    assert "  as above why, instead\n" in told


def test_what_was_said_of_one_of_several_names_its_function():
    first, second, third = PLACES
    second = replace(second, message="another release moves", why="for another reason")
    third = replace(third, message="a third moves")
    assert "why (as for tunnel_release())" in placed(first, second, third)


def test_lines_of_another_file_stand_under_its_name():
    elsewhere = HunkLine("-", "\tfput(tunnel->file);", 12, None, marked=True, path="burrow/exit.c")
    told = alone(replace(FILE, hunk=(*FILE.hunk, elsewhere)))
    assert "  burrow/exit.c:\n      12 -        fput(tunnel->file);\n" in told
