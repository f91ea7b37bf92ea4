"""Times of the shapes of ``tests/growth`` at n, 2n and 4n, and the exponent of the last step.

python tests/bench/growth_bench.py [NUMBER]
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "growth"))

import shapes

from patchlint.run import Options, check


def seconds(text: str) -> float:
    begun = time.process_time()
    check(["-"], Options(no_tree=True, limit=60.0), text.encode())
    return time.process_time() - begun


def main() -> None:
    number = int(sys.argv[1]) if sys.argv[1:] else 40
    makers = [(name, make, number) for name, make in shapes.SERIES.items()]
    makers += [
        (f"run: {name}", shapes.run_in_code(run), number * 400) for name, run in shapes.RUNS.items()
    ]
    seconds(shapes.SERIES["functions"](1))
    for name, make, first in makers:
        took = [seconds(make(first * times)) for times in (1, 2, 4)]
        exponent = math.log2(took[2] / took[1]) if took[1] > 0 else 0.0
        print(f"{name:28} {first:6} {' '.join(f'{one:7.3f}' for one in took)} {exponent:5.2f}")


if __name__ == "__main__":
    main()
