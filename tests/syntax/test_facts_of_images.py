from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.model.image import Image
from patchlint.syntax.facts import extract

if TYPE_CHECKING:
    from patchlint.model.kernel import Macro

TEXT = b"""\
int f(struct thing *t)
{


\tif (t)
\t\tg(t);
\treturn 0;
}

struct ops ops = {
\t.release = f,
};
"""


def test_a_whole_image_has_complete_functions(macros: tuple[Macro, ...]) -> None:
    facts = extract(Image("a.c", TEXT, ((1, 12),), whole=True), macros)
    assert [(one.name, one.complete) for one in facts.functions] == [("f", True)]
    assert [one.value for one in facts.initializers] == ["f"]


def test_facts_in_gaps_are_dropped(macros: tuple[Macro, ...]) -> None:
    image = Image("a.c", TEXT, ((5, 6),), whole=False, headers=frozenset({1}))
    facts = extract(image, macros)
    (function,) = facts.functions
    assert (function.name, function.line, function.end) == ("f", 1, 6)
    assert not function.complete
    assert [call.callee for call in function.calls] == ["g"]
    assert facts.initializers == ()
    assert facts.globals == ()


def test_a_header_that_nothing_shows_names_no_function(macros: tuple[Macro, ...]) -> None:
    facts = extract(Image("a.c", TEXT, ((5, 6),), whole=False), macros)
    assert facts.functions == ()


def test_calls_in_gaps_are_dropped(macros: tuple[Macro, ...]) -> None:
    facts = extract(Image("a.c", TEXT, ((1, 4), (7, 8)), whole=False), macros)
    (function,) = facts.functions
    assert function.calls == ()
    assert (function.end, function.complete) == (8, False)


def test_a_function_within_one_interval_is_complete(macros: tuple[Macro, ...]) -> None:
    facts = extract(Image("a.c", TEXT, ((1, 8),), whole=False), macros)
    assert [one.complete for one in facts.functions] == [True]


def test_a_type_that_no_hunk_shows_is_none(macros: tuple[Macro, ...]) -> None:
    """The name and what it is given may stand in a hunk whose type is a line above."""
    source = b"__gap lamp_write(struct kiocb *iocb)\n{\n\tlamp_dim(iocb);\n}\n"
    image = Image("fs/lamp.c", source, ((1, 4),), whole=False)
    assert [f.returns for f in extract(image, macros).functions] == [""]
