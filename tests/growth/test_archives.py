"""What an archive costs grows as the archive does: counted at n, 2n and 4n mails, never timed."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "archive"))

import archive_kit as kit
from counting_kit import lines_of

from patchlint.archive import outcomes, sources
from patchlint.archive.engine import load
from patchlint.archive.progress import Quiet
from patchlint.archive.store import Store

pytestmark = pytest.mark.usefixtures("alone")

#: n log n, with room for what is not even
_LINEAR = 1.35


def answered(number: int) -> list[kit.Post]:
    """Patches with a finding each, and an answer to each of them."""
    posts = []
    for one in range(number):
        post = kit.patch(1, 1, f"set{one}", kit.BAD, day=one)
        name = post.message_id
        text = "> +\tqueue_work(widget_wq, &w->work);\n\nWho waits for that?\n"
        answer = kit.Post(f"re-{name}", f"Re: {post.subject}", text, name, (name,), when=post.when)
        posts += [post, answer]
    return posts


def plain(path: Path, number: int) -> Path:
    return kit.mbox(path / "x.mbox", answered(number))


def packed(path: Path, number: int) -> Path:
    whole = plain(path, number)
    (path / "x.mbox.gz").write_bytes(gzip.compress(whole.read_bytes()))
    return path / "x.mbox.gz"


@pytest.mark.parametrize("form", [plain, packed])
def test_outcomes_of_an_mbox_cost_as_much_as_it_has_mails(tmp_path: Path, form: Any) -> None:
    def cost(number: int) -> int:
        place = tmp_path / f"{number}"
        place.mkdir()
        kit.run([form(place, number)], place / "x.db")
        with Store(str(place / "x.db")) as store, sources.Shelf() as shelf:
            engine = load(kit.settings())
            outcomes.mine(store, shelf, engine, Quiet())  # what is loaded once
            with sources.Shelf() as fresh:
                return lines_of(lambda: outcomes.mine(store, fresh, engine, Quiet()))

    one, two, four = map(cost, (10, 20, 40))
    assert (four - two) / (two - one) / 2 < _LINEAR
