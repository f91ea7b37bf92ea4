"""What a scan calls of the rest of the program, behind one small door.

Workers import the heavy part of it only when a series reaches them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.analysis.at_hand import TreeAtHand
    from patchlint.model.finding import Report
    from patchlint.model.kernel import Ruleset
    from patchlint.model.mail import Mail, RawMail, Series
    from patchlint.ruleset.prefilter import Vocabulary
    from patchlint.run import Options


class Engine(Protocol):
    """The stages as a scan sees them."""

    def bits(self, data: bytes) -> int:
        """What the words of a mail's bytes are good for, as bits to be ored; 0 for nothing."""

    def possible(self, bits: int) -> bool:
        """Whether mails whose bits together are ``bits`` can make a finding."""

    def may_matter(self, series: Series, bits: int) -> bool:
        """Whether a series can have a finding; False only when it certainly has none.

        ``bits`` are those of its mails.  One that may not be read whole is one that matters.
        """

    def decode(self, raw: RawMail) -> Mail:
        """The mail ``raw`` decoded."""

    def group(self, mails: Sequence[Mail]) -> Sequence[Series]:
        """The series that ``mails`` form."""

    def check(self, series: Series) -> Report:
        """The report on one series."""

    def rules(self) -> Ruleset:
        """The rules in force."""


class Settings(Struct, frozen=True):
    """How to check, picklable.  ``engine`` is ``module:callable(settings) -> Engine``.

    ``limit`` is the time in seconds that one series may take, ``everything`` switches
    the filters off, which a tree does as well: it shows more than the words of a mail.
    """

    engine: str = "patchlint.archive.engine:Pipeline"
    rules: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    tree: str | None = None
    limit: float = 30.0
    everything: bool = False

    @property
    def unfiltered(self) -> bool:
        """Whether the filters are off: a tree shows more than the words of a mail do."""
        return self.everything or self.tree is not None


def load(settings: Settings) -> Engine:
    """The engine that ``settings`` name."""
    module, _, name = settings.engine.partition(":")
    engine: Engine = getattr(import_module(module), name)(settings)
    return engine


#: for so many series a tree is kept open, with what it was asked: that bounds its memory
_SERIES_A_TREE: Final = 50


class Pipeline(Struct):
    """The real stages."""

    settings: Settings
    _rules: Ruleset | None = field(default=None)
    _words: Vocabulary | None = field(default=None)
    _tree: TreeAtHand | None = field(default=None)
    _asked: int = 0

    def bits(self, data: bytes) -> int:
        """See :class:`Engine`."""
        return self._vocabulary().bits(data)

    def possible(self, bits: int) -> bool:
        """See :class:`Engine`."""
        from patchlint.ruleset.prefilter import possible

        return possible(bits)

    def may_matter(self, series: Series, bits: int) -> bool:
        """See :class:`Engine`."""
        if not self.possible(bits):
            return False
        diffs = "\n".join(patch.diff for patch in series.patches)
        if self._vocabulary().candidate(diffs.encode("utf-8", "replace")):
            return True
        from patchlint.run import read_whole

        return not read_whole(series)

    def _vocabulary(self) -> Vocabulary:
        if self._words is None:
            from patchlint.ruleset.load import compiled
            from patchlint.ruleset.prefilter import Vocabulary

            self._words = Vocabulary(compiled(self.settings.rules)["words"])
        return self._words

    def decode(self, raw: RawMail) -> Mail:
        """See :class:`Engine`."""
        from patchlint.mail.message import decode

        return decode(raw)

    def group(self, mails: Sequence[Mail]) -> Sequence[Series]:
        """See :class:`Engine`."""
        from patchlint.mail.series import group

        return group(mails)

    def check(self, series: Series) -> Report:
        """See :class:`Engine`."""
        from patchlint.run import check_series

        tree, self._tree = self._tree, None
        if tree is None and self.settings.tree is not None:
            from patchlint.analysis.at_hand import TreeAtHand

            tree, self._asked = TreeAtHand(self.settings.tree), 0
        report = check_series([series], self.rules(), self._options(), tree)
        self._asked += 1
        # what was met on the way to its answers is told of the series that met it, not of others
        if tree is not None and self._asked < _SERIES_A_TREE and tree.sound():
            self._tree = tree
        return report

    def rules(self) -> Ruleset:
        """See :class:`Engine`."""
        if self._rules is None:
            from patchlint.run import load_rules

            self._rules = load_rules(self._options())
        return self._rules

    def _options(self) -> Options:
        from patchlint.run import Options

        settings = self.settings
        return Options(
            tree=settings.tree,
            rules=settings.rules,
            only=settings.only,
            without=settings.without,
            no_tree=settings.tree is None,
            everything=settings.everything,
            limit=settings.limit,
        )


#: the engine of this program
DEFAULT: Final = Settings()
