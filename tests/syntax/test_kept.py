"""Facts of whole files are read once as long as the file is among the latest."""

from __future__ import annotations

from patchlint.model.image import Image
from patchlint.ruleset.load import load
from patchlint.syntax import kept
from patchlint.syntax.facts import extract

MACROS = load().kernel.macros
LAMP = b"static void lamp_off(struct lamp *lamp)\n{\n\tiput(lamp->inode);\n}\n"
GLOW = LAMP.replace(b"off", b"glow")


def image(text, *, whole=True, known=((1, 5),)):
    return Image("fs/lamp.c", text, known, whole)


def counted(monkeypatch, kept_facts, images, macros=MACROS):
    """The facts of some images, and how many of them were read."""
    read = []

    def reader(one, table):
        read.append(one)
        return extract(one, table)

    monkeypatch.setattr(kept, "extract", reader)
    return [kept_facts.extract(one, macros) for one in images], len(read)


def test_the_same_text_is_read_once_and_another_is_not_taken_for_it(monkeypatch):
    found, read = counted(
        monkeypatch, kept.KeptFacts(), [image(LAMP), image(GLOW), image(LAMP), image(GLOW)]
    )
    assert read == 2
    assert found == [extract(image(text), MACROS) for text in (LAMP, GLOW, LAMP, GLOW)]


def test_parts_of_a_file_are_always_read(monkeypatch):
    part = image(LAMP, whole=False, known=((3, 3),))
    found, read = counted(monkeypatch, kept.KeptFacts(), [image(LAMP), part, part])
    assert read == 3
    assert found[1] == extract(part, MACROS) != found[0]


def test_the_oldest_make_room(monkeypatch):
    few = kept.KeptFacts(most=len(LAMP) + len(GLOW) - 1)
    _, read = counted(monkeypatch, few, [image(LAMP), image(GLOW), image(GLOW), image(LAMP)])
    assert read == 3


def test_other_macros_are_another_reading(monkeypatch):
    facts = kept.KeptFacts()
    _, read = counted(monkeypatch, facts, [image(LAMP)])
    _, again = counted(monkeypatch, facts, [image(LAMP)], macros=MACROS[:1])
    assert (read, again) == (1, 1)
