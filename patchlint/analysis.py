"""One series in, its downgrades out: images, facts, both graphs, and the tree at hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from patchlint.identity import Known, Matches
from patchlint.model.budget import OutOfBudgetError
from patchlint.model.effect import ADDED, LOUD, OTHER_VERSION, Ground
from patchlint.model.pattern import lazy
from patchlint.model.problem import GIVEN_UP, TIME, Limitation, about

#: functions and lines of hunks, counted anew for each patch, whose patches are compared alone
_MOST_COMPARED: Final = 300_000
_UNREADABLE: Final = "but its contents cannot be read (a partial or damaged clone?)"
_WORD: Final = lazy(r"[A-Za-z_]\w*")

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.comparison import Ask
    from patchlint.graph.guards import Atom
    from patchlint.graph.optin import OptIn
    from patchlint.graph.reach.way import Ways
    from patchlint.graph.standins import StandIn
    from patchlint.model.diff import FileDiff
    from patchlint.model.effect import Downgrade
    from patchlint.model.facts import FileFacts
    from patchlint.model.image import FilePair, Image, SeriesState
    from patchlint.model.kernel import Cleanup, Macro, Ruleset
    from patchlint.model.mail import Series
    from patchlint.model.tree import TreeFacts
    from patchlint.patch.apply import WholeImages
    from patchlint.patch.images import Composition
    from patchlint.patch.trees import Tree
    from patchlint.syntax.kept import KeptFacts

#: files whose text the syntax stage reads
C_SOURCES = (".c", ".h")


class CannotCheck(Exception):  # noqa: N818  it is an answer, the text is for the user
    """Nothing can be checked: the text says why, for the user."""


class TreeAtHand:
    """A kernel tree, opened when first needed, and what was asked of it.

    ``path`` may name a revision (``linux@v6.1``).  ``others`` are further trees: texts of
    files are looked for there as well, and the call graph is that of the tree which most of
    them come from.
    """

    def __init__(self, path: str, others: Sequence[str] = ()) -> None:
        self.path = path
        self.others = tuple(map(TreeAtHand, others))
        #: what was met on the way to the tree's answers, in words for a limitation
        self.remarks: list[str] = []
        self._tree: Tree | None = None
        self._open: Callable[[], Tree] | None = None
        self._facts: dict[str | None, TreeFacts] = {}
        self._versions: dict[str | None, tuple[int, int] | None] = {}
        self._derived: dict[tuple[str | None, str, str], Cleanup | None] = {}
        self._read: KeptFacts | None = None

    def read(self, image: Image, macros: Sequence[Macro]) -> FileFacts:
        """The facts of an image; what was read for the series before is known."""
        if self._read is None:
            from patchlint.syntax.kept import KeptFacts

            self._read = KeptFacts()
        return self._read.extract(image, macros)

    def begin(self) -> None:
        """Start to open the tree, since it will be needed; does not wait for it."""
        from patchlint.patch.trees import begin, named_revision

        where, revision = named_revision(self.path)
        if revision is None:
            self._open = self._open or begin(where)

    def hold(self) -> None:
        """Refuse a tree that cannot be read though nothing needs it.

        Raises :class:`CannotCheck`.  Git is started only where the folder does not tell.
        """
        from patchlint.patch.trees import named_revision, plainly_there

        for one in (self, *self.others):
            where, revision = named_revision(one.path)
            if revision is not None or not plainly_there(where):
                _ = one.tree

    @property
    def tree(self) -> Tree:
        """The tree at its HEAD.  Raises :class:`CannotCheck` when it cannot be read."""
        if self._tree is None:
            from patchlint.patch.trees import FolderTree, TreeError, named_revision, open_tree

            try:
                where, revision = named_revision(self.path)
                self._tree = self._open() if self._open else open_tree(where, revision)
            except TreeError as error:
                raise CannotCheck(str(error)) from error
            if isinstance(self._tree, FolderTree) and self._tree.remark:
                self.remarks.append(self._tree.remark)
        return self._tree

    def lost(self) -> list[str]:
        """Files of the trees that were wanted so far and are there, but cannot be read."""
        opened = [one._tree for one in (self, *self.others) if one._tree is not None]  # noqa: SLF001
        return sorted({path for tree in opened for path in tree.lost})

    def sound(self) -> bool:
        """Whether nothing that was asked so far met anything to be told."""
        return not (self.remarks or self.lost())

    def serving(self, versions: Sequence[str]) -> TreeAtHand:
        """The tree that most of ``versions``, names of trees, are of; this one in doubt."""
        if not self.others:
            return self
        return max((self, *self.others), key=lambda one: versions.count(one.tree.name))

    def name(self, base: str | None) -> str:
        """The commit (or folder) that is read for a series with that base."""
        tree = self._at(base)
        return tree.commit or tree.name

    def _at(self, base: str | None) -> Tree:
        return (self.tree.at(base) if base else None) or self.tree

    def version(self, base: str | None) -> tuple[int, int] | None:
        """The kernel that is read for a series with that base, None when it does not say."""
        if base not in self._versions:
            from patchlint.patch.trees import kernel_version

            self._versions[base] = kernel_version(self._at(base))
        return self._versions[base]

    def facts(self, base: str | None, macros: Sequence[Macro]) -> TreeFacts:
        """What the whole tree knows, at ``base`` when it has that commit."""
        if base not in self._facts:
            from patchlint.index import open_facts

            at = self._at(base)
            self._facts[base] = open_facts(
                at, macros, renew=at is self.tree, say=self.remarks.append
            )
        return self._facts[base]

    def ways(
        self,
        base: str | None,
        ruleset: Ruleset,
        name: str,
        path: str,
        guard: tuple[Atom, ...],
        images: Graph,
    ) -> Ways:
        """How a function comes to run so that ``guard`` holds, by tree and images."""
        from patchlint.graph.reach.walk import ways

        facts = self.facts(base, ruleset.kernel.macros)
        return ways(facts, ruleset.kernel, name, path, guard, images)

    def derive(
        self, base: str | None, ruleset: Ruleset, functions: Mapping[str, str]
    ) -> dict[str, Cleanup]:
        """The table entries that the tree derives for functions: by name, as met in a path."""
        fresh = {n: path for n, path in functions.items() if (base, n, path) not in self._derived}
        if fresh:
            from patchlint.graph.derive import derive

            facts = self.facts(base, ruleset.kernel.macros)
            facts.prepare_definitions(fresh.items())
            for name, path in fresh.items():
                found = derive(facts, ruleset.kernel, name, path)
                self._derived[base, name, path] = found.row() if found else None
        rows = {name: self._derived[base, name, path] for name, path in functions.items()}
        return {name: row for name, row in rows.items() if row is not None}


class Analysis(Struct, frozen=True):
    """The downgrades of one series, what its images were, and what could not be known.

    ``diffs`` is what each patch does, hunks where the images have them; ``lost`` says which
    hunks of a patch are in no image.
    """

    downgrades: tuple[Downgrade, ...]
    images: Literal["hunks", "whole", "mixed"]
    limitations: tuple[Limitation, ...]
    diffs: Mapping[int, tuple[FileDiff, ...]]
    lost: Mapping[int, Sequence[str]]


def analyse(
    series: Series,
    files: dict[int, tuple[FileDiff, ...]],
    ruleset: Ruleset,
    tree: TreeAtHand | None = None,
) -> Analysis:
    """Downgrades of a series, each in the patch that causes it.

    Each patch is compared with the state that it found, and the last state with the one
    before the series: what a patch takes away and a later one gives back is no finding.
    """
    from patchlint.graph.contexts import telling

    whole = None if tree is None else _whole(series, files, tree)
    if tree is not None and whole is not None:
        tree = tree.serving(whole.versions)
    composition, images, limitations = _compose(series, files, whole)
    version = None if tree is None else tree.version(series.base_commit)
    if version is not None:
        ruleset = ruleset.at(version)
        limitations = (*limitations, *_unheld(ruleset, version))
    facts = _Facts(ruleset, "\n\n".join(p.message for p in series.patches))
    facts.titles = telling(
        ruleset.kernel,
        (
            (p.subject, frozenset(f.old_path or f.path for f in files[p.number]))
            for p in series.patches
        ),
    )
    if tree is not None:
        moved = whole.moved if whole is not None else {}
        facts.ways = partial(_ways, partial(tree.ways, series.base_commit, ruleset), moved)
        facts.derive = partial(_derive, partial(tree.derive, series.base_commit, ruleset), moved)
        facts.read = tree.read
        facts.bodies = partial(tree.facts, series.base_commit, ruleset.kernel.macros)
    found: list[Downgrade] = []
    said: list[Limitation] = []
    try:
        _downgrades(composition, facts, found, files)
    except OutOfBudgetError as error:
        said.append(given_up(series, error))
    said += facts.unread()
    if tree is not None:
        said += [Limitation("tree", text) for text in dict.fromkeys(tree.remarks)]
    said += _lost(tree, {f.old_path or f.path for found in files.values() for f in found})
    said += [Limitation("tree", text) for text in dict.fromkeys(facts.limitations)]
    said += [Limitation("graph", text) for text in dict.fromkeys(facts.bounds)]
    if whole is not None:
        files = {p.number: shown for p, shown in zip(series.patches, whole.shown, strict=True)}
    told = [_placed(one, files) for one in _once(found, _files_at_end(composition))]
    # that a flag is cleared elsewhere is nothing that is not known
    known = ("bit", "number")
    said += [_as_work(one) for one in told if _is_work(one) and one.what.kind not in known]
    told = [one for one in told if not _is_work(one)]
    return Analysis(tuple(told), images, (*limitations, *said), files, composition.lost)


def _is_work(downgrade: Downgrade) -> bool:
    """Whether a note tells of work alone: of 94 such, judged in archives, 4 were right."""
    return downgrade.work and downgrade.level_cap == "note"


def _as_work(downgrade: Downgrade) -> Limitation:
    """What is done later and that nothing tells to be a release, as what is not known."""
    function, after = downgrade.function, downgrade.after
    by = f"{after.callback}()" if after.callback else f"what {after.mechanism}() runs"
    goes = f"{downgrade.what.said} goes from {function}() to {by}"
    return Limitation(
        "graph",
        f"{goes}: nothing tells that it ends anything",
        downgrade.path,
        line=downgrade.line,
    )


def _lost(tree: TreeAtHand | None, touched: Collection[str]) -> list[Limitation]:
    """What of the tree was wanted so far and cannot be read; files of the series one by one."""
    paths = tree.lost() if tree is not None else []
    own = [path for path in paths if path in touched]
    said = [Limitation("tree", f"the tree has this file, {_UNREADABLE}", path) for path in own]
    others = [path for path in paths if path not in touched]
    if others:
        from patchlint.patch.trees import unseen

        said.append(Limitation("tree", unseen(others)))
    return said


def given_up(series: Series, error: OutOfBudgetError) -> Limitation:
    """The limitation of a series whose check was ended before it was done."""
    text = about(series.subject, why_given_up(error))
    return Limitation(TIME, text, message_id=_first_id(series))


def why_given_up(error: OutOfBudgetError) -> str:
    """How it is said that a check was ended before it was done, without its series."""
    return f"{GIVEN_UP}{str(error) or 'it takes too long'}"


def _first_id(series: Series) -> str | None:
    return series.patches[0].message_id if series.patches else None


def _downgrades(
    composition: Composition,
    facts: _Facts,
    found: list[Downgrade],
    diffs: Mapping[int, tuple[FileDiff, ...]],
) -> None:
    """Add to ``found`` the downgrades of all steps that the whole series does not take back.

    What was added before the budget ends is kept: each is right by itself.
    """
    numbers = composition.numbers
    whole = facts.compare(composition.state(len(numbers)))
    if len(numbers) == 1:
        found.extend(replace(one, patch=numbers[0]) for one in whole.downgrades)
        return
    lost = [*whole.downgrades, *_broken_off(composition, facts, whole, diffs)]
    if not (whole.possible or lost):
        return
    files = _files_at_end(composition)
    matches = Matches(lost, files)
    told: set[int] = set()
    for place, number in enumerate(numbers, 1):
        state = composition.step(place)
        # with nothing to find again only a function of the series itself can tell anything
        beyond = None if whole.downgrades else whole.known
        if beyond is not None and not facts.beyond(state, beyond):
            continue
        if not facts.afford(whole.size):
            break
        step = facts.compare(state, beyond)
        for one, left in matches.of(step.downgrades):
            if left is not None:
                told.add(id(left))
                found.append(replace(one, patch=number))
            elif whole.born(one):
                found.append(_as_note(one, number))
    states: dict[int, Known] = {}
    found.extend(
        replace(one, patch=_first(composition, facts, one, whole.size, states))
        for one in lost
        if id(one) not in told
    )


def _broken_off(
    composition: Composition,
    facts: _Facts,
    whole: _Compared,
    diffs: Mapping[int, tuple[FileDiff, ...]],
) -> list[Downgrade]:
    """What patches lose in files that a later one contradicts, so that the end cannot show it.

    It was given back where the end shows the losing function without the deferral, and a later
    patch has a line for that: what is only shown around its changes may be an older text.
    """
    found: list[Downgrade] = []
    known = Known(whole.downgrades, files=_files_at_end(composition))
    for count, paths in composition.ends().items():
        if not facts.afford(whole.size):
            break
        for one in facts.compare(composition.state(count)).downgrades:
            later = (file for number in composition.numbers[count:] for file in diffs[number])
            if (
                one.path in paths
                and not known.has(one)
                and not (whole.gave_back(one) and _takes_back(later, one))
            ):
                known.add(one)
                found.append(one)
    return found


def _takes_back(later: Iterable[FileDiff], downgrade: Downgrade) -> bool:
    """Whether patches add a line with the release, or remove one with what put it off."""
    after = downgrade.after
    started = [word for word in (after.callback, after.mechanism) if word]
    places = {downgrade.path, downgrade.home}
    return any(
        any(downgrade.cleanup in text for text in _texts(file, "+"))
        or any(word in text for text in _texts(file, "-") for word in started)
        for file in later
        if not places.isdisjoint(_names(file))
    )


def _as_note(downgrade: Downgrade, number: int) -> Downgrade:
    """What a series adds and itself defers: nobody relied on it yet."""
    return replace(
        downgrade,
        patch=number,
        level_cap="note",
        confidence="low",
        reasons=(ADDED, *downgrade.reasons),
        weight=downgrade.weight % LOUD,
    )


def _first(
    composition: Composition,
    facts: _Facts,
    downgrade: Downgrade,
    size: int,
    states: dict[int, Known],
) -> int:
    """The first patch after which a downgrade that no patch shows alone is there.

    When that would cost too much the last patch that touches its file.  ``size`` is what
    one comparison costs, ``states`` keeps what there is after each patch.
    """
    *earlier, last = composition.numbers
    for count, number in enumerate(earlier, 1):
        if count not in states:
            state = composition.state(count)
            if not facts.afford(size):
                return _last_touching(composition, downgrade)
            files = _files_at_end(composition)
            states[count] = Known(facts.compare(state).downgrades, files=files)
        if states[count].has(downgrade):
            return number
    return last


def _last_touching(composition: Composition, downgrade: Downgrade) -> int:
    """The last patch that touches the file of a downgrade."""
    last = composition.numbers[-1]
    files = composition.state(len(composition.numbers)).files
    touched = (file.touched for file in files if downgrade.path in (file.path, file.old_path))
    return max((patches[-1] for patches in touched if patches), default=last)


def _placed(downgrade: Downgrade, files: Mapping[int, tuple[FileDiff, ...]]) -> Downgrade:
    """A downgrade in a patch of the series that shows something of it.

    The patch after which it is there may change neither the file of the function that lost
    nor that of the deferral: an earlier one did, and this one only made it show.  Where the
    patch shows the release alone, what defers is said to stand in another.
    """
    home = downgrade.home or downgrade.path
    own = files.get(downgrade.patch, ())
    if any(downgrade.path in _names(file) for file in own):
        return downgrade
    released = {word for word in (downgrade.cleanup, *downgrade.also) if word.isidentifier()}
    starts = {downgrade.after.mechanism or ""} - {""}
    # where no patch brings the start it stood there before
    brings = _with_words(files, downgrade.path, "+", starts)
    defers = _changing(files, downgrade.path, "+", starts, downgrade.patch) if brings else None
    if not any(home in _names(file) for file in own):
        cause = _changing(files, home, "-", released, downgrade.patch) or defers
        if cause is None:
            return _elsewhere(downgrade, "not in the series")
        downgrade = replace(downgrade, patch=cause)
        if any(downgrade.path in _names(file) for file in files[cause]):
            return downgrade
    return _elsewhere(downgrade, "not in the series" if defers is None else f"in patch {defers}")


def _elsewhere(downgrade: Downgrade, where: str) -> Downgrade:
    """A downgrade that says of what defers that no line of its patch has it."""
    place = (downgrade.path, downgrade.line)
    chain = tuple(
        replace(step, note=f"{step.note} ({where})") if (step.path, step.line) == place else step
        for step in downgrade.after.chain
    )
    reason = Ground(f"what defers stands in another file than the patch changes: {where}")
    return replace(
        downgrade,
        after=replace(downgrade.after, chain=chain),
        reasons=(*downgrade.reasons, reason),
    )


def _changing(
    files: Mapping[int, tuple[FileDiff, ...]], path: str, kind: str, words: set[str], at: int
) -> int | None:
    """The last patch until ``at`` with a line of ``kind`` in ``path`` that has one of ``words``.

    In doubt the last one that changes the file, else the first after ``at`` that does.
    """
    numbers = [
        number
        for number, some in sorted(files.items())
        if any(path in _names(file) for file in some)
    ]
    until = [number for number in numbers if number <= at]
    told = [number for number in _with_words(files, path, kind, words) if number <= at]
    return next(iter([*told[-1:], *until[-1:], *numbers]), None)


def _with_words(
    files: Mapping[int, tuple[FileDiff, ...]], path: str, kind: str, words: set[str]
) -> list[int]:
    """The patches with a line of ``kind`` in ``path`` that has one of ``words``, in order."""
    return [
        number
        for number, some in sorted(files.items())
        if any(
            not words.isdisjoint(_WORD.findall(text))
            for file in some
            if path in _names(file)
            for text in _texts(file, kind)
        )
    ]


def _texts(file: FileDiff, kind: str) -> Iterator[str]:
    """The lines of one kind in the hunks of a file: those that come, or that go."""
    return (line.text for hunk in file.hunks for line in hunk.lines if line.kind == kind)


def _names(file: FileDiff) -> tuple[str | None, str | None]:
    return file.old_path, file.new_path


def _files_at_end(composition: Composition) -> frozenset[str]:
    """The files that a series touches, by the names that they have behind it."""
    files = composition.state(len(composition.numbers)).files
    return frozenset(file.path for file in files if file.post is not None)


def _once(found: Sequence[Downgrade], files: Collection[str]) -> list[Downgrade]:
    """Each downgrade once, in the patch where it is loudest, the most telling first."""
    kept: list[Downgrade] = []
    told = Known(within_function=True, files=files)
    for one in sorted(found, key=lambda d: (-d.weight, d.patch, d.path, d.line)):
        if not told.has(one):
            kept.append(one)
            told.add(one)
    return kept


def _unheld(ruleset: Ruleset, version: tuple[int, int]) -> list[Limitation]:
    """What is to be said of a kernel that is newer than all that the tables are held against."""
    kernel = ruleset.kernel
    if not kernel.unheld(version):
        return []
    return [
        Limitation(
            "tree",
            f"the tables are held against {' and '.join(kernel.held_against)}; what changed"
            f" until {version[0]}.{version[1]} may be unknown to them",
        )
    ]


def _ways(
    ask: Ask,
    moved: Mapping[str, str],
    name: str,
    path: str,
    guard: tuple[Atom, ...],
    images: Graph,
) -> Ways:
    """Ask a tree that may know ``path`` by another name."""
    return ask(name, moved.get(path, path), guard, images)


def _derive(
    ask: Callable[[Mapping[str, str]], dict[str, Cleanup]],
    moved: Mapping[str, str],
    functions: Mapping[str, str],
) -> dict[str, Cleanup]:
    """Ask a tree that may know paths by other names."""
    return ask({name: moved.get(path, path) for name, path in functions.items()})


def _whole(series: Series, files: dict[int, tuple[FileDiff, ...]], tree: TreeAtHand) -> WholeImages:
    """The files of a series through all of its patches, as far as the tree has them."""
    from patchlint.patch.apply import whole_images

    return whole_images(
        tree.tree,
        [files[p.number] for p in series.patches],
        series.base_commit,
        series.prerequisites,
        others=[other.tree for other in tree.others],
        date=series.patches[0].date,
    )


def _compose(
    series: Series, files: dict[int, tuple[FileDiff, ...]], whole: WholeImages | None
) -> tuple[Composition, Literal["hunks", "whole", "mixed"], tuple[Limitation, ...]]:
    """The images of a series: whole where the tree has the files, else out of hunks."""
    from patchlint.patch.images import compose

    diffs = [(p.number, files[p.number], p.message_id) for p in series.patches]
    if whole is None:
        composition = compose(diffs)
        return composition, "hunks", composition.limitations
    numbers = [p.number for p in series.patches]
    placed = [
        (p.number, diffs, p.message_id)
        for p, diffs in zip(series.patches, whole.diffs, strict=True)
    ]
    composition = compose(placed, whole.texts(numbers), whole.parts(numbers))
    return composition, whole.images, (*whole.limitations, *composition.limitations)


class _Compared(Struct, frozen=True):
    """One step compared: its downgrades, and whether its last state leaves room for any."""

    downgrades: tuple[Downgrade, ...]
    possible: bool
    known: frozenset[tuple[str, str]]
    left: frozenset[str | None]
    #: functions before and after, and lines that the hunks show
    size: int
    #: functions after
    shown: frozenset[tuple[str, str]]

    def gave_back(self, downgrade: Downgrade) -> bool:
        """Whether the losing function of an earlier state is shown, and defers that no more."""
        place = (downgrade.home, downgrade.function)
        return place in self.shown and downgrade.after.callback not in self.left

    def born(self, downgrade: Downgrade) -> bool:
        """Whether the losing function is new in this step and the deferral is still there."""
        return (
            downgrade.home,
            downgrade.function,
        ) not in self.known and downgrade.after.callback in self.left


class _Facts:
    """Facts of images and comparisons of states, each worked out once."""

    def __init__(self, ruleset: Ruleset, message: str) -> None:
        self.ruleset = ruleset
        self.message = message
        self.titles: tuple[tuple[str, frozenset[str]], ...] = ()
        self.ways: Ask | None = None
        self.bodies: Callable[[], TreeFacts] | None = None
        self.derive: Callable[[Mapping[str, str]], dict[str, Cleanup]] | None = None
        self.read: Callable[[Image, Sequence[Macro]], FileFacts] | None = None
        self.limitations: list[str] = []
        self.bounds: list[str] = []
        self._read: dict[tuple[str, bytes], FileFacts] = {}
        self._graphs: dict[tuple[int, ...], Graph] = {}
        self._spent = 0
        self._opt_in: OptIn | None = None

    def of(self, image: Image, pair: FilePair) -> FileFacts:
        """The facts of one side of a pair, by those of the other side where they are known."""
        key = (image.path, image.text)
        if key not in self._read:
            macros = self.ruleset.kernel.macros
            other = pair.pre if image is pair.post else pair.post
            known = None if other is None else self._read.get((other.path, other.text))
            if other is not None and known is not None and image.whole and other.whole:
                from patchlint.syntax.shared import extract_beside

                kept = pair.kept if image is pair.post else _turned(pair.kept)
                self._read[key] = extract_beside(image, other, known, kept, macros)
            elif self.read is not None:
                self._read[key] = self.read(image, macros)
            else:
                from patchlint.syntax.facts import extract

                self._read[key] = extract(image, macros)
        return self._read[key]

    def unread(self) -> list[Limitation]:
        """What of the C text that was read the parser gave up on, or may have got wrong."""
        # a file is read in many states, whose lines have other numbers: the first tells of all
        unmatched: dict[str, tuple[tuple[int, int], str]] = {}
        for (path, _), facts in self._read.items():
            for span in facts.unmatched:
                unmatched.setdefault(path, (span, "the brackets do not match"))
        for (path, _), facts in self._read.items():
            for span in facts.missed:
                unmatched.setdefault(path, (span, "no function comes out of them"))
        wrong = [
            Limitation(
                "syntax",
                f"{_lines(first, last)} could not be parsed: {why}",
                path,
                line=first,
            )
            for path, ((first, last), why) in unmatched.items()
        ]
        return wrong + [
            Limitation(
                "syntax",
                f"{_lines(first, last)} are not read as C: they take the parser too long"
                if last > first
                else f"{_lines(first, last)} is not read as C: it is too long",
                path,
                line=first,
            )
            for (path, _), facts in self._read.items()
            for first, last in facts.unread
        ]

    def _graph(
        self,
        images: Sequence[tuple[Image, FilePair]],
        more: tuple[FileFacts, ...],
        instead: tuple[StandIn, ...] = (),
    ) -> Graph:
        """The graph of one side, with bodies of a tree, and with what stood in tables."""
        from patchlint.graph.build import build
        from patchlint.model.facts import FileFacts

        # what a patch leaves is what the next one finds
        mark = tuple(id(image) for image, _ in images)
        if not (more or instead) and mark in self._graphs:
            return self._graphs[mark]
        known = {image.path: None if image.whole else image.known for image, _ in images}
        made = build(
            [
                *(self.of(image, pair) for image, pair in images),
                *more,
                *(
                    FileFacts(one.function.path, (one.function,), (), (one.table,))
                    for one in instead
                ),
            ],
            self.ruleset.kernel,
            known,
        )
        if not (more or instead):
            if len(self._graphs) > 1:
                self._graphs.pop(next(iter(self._graphs)))
            self._graphs[mark] = made
        return made

    def compare(
        self, state: SeriesState, beyond: Collection[tuple[str, str]] | None = None
    ) -> _Compared:
        """Both sides of a state, compared; with a tree by the bodies that it has as well.

        With ``beyond`` only downgrades of functions that are not among these are wanted: all
        are told or, where there is none of such a function, none.
        """
        from patchlint.graph.comparison import Comparison
        from patchlint.graph.downgrades import find
        from patchlint.graph.follow import lines_of
        from patchlint.graph.losses import may_be_new
        from patchlint.graph.optin import OptIn
        from patchlint.graph.standins import stand_ins

        pairs = [pair for pair in state.files if pair.path.endswith(C_SOURCES)]
        old = [(p.pre, p) for p in pairs if p.pre]
        new = [(p.post, p) for p in pairs if p.post]
        lines = lines_of(pairs, self._graph(old, ()), self._graph(new, ()))

        def compared(
            more: tuple[FileFacts, ...], instead: tuple[StandIn, ...], ways: Ask | None
        ) -> Comparison:
            return Comparison(
                self._graph(old, more, instead),
                self._graph(new, more),
                lines,
                message=self.message,
                titles=self.titles,
                ways=ways,
            )

        comparison = compared((), (), self.ways)
        instead = stand_ins(comparison.before, comparison.after, lines)
        if instead:
            comparison = compared((), instead, self.ways)
        if self.bodies is not None and comparison.changed:
            from patchlint.graph.borrow import borrow, rows, to_derive

            bodies = self.bodies()
            more = borrow(comparison, bodies)
            if more:
                comparison = compared(more, instead, self.ways)
            comparison.bodies = bodies
            asked = to_derive(comparison)
            if asked and self.derive is not None:
                comparison = comparison.with_rows(rows(self.derive(asked)))
        if self._opt_in is None:
            # the whole series is compared first: what it brings no step has met before
            self._opt_in = OptIn(comparison.before, comparison.after, lines)
        comparison.opt_in = self._opt_in
        found = (
            () if beyond is not None and not may_be_new(comparison, beyond) else find(comparison)
        )
        self.limitations.extend(comparison.limitations)
        self.bounds.extend(comparison.bounds)
        unfit = {p.path for p in pairs if not all(i is None or i.whole for i in (p.pre, p.post))}
        if self.bodies is not None and any(_loud_in(unfit, one) for one in found):
            alone = compared((), instead, None)
            alone.opt_in = self._opt_in
            shown = {(one.home, one.function) for one in find(alone) if _loud_in(unfit, one)}
            found = tuple(_as_of_another(one, unfit, shown) for one in found)
        return _Compared(
            found,
            bool(found or comparison.wanted or comparison.workers),
            frozenset(comparison.before.functions),
            frozenset(d.callback for d in comparison.after.deferrals),
            len(comparison.before.functions)
            + len(comparison.after.functions)
            + sum(_shown(pair) for pair in pairs),
            frozenset(comparison.after.functions),
        )

    def beyond(self, state: SeriesState, known: Collection[tuple[str, str]]) -> bool:
        """Whether a state finds functions that are not ``known``, and leaves some such."""
        return all(
            any(
                (function.path, function.name) not in known
                for pair in state.files
                if (image := getattr(pair, side)) is not None and pair.path.endswith(C_SOURCES)
                for function in self.of(image, pair).functions
            )
            for side in ("pre", "post")
        )

    def afford(self, work: int) -> bool:
        """Whether one more comparison of so much can be paid; what is given up is said once."""
        self._spent += work
        if self._spent <= _MOST_COMPARED:
            return True
        self.bounds.append(
            "the series is too large to compare each patch alone: some findings stand at the last"
            " patch that touches their file, and what the series itself adds is not told"
        )
        return False


def _lines(first: int, last: int) -> str:
    """How some lines are called."""
    return f"lines {first} to {last}" if last > first else f"line {first}"


def _loud_in(paths: Collection[str], downgrade: Downgrade) -> bool:
    """Whether a downgrade is no note, in one of some files."""
    return downgrade.level_cap != "note" and downgrade.home in paths


def _as_of_another(
    downgrade: Downgrade, unfit: Collection[str], shown: Collection[tuple[str, str]]
) -> Downgrade:
    """A downgrade, a note where only the bodies of a tree show it that is of another version.

    Its file does not take the hunks: what stands around them there was not what they were made for.
    """
    if not _loud_in(unfit, downgrade) or (downgrade.home, downgrade.function) in shown:
        return downgrade
    return replace(
        downgrade,
        level_cap="note",
        confidence="low",
        reasons=(*downgrade.reasons, OTHER_VERSION),
    )


def _turned(kept: dict[int, int]) -> dict[int, int]:
    """The kept lines by their numbers after."""
    return {after: before for before, after in kept.items()}


def _shown(pair: FilePair) -> int:
    """How many lines of a file the hunks show; those of a whole file are read once for all."""
    image = pair.post or pair.pre
    if image is None or image.whole:
        return 0
    return sum(last - first + 1 for first, last in image.known)
