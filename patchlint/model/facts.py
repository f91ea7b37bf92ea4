"""What the syntax stage reads off an image: facts, never tree nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

#: How the name of a function begins whose header no image shows; for eyes it is no name.
UNNAMED: Final = "__patchlint_unknown_"
#: Stands for a word that no hunk shows: a return type, an operand, a callee.
GAP: Final = "__gap"


class Condition(Struct, frozen=True):
    """A branch above a statement: ``text`` of the test, ``taken`` False for its else side.

    A loop's test is no condition.  ``case X:`` is ``switch-expression == X``.
    An early ``if (!d) return;`` or ``goto`` before the statement in the same or an outer
    block counts as well (``taken`` False, ``early`` True).
    """

    text: str
    taken: bool
    line: int
    early: bool = False


class Call(Struct, frozen=True):
    """One call site.  ``callee`` is the function's name, or the member's for ``p->fn()``.

    ``args`` are source texts with white space folded.  ``label`` is the nearest goto
    label above in the function body, None if there is none.  ``assigned`` is the text on
    the left of ``=`` or of an initializer when the call is its right side; ``tested`` is
    set when the call stands inside an if/while condition; ``statement`` when it is a
    statement of its own or what a function returns, so that nothing here uses its value.
    ``implicit`` is set for a release at scope exit (``__free(fput)``, ``CLASS(fd, f)``),
    which has no call text.
    """

    callee: str
    args: tuple[str, ...]
    line: int
    conditions: tuple[Condition, ...] = ()
    indirect: bool = False
    label: str | None = None
    assigned: str | None = None
    tested: bool = False
    in_loop: bool = False
    implicit: bool = False
    statement: bool = False


class Exit(Struct, frozen=True):
    """A statement that leaves its block: ``text`` is ``return``, ``goto LABEL``, ``break``...

    ``value`` is what a return returns, empty when that is long.
    """

    text: str
    line: int
    conditions: tuple[Condition, ...] = ()
    value: str = ""


class Assignment(Struct, frozen=True):
    """``target = value``, of an assignment or of a declaration's initializer."""

    target: str
    value: str
    line: int


class Store(Struct, frozen=True):
    """A write to what others can see: a member, through a pointer, to no local variable.

    ``op`` is ``=``, ``|=``, ``++``...; ``value`` is empty for ``++`` and ``--``.
    """

    target: str
    op: str
    value: str
    line: int
    conditions: tuple[Condition, ...] = ()


class Setting(Struct, frozen=True):
    """What a local variable or a parameter is set to, as in :class:`Store`.

    ``value`` is empty for ``++``, ``--`` and what is too long; ``in_loop`` says whether it stands
    inside of a loop, which may run not once.
    """

    target: str
    op: str
    value: str
    line: int
    conditions: tuple[Condition, ...] = ()
    in_loop: bool = False

    def under(self, above: Sequence[Condition]) -> tuple[Condition, ...]:
        """The tests that it stands under, without those that stand ``above`` a later place too."""
        stands = {(one.text, one.taken, one.line) for one in above}
        return tuple(c for c in self.conditions if (c.text, c.taken, c.line) not in stands)


class Initializer(Struct, frozen=True):
    """``.member = value`` inside a designated initializer of a file-scope or local object.

    ``struct`` is the type's text (``struct file_operations``), ``variable`` the object.
    """

    struct: str
    variable: str
    member: str
    value: str
    line: int


class Parameter(Struct, frozen=True):
    """A parameter or local variable: type text without the declarator's stars, and name."""

    type: str
    name: str


class Function(Struct, frozen=True):
    """One function definition, or the known parts of one.

    ``entry`` is ``syscall`` for SYSCALL_DEFINEn and COMPAT_SYSCALL_DEFINEn (``name`` is
    then the syscall's own name, ``umount``), else None.  ``line`` is the line of the
    header, ``end`` of the closing brace (of the last known line when that is in a gap).
    ``complete`` says whether the image has every line of it, ``cut`` whether its end is in
    a gap; ``errors`` whether the parser met an error in it.  ``returns`` is the return type's text,
    empty where no image shows it.
    ``marks`` are the words of the header that the macro table blanks: ``__init``, ``__exit``.
    ``body_digest`` is a hash of the white-space-folded statements, for renames.
    """

    name: str
    path: str
    line: int
    end: int
    static: bool
    returns: str
    parameters: tuple[Parameter, ...]
    locals: tuple[Parameter, ...]
    calls: tuple[Call, ...]
    assignments: tuple[Assignment, ...]
    complete: bool
    errors: bool
    entry: str | None = None
    body_digest: str = ""
    exits: tuple[Exit, ...] = ()
    stores: tuple[Store, ...] = ()
    #: what it returns: texts of the expressions
    results: tuple[str, ...] = ()
    cut: bool = False
    settings: tuple[Setting, ...] = ()
    #: first and last lines of calls and tests that take more than one
    spans: tuple[tuple[int, int], ...] = ()
    marks: tuple[str, ...] = ()

    def makes(self, call: Call) -> bool:
        """Whether that very call is one of its own: calls that are alike are not the same."""
        return any(call is one for one in self.calls)

    def place_of(self, parameter: str | None) -> int | None:
        """Which of its parameters has a name, None when none has."""
        return next((i for i, one in enumerate(self.parameters) if one.name == parameter), None)

    def type_of(self, variable: str) -> str | None:
        """Type text of a parameter or local, None when the image does not show it."""
        for known in (*self.parameters, *self.locals):
            if known.name == variable:
                return known.type
        return None


class FileMacro(Struct, frozen=True):
    """A macro call at file scope: ``DECLARE_WORK(name, fn)``, ``module_exit(fn)``..."""

    name: str
    args: tuple[str, ...]
    line: int


class FileFacts(Struct, frozen=True):
    """All facts of one image.  ``fields`` are struct members: (struct, member, type, line).

    ``errors`` says whether the parser met an error anywhere; ``unread`` are spans of lines,
    first and last, on which it gave up and that nothing was read of; ``unmatched`` those in which
    brackets do not match, so that what was read of them may be anything; ``missed`` those of
    functions that the layout shows and of which the parser made nothing.
    """

    path: str
    functions: tuple[Function, ...]
    macros: tuple[FileMacro, ...]
    initializers: tuple[Initializer, ...]
    globals: tuple[Parameter, ...] = ()
    fields: tuple[tuple[str, str, str, int], ...] = ()
    declared: tuple[str, ...] = ()
    errors: bool = False
    unread: tuple[tuple[int, int], ...] = ()
    unmatched: tuple[tuple[int, int], ...] = ()
    missed: tuple[tuple[int, int], ...] = ()
