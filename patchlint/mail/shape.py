"""Where a diff begins in a text, and whether its hunks hold what they announce.

This is no diff reader: it answers two questions that reading a mail raises, and no more.
A diff counts only from the first column on, so that quoted and indented ones do not.
"""

from __future__ import annotations

import re

from patchlint.model.pattern import lazy

_DIFF = re.compile(
    r"^(?:"
    r"diff --git \S[^\n]*\n(?:[^\n]*\n)?"
    r"(?:old mode|new mode|deleted file mode|new file mode|similarity index|"
    r"dissimilarity index|rename from|copy from|index [0-9a-f]|GIT binary patch|"
    r"Binary files |--- \S)"
    r"|Index: \S[^\n]*\n=+\n(?:[^\n]*\n)?(?:--- \S|Index: |\Z)"
    r"|diff -\S[^\n]*\n(?:[^\n]*\n)?--- \S"
    r"|(?:Index: \S[^\n]*\n)?--- \S[^\n]*\n\+\+\+ \S[^\n]*\n(?:[^\n@+-][^\n]*\n)?@@ -\d"
    r")",
    re.MULTILINE,
)
#: What is less certain to be one: a merge's diff, a header that lost a line, a hunk alone.
_LOOSE = lazy(
    r"^(?:"
    r"diff --(?:cc|combined) \S"
    r"|diff --git \S[^\n]*\n@@ -\d"
    r"|\+\+\+ \S[^\n]*\n@@ -\d"
    r"|--- [^\n]*\n(?:\+\+\+ ?[^\n]*\n)?@@ -\d"
    r"|@@ -\d{1,9}(?:,\d{1,9})? \+\d{1,9}(?:,\d{1,9})? @@"
    r")",
    re.MULTILINE,
)
#: what only a damaged diff of C has: entities, quoted-printable, colours
_HINTS = ("&gt;", "&lt;", "&amp;", "=3D", "\x1b[")
#: What introduces the difference between two versions of a series.
_INTERDIFF = lazy(
    r"^\W{0,4}(?:inter-?diff|range-?diff|incremental diff|"
    r"(?:diff|difference|delta|change)s?(?= [^\n]*(?:\bv\d|version|previous|last|posting|series)))"
    r"[^\n]{0,80}$",
    re.MULTILINE | re.IGNORECASE,
)
#: The end of a line that none of a diff follows.
_NO_DIFF = lazy(r"\n(?![-+ @\\]|diff |index |Index: |[a-z]+ (?:mode|from|to) )")
_HUNK = lazy(r"^@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@[^\n]*\n", re.MULTILINE)


def diff_start(text: str, *, loose: bool = False) -> int | None:
    """Offset of the first diff that stands in the first column, None without one.

    With ``loose`` also of what is none that could be applied: a merge's combined diff, and
    hunks whose file header is torn or not there.
    """
    found = _DIFF.search(text)
    if found is None and loose and "@@ -" in text:
        found = _LOOSE.search(text)
    return None if found is None else found.start()


def looks_whole(text: str) -> bool:
    """Whether nothing of a text with a hunk hints at what mailers do to diffs.

    Errs towards no; it is asked before what mends them is imported.
    """
    at = text.find("\n@@ -")
    above = text[text.rfind("\n", 0, at) + 1 : at]
    return (
        above.startswith("+++ b/")
        and "<" not in above
        and "--- a/" in text
        and text.isascii()
        and not any(hint in text for hint in _HINTS)
    )


def is_interdiff(text: str, start: int) -> bool:
    """Whether the diff at ``start`` is introduced as one between two versions of a series."""
    found = _INTERDIFF.search(text, max(0, start - 400), start)
    return found is not None and not text[found.end() : start].strip()


def behind_interdiff(text: str, start: int) -> int | None:
    """Offset of the patch that stands behind the interdiff at ``start``, None without one.

    An empty line parts the two, or text; none does so with the files of one diff.
    """
    gap = _NO_DIFF.search(text, start)
    found = None if gap is None else _DIFF.search(text, gap.end())
    return None if found is None else found.start()


def hunk_score(text: str) -> tuple[int, int]:
    """How many hunks of ``text`` hold the lines they announce, and how many there are."""
    whole = 0
    total = 0
    at = 0
    while found := _HUNK.search(text, at):
        total += 1
        at = found.end()
        old = int(found.group(1) or 1)
        new = int(found.group(2) or 1)
        while (old > 0 or new > 0) and at < len(text):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            mark = text[at] if end > at else " "
            if mark == " ":
                old, new = old - 1, new - 1
            elif mark == "+":
                new -= 1
            elif mark == "-":
                old -= 1
            elif mark != "\\":
                break
            at = end + 1
        whole += old == 0 and new == 0
        at = max(at, found.end())
    return whole, total
