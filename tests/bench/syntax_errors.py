"""How well the C grammar reads a kernel tree, raw and after rewriting macros.

    python tests/bench/syntax_errors.py TREE [FOLDER...]

Prints functions with parse errors, call sites found, system calls, and times.
"""

from __future__ import annotations

import argparse
import re
import time
import tomllib
from collections import Counter
from pathlib import Path

from patchlint.model.kernel import Macro, Source
from patchlint.syntax import facts, kernel_macros, parse

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
RULES = Path(__file__).parents[2] / "rules" / "kernel" / "macros.toml"
CODE = re.compile(
    rb'/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|^[ \t]*#(?:\\\n|[^\n])*', re.M
)
SYSCALL = re.compile(rb"^(?:COMPAT_)?SYSCALL_DEFINE\d\(", re.M)


def load() -> tuple[Macro, ...]:
    entries = tomllib.loads(RULES.read_text())["macro"]
    return tuple(
        Macro(
            entry.get("name") or entry["regex"],
            entry["action"],
            "regex" in entry,
            Source(entry["file"], entry["evidence"], entry.get("since"), entry.get("until")),
        )
        for entry in entries
    )


def measure(text: bytes) -> tuple[int, int, Counter[tuple[str, int]], float, list[str]]:
    """Functions, those with errors, call sites (callee, line), seconds, names with errors."""
    begin = time.process_time()
    root = parse.parse(text)
    spent = time.process_time() - begin
    found = parse.captures(root)
    functions = found.get("function", [])
    bad = [node for node in functions if node.has_error]
    calls: Counter[tuple[str, int]] = Counter()
    for node in found.get("call", ()):
        function = node.child_by_field_name("function")
        if function is not None and function.type == "identifier":
            name = text[function.start_byte : function.end_byte].decode()
            calls[name, node.start_point[0] + 1] += 1
    names = []
    for node in bad:
        head = text[node.start_byte : node.end_byte].split(b"{")[0]
        names.append(f"{node.start_point[0] + 1} {head.decode(errors='replace').split('(')[0]}")
    return len(functions), len(bad), calls, spent, names


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tree", type=Path)
    parser.add_argument("folders", nargs="*", default=FOLDERS)
    parser.add_argument("--show", type=int, default=0, help="list so many functions with errors")
    parser.add_argument("--lost", type=int, default=25, help="list so many callees with lost sites")
    parser.add_argument("--facts", action="store_true", help="time all facts as well")
    parser.add_argument("--ext", default="c")
    options = parser.parse_args()
    macros = load()
    table = kernel_macros.compile_table(macros)
    total: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    where: dict[str, str] = {}
    watched: Counter[tuple[str, str]] = Counter()
    shown: list[str] = []
    for folder in options.folders:
        for path in sorted((options.tree / folder).rglob(f"*.{options.ext}")):
            text = path.read_bytes()
            begin = time.process_time()
            prepared = kernel_macros.rewrite(text, table).text
            spent["prepass"] += time.process_time() - begin
            raw_functions, raw_bad, raw_calls, seconds, _ = measure(text)
            spent["parse raw"] += seconds
            functions, bad, calls, seconds, names = measure(prepared)
            spent["parse prepared"] += seconds
            total.update(
                {
                    "files": 1,
                    "bytes": len(text),
                    "raw functions": raw_functions,
                    "raw functions with errors": raw_bad,
                    "functions": functions,
                    "functions with errors": bad,
                    "raw calls": raw_calls.total(),
                    "calls": calls.total(),
                }
            )
            shown.extend(f"{path.relative_to(options.tree)}:{name}" for name in names)
            begin = time.process_time()
            got = facts.extract_text(str(path), text, macros)
            spent["facts with prepass and parse"] += time.process_time() - begin
            seen: Counter[tuple[str, int]] = Counter()
            for function in got.functions:
                seen.update((call.callee, call.line) for call in function.calls)
            seen.update((macro.name, macro.line) for macro in got.macros)
            total["calls in facts"] += seen.total()
            for (name, line), count in raw_calls.items():
                missing = count - max(calls[name, line], seen[name, line])
                if missing > 0:
                    lost[name] += missing
                    where[name] = f"{path.relative_to(options.tree)}:{line}"
            total["syscall headers"] += len(SYSCALL.findall(text))
            total["syscalls found"] += sum(one.entry == "syscall" for one in got.functions)
            code = CODE.sub(b" ", text)
            for name in WATCHED:
                sites = len(re.findall(rb"\b%s\s*\(" % name.encode(), code))
                watched[name, "text"] += sites
                watched[name, "facts"] += sum(
                    count for (callee, _), count in seen.items() if callee == name
                )
    for kind, count in total.items():
        print(f"{kind:32} {count}")
    for kind in ("raw functions", "functions"):
        part = total[f"{kind} with errors"] / max(1, total[kind])
        print(f"{kind + ' with errors':32} {part:.2%}")
    for kind, seconds in spent.items():
        print(
            f"{kind:32} {seconds:.2f} s  {seconds / max(1e-9, spent['parse prepared']):.2f} x parse"
        )
    for name in WATCHED:
        print(f"{name:16} text {watched[name, 'text']:6} facts {watched[name, 'facts']:6}")
    print("lost call sites:", lost.total())
    for name, count in lost.most_common(options.lost):
        print(f"  {count:5} {name}  {where[name]}")
    for line in shown[: options.show]:
        print(line)


if __name__ == "__main__":
    main()
