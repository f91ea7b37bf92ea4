"""How well the C grammar reads a kernel tree, raw and after rewriting macros.

    python tests/bench/syntax_errors.py TREE [FOLDER...]

Prints functions with parse errors, call sites found, system calls, and times.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from patchlint.ruleset.load import load
from patchlint.syntax import facts, kernel_macros, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from patchlint.model.facts import FileFacts
    from patchlint.model.kernel import Macro

T = TypeVar("T")

FOLDERS = ("drivers/nvme", "drivers/md", "drivers/scsi", "io_uring", "net/core", "net/ipv4")
WATCHED = (
    "fput",
    "mntput",
    "iput",
    "dput",
    "INIT_WORK",
    "schedule_work",
    "queue_work",
    "call_rcu",
    "kthread_run",
    "container_of",
)
CODE = re.compile(
    rb'/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|^[ \t]*#(?:\\\n|[^\n])*',
    re.MULTILINE,
)
SYSCALL = re.compile(rb"^(?:COMPAT_)?SYSCALL_DEFINE\d\(", re.MULTILINE)


@dataclass
class Parsed:
    """What one parse found; ``calls`` by callee and line."""

    functions: int = 0
    broken: list[str] = field(default_factory=list)
    calls: Counter[tuple[str, int]] = field(default_factory=Counter)


@dataclass
class Measure:
    """Sums over all files."""

    macros: Sequence[Macro]
    total: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    where: dict[str, str] = field(default_factory=dict)
    watched: Counter[tuple[str, str]] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def timed(self, kind: str, work: Callable[[], T]) -> T:
        begin = time.process_time()
        result = work()
        self.spent[kind] += time.process_time() - begin
        return result

    def add(self, path: Path, name: str) -> None:
        text = path.read_bytes()
        table = kernel_macros.compile_table(self.macros)
        prepared = self.timed("prepass", lambda: kernel_macros.rewrite(text, table).text)
        raw_root = self.timed("parse raw", lambda: parse.parse(text))
        root = self.timed("parse prepared", lambda: parse.parse(prepared))
        raw, read = look(raw_root, text), look(root, prepared)
        got = self.timed("all", lambda: facts.extract_text(name, text, self.macros))
        seen = calls_of(got)
        self.total["files"] += 1
        self.total["bytes"] += len(text)
        self.total["functions, raw"] += raw.functions
        self.total["functions with errors, raw"] += len(raw.broken)
        self.total["functions"] += read.functions
        self.total["functions with errors"] += len(read.broken)
        self.total["calls, raw"] += raw.calls.total()
        self.total["calls"] += read.calls.total()
        self.total["calls in facts"] += seen.total()
        self.total["system call headers"] += len(SYSCALL.findall(text))
        self.total["system calls found"] += sum(one.entry == "syscall" for one in got.functions)
        self.broken.extend(f"{name}:{one}" for one in read.broken)
        for (callee, line), count in raw.calls.items():
            missing = count - max(read.calls[callee, line], seen[callee, line])
            if missing > 0:
                self.lost[callee] += missing
                self.where[callee] = f"{name}:{line}"
        code = CODE.sub(b" ", text)
        for watched in WATCHED:
            sites = len(re.findall(rb"\b%s\s*\(" % watched.encode(), code))
            self.watched[watched, "text"] += sites
            found = (count for (callee, _), count in seen.items() if callee == watched)
            self.watched[watched, "facts"] += sum(found)

    def tell(self, show: int, lost: int) -> None:
        for kind, count in self.total.items():
            print(f"{kind:32} {count}")
        for kind in (", raw", ""):
            part = self.total[f"functions with errors{kind}"]
            part /= max(1, self.total[f"functions{kind}"])
            print(f"{'part with errors' + kind:32} {part:.2%}")
        unit = max(1e-9, self.spent["parse raw"])
        self.spent["facts alone"] = self.spent["all"] - self.spent["prepass"]
        self.spent["facts alone"] -= self.spent["parse prepared"]
        for kind, seconds in self.spent.items():
            print(f"{kind:32} {seconds:.2f} s  {seconds / unit:.2f} x parse")
        for name in WATCHED:
            text, found = self.watched[name, "text"], self.watched[name, "facts"]
            print(f"{name:16} text {text:6} facts {found:6}")
        print("call sites found raw and not after rewriting:", self.lost.total())
        for name, count in self.lost.most_common(lost):
            print(f"  {count:5} {name}  {self.where[name]}")
        for line in self.broken[:show]:
            print(line)


def look(root: parse.Node, text: bytes) -> Parsed:
    """Give functions, those with errors and call sites of a parsed text."""
    found = parse.captures(root)
    result = Parsed(functions=len(found.get("function", ())))
    for node in found.get("function", ()):
        if node.has_error:
            head = text[node.start_byte : node.end_byte].split(b"{")[0].split(b"(")[0]
            result.broken.append(f"{node.start_point[0] + 1} {head.decode(errors='replace')}")
    for node in found.get("call", ()):
        function = node.child_by_field_name("function")
        if function is not None and function.type == "identifier":
            name = text[function.start_byte : function.end_byte].decode(errors="replace")
            result.calls[name, node.start_point[0] + 1] += 1
    return result


def calls_of(got: FileFacts) -> Counter[tuple[str, int]]:
    """Give call sites by callee and line, those of the file itself among them."""
    seen = Counter((call.callee, call.line) for one in got.functions for call in one.calls)
    seen.update((macro.name, macro.line) for macro in got.macros)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("folders", nargs="*", default=FOLDERS)
    parser.add_argument("--show", type=int, default=0, help="list so many functions with errors")
    parser.add_argument("--lost", type=int, default=25, help="list so many callees with lost sites")
    parser.add_argument("--ext", default="c")
    options = parser.parse_args()
    measure = Measure(load(cached=False).kernel.macros)
    for folder in options.folders:
        for path in sorted((options.tree / folder).rglob(f"*.{options.ext}")):
            measure.add(path, str(path.relative_to(options.tree)))
    measure.tell(options.show, options.lost)


if __name__ == "__main__":
    main()
