"""Which lines of a patch a finding shows."""

from __future__ import annotations

from types import SimpleNamespace

from patchlint.patch.diff import parse
from patchlint.ruleset.quotes import Diffs


def test_of_many_lines_the_one_that_the_finding_is_named_by_is_kept():
    gone = "".join(f"-\tput{n}();\n" for n in range(20))
    text = f"--- a/f.c\n+++ b/f.c\n@@ -1,22 +1,3 @@\n void f(void)\n{gone}+\tqueue();\n {{\n"
    downgrade = SimpleNamespace(
        path="f.c", home=None, side="post", line=2, leading=(), lost=tuple(range(2, 22))
    )
    lines = Diffs(parse(text).files).shown(downgrade)
    assert len(lines) == 12
    assert (lines[-1].text, lines[-1].new, lines[-1].marked) == ("\tqueue();", 2, True)
