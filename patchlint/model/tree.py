"""Questions to a whole tree, and their answers: who calls this, who takes its address.

:mod:`patchlint.index` answers them; the graph stage asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from patchlint.model.facts import FileFacts, Function

DefinitionKind = Literal["function", "macro", "syscall"]
UseKind = Literal["initializer", "argument", "assignment", "value"]

#: Of a member that is called from more places than this some more may be told, not all.
MANY_MEMBER_CALLS: Final = 24


class Definition(Struct, frozen=True):
    """Where something is defined.  ``line`` is the line of its name, ``end`` its last."""

    name: str
    path: str
    line: int
    end: int
    static: bool
    inline: bool
    kind: DefinitionKind


class CallerSite(Struct, frozen=True, gc=False):
    """A call: ``function`` calls at ``path:line``.

    ``function`` is "" for a call outside of every function.  ``kind`` tells what the
    caller is; ``function_line`` is the line of its name; ``static`` is about the caller.
    """

    function: str
    path: str
    line: int
    static: bool
    kind: DefinitionKind
    function_line: int


class AddressUse(Struct, frozen=True, gc=False):
    """A function's name used as a value at ``path:line``.

    ``function`` is the one around it, "" at file scope.  By ``kind``: ``initializer`` has
    ``struct`` (``struct file_operations``), ``variable`` and ``member`` ("" when it is
    positional); ``argument`` has ``callee`` and ``argument`` counting from 0 (also for
    macros at file scope); ``assignment`` has ``target``, the text on the left.
    """

    name: str
    path: str
    line: int
    kind: UseKind
    function: str = ""
    struct: str = ""
    variable: str = ""
    member: str = ""
    callee: str = ""
    argument: int = -1
    target: str = ""


class TreeFacts(Protocol):
    """What the graph stage asks of a whole tree."""

    def prepare(self, names: Iterable[str], members: Iterable[str] = ()) -> None:
        """Look ``names`` up at once, and ``members`` for :meth:`member_calls`.

        Asking for them later is then cheap.
        Names that are known to be static functions of one file are passed over.
        """

    def prepare_definitions(self, names: Iterable[tuple[str, str]]) -> None:
        """Look names up at once for :meth:`definition`, each with its ``near_path``."""

    @property
    def searched(self) -> bool:
        """Whether new questions cost a search of all files, since no index answers them."""

    def is_local(self, name: str, path: str) -> bool:
        """Whether ``name`` means a static function of the C file at ``path`` there."""

    def undefined_near(self, names: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Those names that are not defined near the path that each is met in."""

    def known(self, name: str, path: str) -> bool:
        """Whether ``name`` means a function, system call or macro of the tree in ``path``."""

    def definitions(self, name: str, from_path: str | None = None) -> tuple[Definition, ...]:
        """All functions, system calls and macros of that name, by path and line.

        With ``from_path`` only those that ``name`` can mean there, which is cheaper.
        """

    def definition(self, name: str, near_path: str | None = None) -> Function | None:
        """Full facts of the function that ``name`` means in ``near_path``."""

    def definition_in(self, path: str, name: str) -> Function | None:
        """Full facts of the function or macro called ``name`` that ``path`` defines, if any."""

    def binders(
        self, path: str | None, objects: Collection[str], registrations: Collection[str]
    ) -> tuple[FileFacts, ...]:
        """What binds callbacks to members or variables of these names, in the folder of ``path``.

        With None in any folder.
        The functions, and the macros at file scope, that call one of ``registrations`` in a line
        with such a name.
        """

    def callers(self, name: str, from_path: str | None = None) -> tuple[CallerSite, ...]:
        """Direct calls of ``name`` as defined in ``from_path``, by path and line."""

    def member_calls(self, member: str) -> tuple[CallerSite, ...]:
        """Calls through a struct member of that name, whatever the struct.

        Where there are more than :data:`MANY_MEMBER_CALLS` some may be left out, but more
        than so many are told.
        """

    def member_calls_beside(self, member: str, path: str) -> tuple[CallerSite, ...]:
        """Calls through a struct member of that name in the folder of ``path``, by path and line.

        Of very many some more than :data:`MANY_MEMBER_CALLS` are told.
        """

    def address_taken(self, name: str, from_path: str | None = None) -> tuple[AddressUse, ...]:
        """Places where the function ``name``, as defined in ``from_path``, is a value."""

    def function(self, path: str, line: int) -> Function | None:
        """Full facts of the function at ``path:line``."""

    def text(self, path: str) -> bytes | None:
        """Content of a file of the tree, None when there is none."""
