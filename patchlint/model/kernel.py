"""Kernel knowledge as the ruleset stage loads it from ``rules/``: nouns only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    import re

    from patchlint.model.context import Context, Guarantee

CleanupClass = Literal["ctx", "sync", "wrap", "async", "memory", "inherit", "share"]

#: What can end.  ``anything`` is what hangs on a file, a process or a module.
Resource = Literal[
    "anything",
    "bpf",
    "cgroup",
    "device",
    "file",
    "inode",
    "interface",
    "key",
    "memory-map",
    "module",
    "mount",
    "namespace",
    "packet-filter",
    "rdma",
    "rpc",
    "socket",
    "task",
]


def release(version: str) -> tuple[int, int]:
    """Major and minor number of a kernel version such as ``6.1`` or ``6.1.12``."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


class Source(Struct, frozen=True):
    """Where an entry is true: file, what was seen there, and for which kernels.

    ``since`` and ``until`` are kernel versions (``6.1``), both included, None for no bound
    known.  ``moved`` is the file that has it in later kernels, None where it stays.
    """

    file: str
    evidence: str
    since: str | None = None
    until: str | None = None
    moved: str | None = None

    def holds(self, version: tuple[int, int]) -> bool:
        """Whether it is true for that kernel."""
        return (self.since is None or release(self.since) <= version) and (
            self.until is None or version <= release(self.until)
        )


class Cleanup(Struct, frozen=True):
    """A function that releases something.

    ``kind``: ``ctx`` branches on the execution context (``fput``); ``sync`` works inline
    in its caller; ``wrap`` reaches one of those; ``async`` defers itself in any context,
    so that moving its caller loses nothing; ``memory`` frees memory only; ``inherit``
    runs a callback given as argument ``callback_arg`` in the caller's context (kref_put);
    ``share`` is no function but a counter that is held against a limit, called ``->member``:
    what lowers it gives a share back.
    ``task`` is the guarantee in a user task, ``deferred`` the one in a kthread or work
    item.  ``visible`` says whether user space can see that it is late.

    ``final`` are functions of which one runs when the release is done (their names differ
    from kernel to kernel), ``probe`` is the workload of ``tests/kernel`` that reaches it,
    and ``seen`` the kernels on which it was watched and did what the row says.

    ``waited_in`` are contexts in which a late release is waited for by whoever needs it:
    it is no loss there, as unregistering an interface waits for RCU callbacks and then for
    references.  ``ended_by`` are calls behind which it leaves nothing but memory,
    ``bare_in`` contexts in which it can do nothing else, since that sleeps.  ``symptoms_with``
    are symptoms where the call is given a constant, in the place of ``symptoms``: of the limit
    that it is about.
    """

    name: str
    family: str
    kind: CleanupClass
    task: Guarantee
    deferred: Guarantee
    visible: bool
    releases: str
    symptoms: tuple[str, ...]
    advice: tuple[str, ...]
    why: str
    source: Source
    callback_arg: int | None = None
    twins: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    probe: str | None = None
    seen: tuple[str, ...] = ()
    waited_in: tuple[Context, ...] = ()
    ended_by: frozenset[str] = frozenset()
    bare_in: frozenset[Context] = frozenset()
    symptoms_with: tuple[tuple[str, str], ...] = ()

    @property
    def told(self) -> str:
        """Its name in a sentence; a counter of a C file is a variable there, others are members."""
        if self.kind == "share" and self.source.file.endswith(".c"):
            return self.name.removeprefix("->")
        return self.name


class Twin(Struct, frozen=True):
    """``deferred`` does later what ``direct`` does now: the diff shows no queueing.

    ``by`` says in words who comes to that, where no context does.
    """

    direct: str
    deferred: str
    mechanism: str
    context: Context
    guarantee: Guarantee
    runs_in: str
    source: Source
    by: str = ""


class Registration(Struct, frozen=True):
    """Binds a callback to an object: ``INIT_WORK(object, callback)``.

    ``object_arg`` and ``callback_arg`` count from 0; None when there is no such argument
    (``DECLARE_WORK`` has its object as a name: ``object_is_name``).  ``context`` is the
    one that the callback runs in; ``inherit`` context is None.  ``activates`` is set when
    the same call also starts it (``call_rcu``, ``kthread_run``); ``guarantee`` is what a
    release inside the callback is still worth to the activating caller; ``waits`` when
    the call itself waits for the callback.  ``also`` are further callbacks of the same
    call: (argument, context), as the thread function of ``request_threaded_irq``.
    """

    name: str
    object_arg: int | None
    callback_arg: int | None
    context: Context | None
    guarantee: Guarantee
    activates: bool
    waits: bool
    mechanism: str
    source: Source
    object_is_name: bool = False
    also: tuple[tuple[int, Context], ...] = ()

    @property
    def keeps(self) -> bool:
        """Whether the task itself runs the callback, before it is back in user space."""
        return self.context == "task" and self.guarantee in {
            "before-return-to-user",
            "before-call-returns",
        }


class Activation(Struct, frozen=True):
    """Starts a bound callback: ``queue_work(wq, object)``.

    ``queue_arg`` is the workqueue argument, None when fixed.  ``keeps`` is set for
    ``task_work_add``, which keeps the promise for the current task, but not with one of
    ``keeps_not_with`` as argument.
    """

    name: str
    object_arg: int
    queue_arg: int | None
    context: Context
    guarantee: Guarantee
    mechanism: str
    keeps: bool
    keeps_not_with: frozenset[str]
    source: Source


class Wait(Struct, frozen=True):
    """Waits for something deferred.

    ``kind``: ``object`` waits for the object in ``object_arg``, ``queue`` for the whole
    workqueue in it, ``completion`` for complete() on it, ``event`` for a wake-up on the
    wait queue, bit or variable in it, ``rcu`` for RCU callbacks, ``grace-period`` for a
    grace period only, ``async`` for all that ``async_schedule()`` and its kin started.
    ``restores`` is False for waits that drop a pending item instead of running it
    (``cancel_work_sync``); ``trap`` says so.  ``bounded`` ones end after some time in any case,
    those with ``signal`` when the task gets one.  ``weaker`` are functions that stop the same and
    do not wait for what runs already (``cancel_work`` for ``cancel_work_sync``).
    """

    name: str
    kind: Literal["object", "queue", "completion", "event", "rcu", "grace-period", "async", "other"]
    object_arg: int | None
    restores: bool
    trap: str
    bounded: bool
    signal: bool
    weaker: tuple[str, ...]
    source: Source

    @property
    def early(self) -> bool:
        """Whether it may be over before what is waited for is done."""
        return self.bounded or self.signal


class EntryPoint(Struct, frozen=True):
    """A struct member or macro whose function is called from outside the kernel's C code.

    ``struct`` and ``member`` (``file_operations``, ``release``), or ``macro``
    (``module_exit``) with ``member`` empty.  ``contexts`` are all the contexts that call
    it; ``kind`` is ``syscall``, ``file operation``, ``block device operation``...;
    ``reaches_user`` whether a user task waits for it.  ``ends`` is what it may end, since
    it can drop the last reference: nothing for one that holds what it works on.
    ``commands``: many commands go through it, and few of them end something.  ``event`` is what
    it is called for, in words of user space, where that is one thing (``umount(2)``).
    ``request`` is the member of what it is given that says which command it is (``nlmsg_type``).
    ``function`` is the name of one that is an entry by itself, with no struct and no macro, and
    ``boot`` is set for what runs once, when the kernel starts.
    """

    struct: str
    member: str
    macro: str
    contexts: tuple[Context, ...]
    kind: str
    reaches_user: bool
    source: Source
    ends: tuple[Resource, ...] = ()
    commands: bool = False
    event: str = ""
    request: str = ""
    function: str = ""
    boot: bool = False


class Made(Struct, frozen=True):
    """What a macro at file scope sets in the object that it defines.

    ``value`` is a name with arguments of the macro in it: ``{0}_store``.
    """

    macro: str
    struct: str
    member: str
    value: str
    source: Source


class SystemCall(Struct, frozen=True):
    """A system call that can end something; one without a row ends nothing by itself.

    ``name`` is the one in its definition, ``called`` the one that user space knows
    (``umount`` is called ``umount2``); ``ends`` as for :class:`EntryPoint`.  ``to_end``: it is
    called for nothing but an end, whatever its name; ``end_commands`` are those of its commands
    that are, where their names do not tell.  ``by`` are functions to which it comes by members
    that nobody can follow, and which come to nothing else but what it works on.
    """

    name: str
    called: str
    ends: tuple[Resource, ...]
    source: Source
    to_end: bool = False
    end_commands: frozenset[str] = frozenset()
    by: tuple[str, ...] = ()


class Proof(Struct, frozen=True):
    """What a test of the running task proves about who runs it.

    ``name`` is the function that makes it true, ``pattern`` is looked for in a test that holds,
    with ``current`` for a variable that is set to it; ``calls`` are the system calls, by the
    name in their definition, below which alone it holds.
    """

    name: str
    pattern: re.Pattern[str]
    calls: tuple[str, ...]
    source: Source


class Unflagged(Struct, frozen=True):
    """Objects that are made with the constant ``made`` never have the ``flag``."""

    flag: str
    made: str
    source: Source


class OwnHold(Struct, frozen=True):
    """What the running task holds as long as it runs: no put of it by that name is the last.

    ``name`` gives argument ``argument`` back for good; ``value`` is the running task's own.
    """

    name: str
    argument: int
    value: str
    source: Source


class Hub(Struct, frozen=True):
    """A function that so many call that nobody follows them all: what it is called for.

    ``kind`` names the class of its callers, ``event`` what user space does that they run.
    """

    name: str
    kind: str
    event: str
    source: Source


class Event(Struct, frozen=True):
    """What user space did, in its own words, when a system call or an operation runs.

    ``calls`` are system calls by the names in their definitions, ``operations`` members of structs
    (``file_operations.release``), ``kinds`` kinds of entry points.  ``often``: each task comes to
    it, so that nobody is to wait in it for a worker.
    """

    name: str
    said: str
    calls: frozenset[str]
    kinds: frozenset[str]
    operations: frozenset[str]
    often: bool = False


class Macro(Struct, frozen=True):
    """A macro that breaks the grammar, and the action of equal length that mends it.

    ``pattern`` is the macro's name or a regular expression for it; ``action`` is one of
    the rewrites that ``patchlint/syntax/kernel_macros.py`` documents.
    """

    pattern: str
    action: str
    regex: bool
    source: Source


class Workload(Struct, frozen=True):
    """What shows a family's loss on a running kernel.

    ``shows`` says in words what ``script`` does: shell lines that define ``reproducer()``
    and need nothing but usual tools, None when no workload is known.  ``final`` are the
    functions that end a release of this family where its row names none; ``modules`` and
    ``config`` what a guest needs besides; ``suites`` are public tests of the area.
    ``through`` are the files, and folders with a slash behind them, of which it runs the
    functions that release: a loss in another one it cannot show.
    """

    family: str
    shows: str
    final: tuple[str, ...]
    script: str | None
    modules: tuple[str, ...]
    config: tuple[str, ...]
    suites: tuple[str, ...]
    through: tuple[str, ...] = ()

    def passes(self, path: str) -> bool:
        """Whether the script runs what releases in the file ``path``."""
        return any(
            path.startswith(place) if place.endswith("/") else path == place
            for place in self.through
        )


class Setup(Struct, frozen=True):
    """What any guest of one purpose needs: modules, and options of a configuration."""

    name: str
    modules: tuple[str, ...]
    config: tuple[str, ...]


#: matches nothing
NEVER: Final = lazy(r"(?!)")


class ContextHint(Struct, frozen=True):
    """Tells a context from how something looks, where no call graph is at hand.

    ``kind``: ``parameter`` (regex on ``type name`` of the parameter list), ``returns``
    (regex on the return type), ``name`` (regex on the function's name), ``trace`` (regex
    on a line of the mail's message), ``condition`` (regex on a branch taken that asks for
    the context itself).  ``strength``: ``certain`` or ``likely``.
    """

    kind: Literal["parameter", "returns", "name", "trace", "condition"]
    pattern: re.Pattern[str]
    context: Context
    strength: Literal["certain", "likely"]
    why: str


Row = Cleanup | Twin | Registration | Activation | Wait

#: the mechanism by which a context mostly comes to run something, where the start is not seen
_USUAL: Final = {"workqueue": "work", "rcu-callback": "rcu", "kthread": "kthread"}


class Instead(Struct, frozen=True):
    """What to do where a mechanism puts something off, with ``{}`` for what it runs.

    ``own`` is for what frees the item that it is started by, ``asking`` for a thread that asks
    whether it is to stop.
    """

    advice: str = ""
    own: str = ""
    asking: str = ""


class KernelFacts(Struct, frozen=True, kw_only=True):
    """All tables.  Look-ups are by function name."""

    cleanups: dict[str, Cleanup] = field(default_factory=dict)
    twins: dict[str, Twin] = field(default_factory=dict)
    registrations: dict[str, Registration] = field(default_factory=dict)
    activations: dict[str, Activation] = field(default_factory=dict)
    waits: dict[str, Wait] = field(default_factory=dict)
    #: starts and waits -> the argument that says how long they put off, or wait
    times: dict[str, int] = field(default_factory=dict)
    #: starts of which that may be a point in time instead
    points: frozenset[str] = frozenset()
    #: what makes a time of a number -> the unit of that number
    durations: dict[str, str] = field(default_factory=dict)
    #: mechanism (``work``, ``rcu``...) -> what to do where it puts something off, with ``{}`` for
    #: what it runs
    instead: dict[str, Instead] = field(default_factory=dict)
    #: functions that put an item on a list, with the argument indices (item, list)
    list_adds: dict[str, tuple[int, int]] = field(default_factory=dict)
    #: functions that take items off a list or walk it, with the list's argument index
    list_drains: dict[str, int] = field(default_factory=dict)
    #: macros that go from a member to its struct: argument indices (pointer, type, member)
    container_macros: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    #: struct type of a callback's parameter -> the registration that binds such callbacks
    callback_types: dict[str, str] = field(default_factory=dict)
    #: regex of names that look like a teardown, for structural findings
    teardown: re.Pattern[str] = NEVER
    #: regex of names that look like a teardown but are not (rules/kernel/structural.toml)
    not_teardown: re.Pattern[str] = NEVER
    entries: tuple[EntryPoint, ...] = ()
    #: macro that defines an object -> what it sets there
    initializers: dict[str, tuple[Made, ...]] = field(default_factory=dict)
    #: by the name in the definition
    system_calls: dict[str, SystemCall] = field(default_factory=dict)
    proofs: tuple[Proof, ...] = ()
    #: by name
    hubs: dict[str, Hub] = field(default_factory=dict)
    #: by the flag, and by the function that gives back
    unflagged: dict[str, Unflagged] = field(default_factory=dict)
    own_holds: dict[str, OwnHold] = field(default_factory=dict)
    #: in order: the first that fits counts
    events: tuple[Event, ...] = ()
    #: what the releases of a family release; a family of no resource is not there
    resources: dict[str, tuple[Resource, ...]] = field(default_factory=dict)
    #: families that are no part of what holds them: nobody waits for them with that
    alone: frozenset[str] = frozenset()
    #: families whose advice is for a callback that stops nothing else
    while_idle: frozenset[str] = frozenset()
    #: contexts in which a release of a family is late so briefly that a note is enough
    brief: dict[str, frozenset[Context]] = field(default_factory=dict)
    macros: tuple[Macro, ...] = ()
    hints: tuple[ContextHint, ...] = ()
    #: struct types of deferral objects: work_struct, rcu_head, timer_list ...
    deferral_types: frozenset[str] = frozenset()
    #: calls that give fresh memory, or none
    allocation: re.Pattern[str] = NEVER
    obtains: re.Pattern[str] = NEVER
    constructor: re.Pattern[str] = NEVER
    puts: re.Pattern[str] = NEVER
    final: re.Pattern[str] = NEVER
    #: structs that count the references of what they are in -> what gives one back
    counted: dict[str, frozenset[str]] = field(default_factory=dict)
    #: what makes a file on a mount of the kernel's own, and words of symptoms that none of it has
    internal_files: frozenset[str] = frozenset()
    unseen_there: tuple[str, ...] = ()
    #: struct of operations -> those that begin with an object, and fail where another has it
    claimed_by: dict[str, frozenset[str]] = field(default_factory=dict)
    #: of those, structs that a function takes alone for no other reason
    last_puts: frozenset[str] = frozenset()
    ending_forms: frozenset[str] = frozenset()
    #: forms of operations that hold what they work on
    holding_forms: frozenset[str] = frozenset()
    #: labels and tests of error paths
    error_path: re.Pattern[str] = NEVER
    error_value: re.Pattern[str] = NEVER
    #: functions that lower a counter -> the argument that names it
    lowers: dict[str, int] = field(default_factory=dict)
    #: functions that clear a bit: the argument that names it
    clears: dict[str, int] = field(default_factory=dict)
    #: what gives a number back to a set, and what takes one -> the argument that names the set
    gives_number: dict[str, int] = field(default_factory=dict)
    takes_number: dict[str, int] = field(default_factory=dict)
    #: functions that end a reference without any release of their own being known
    refcount_puts: frozenset[str] = frozenset()
    refcount_gets: frozenset[str] = frozenset()
    #: functions that end a wait for a completion, with the completion's argument index
    completers: dict[str, int] = field(default_factory=dict)
    #: names of functions whose call nobody outside can see: locks, logging, memory, readers
    harmless: re.Pattern[str] = NEVER
    #: names of functions that run what they are given at some later time
    later: re.Pattern[str] = NEVER
    #: names of functions that run what they are given before they return
    visits: re.Pattern[str] = NEVER
    #: names of functions that are told of an end, by whoever was given them
    notices: re.Pattern[str] = NEVER
    #: tests that only ask whether a list has anything in it
    asks_for_any: re.Pattern[str] = NEVER
    calms: re.Pattern[str] = NEVER
    #: names of functions that take a lock, or say that it is held, and of those that give it back
    locks: re.Pattern[str] = NEVER
    unlocks: re.Pattern[str] = NEVER
    #: functions that give an object of which each processor has one
    each_processor: frozenset[str] = frozenset()
    #: marks of functions that run when the kernel, a module or a namespace comes up, or goes
    coming_up: frozenset[str] = frozenset()
    going_away: frozenset[str] = frozenset()
    #: what a thread asks that ends when it is told to stop
    asks_to_stop: frozenset[str] = frozenset()
    #: functions that take a variable away from the release at the end of its scope
    takes: frozenset[str] = frozenset()
    #: functions below which no entry point ends what it was called to end
    lookups: frozenset[str] = frozenset()
    #: functions that take a reference -> those that give it back
    references: dict[str, frozenset[str]] = field(default_factory=dict)
    #: word in a name that takes a reference -> those in its place in the name that gives it back
    reference_words: dict[str, frozenset[str]] = field(default_factory=dict)
    #: accessors of an object -> the argument that names it (``per_cpu_ptr``)
    accessors: dict[str, int] = field(default_factory=dict)
    #: ``struct.member`` that holds a callback -> the registration that it stands for
    slots: dict[str, str] = field(default_factory=dict)
    #: functions in a stack that tell its context, the innermost one decides
    frames: dict[str, Context] = field(default_factory=dict)
    #: what stands before the name of a system call where its function is looked for by name
    prefixes: tuple[str, ...] = ()
    #: family -> what shows its loss on a running kernel
    workloads: dict[str, Workload] = field(default_factory=dict)
    setups: dict[str, Setup] = field(default_factory=dict)
    #: table, name and row of names that mean different things in different kernels; the
    #: tables themselves have the newest
    variants: tuple[tuple[str, str, Row], ...] = ()
    #: kernels against whose source every row is held
    held_against: tuple[str, ...] = ()

    def at(self, version: tuple[int, int]) -> KernelFacts:
        """Return the facts of that kernel: of several rows of a name the one that holds.

        Rows whose kernels are others stay where they are the only ones of their name: a mail
        may be made for another kernel than the one at hand.
        """
        tables: dict[str, dict[str, Row]] = {}
        for table, name, row in self.variants:
            if row.source.holds(version):
                tables.setdefault(table, dict(getattr(self, table)))[name] = row
        return replace(self, **tables) if tables else self

    def rows_of(self, name: str) -> tuple[Cleanup, ...]:
        """Return what a release does in the kernels that have it, one row or several."""
        known = self.cleanups.get(name)
        others = [row for table, of, row in self.variants if (table, of) == ("cleanups", name)]
        rows = [known, *others] if known is not None else others
        return tuple(row for row in rows if isinstance(row, Cleanup))

    def instead_of(self, starter: str | None, context: Context) -> Instead:
        """Return what to do where a call starts something, else where that context runs it."""
        row = self.activations.get(starter or "") or self.registrations.get(starter or "")
        known = row.mechanism if row is not None else _USUAL.get(context, "")
        return self.instead.get(known, Instead())

    def unheld(self, version: tuple[int, int]) -> bool:
        """Whether that kernel is newer than all that the rows are held against."""
        return bool(self.held_against) and version > max(map(release, self.held_against))

    def runs_at_once(self, helper: str, given: str) -> bool:
        """Whether ``helper`` is named for running before it returns what is ``given`` to it.

        By name, see structural.toml: what is named for being told of an end waits for that.
        """
        return self.visits.search(helper) is not None and self.notices.search(given) is None

    def named_end(self, name: str) -> bool:
        """Whether a function is named like one that releases something that lasts."""
        return self.teardown.search(name) is not None and self.not_teardown.search(name) is None

    def builds(self, name: str) -> bool:
        """Whether a function is named like one that makes something, and not that ends it."""
        return self.constructor.search(name) is not None and self.teardown.search(name) is None

    def carries(self, ends: tuple[Resource, ...], family: str) -> bool:
        """Whether what ends so much can end what the releases of ``family`` release.

        Of a family whose resource no table knows (releases known by their name alone)
        everything that ends anything is believed to.
        """
        wanted = self.resources.get(family)
        if wanted is None:
            return bool(ends)
        return bool(wanted) and not {"anything", *wanted}.isdisjoint(ends)

    def calls_by(self, name: str) -> tuple[SystemCall, ...]:
        """Return the rows of system calls that come to a function by members nobody can follow."""
        return tuple(call for call in self.system_calls.values() if name in call.by)

    def entries_of(self, struct: str, member: str) -> tuple[EntryPoint, ...]:
        """Return the rows for ``member`` of ``struct`` (its bare name).

        Never by the member's name alone, nor by a part of the struct's: a ``release`` of a
        struct that no row knows is no entry, and ``proto_ops`` is not ``proto``.
        """
        return tuple(e for e in self.entries if e.member == member and e.struct == struct)


class Rule(Struct, frozen=True):
    """What to say when a cleanup of ``families`` lost its promise.

    A ``shape`` names the form that a cross-cutting rule speaks of (``twin``,
    ``rcu-release``, ``lost-wait``, ``moved-body``, ``task-work-to-workqueue``), None for a
    rule of a family; ``cleanups`` narrows a family rule to some functions (empty: all).
    ``level`` is what the rule deserves by what it says, ``held`` what its record leaves of a
    warning: too few of them were right.
    """

    id: str
    title: str
    families: tuple[str, ...]
    cleanups: tuple[str, ...]
    shape: str | None
    level: Literal["error", "warning", "note"]
    symptoms: tuple[str, ...]
    advice: tuple[str, ...]
    documentation: str
    priority: int = 0
    held: Literal["note"] | None = None

    @property
    def loudest(self) -> str:
        """The level as it is told: that of a rule which its record holds back is a note."""
        return self.held or self.level


class Ruleset(Struct, frozen=True):
    """Rules and the tables they rest on.  ``digest`` changes with any of them."""

    rules: tuple[Rule, ...]
    kernel: KernelFacts
    digest: str

    def at(self, version: tuple[int, int]) -> Ruleset:
        """Return the same rules on the facts of that kernel."""
        kernel = self.kernel.at(version)
        return self if kernel is self.kernel else replace(self, kernel=kernel)
