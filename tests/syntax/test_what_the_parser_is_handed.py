"""The parser goes back for text to find an end; how much it is handed is counted and bounded."""

from __future__ import annotations

import pytest
import tree_sitter

from patchlint.syntax import parse
from patchlint.syntax.facts import extract_text


@pytest.fixture
def handed(monkeypatch):
    counted = []

    class Counting:
        def __init__(self, language):
            self.parser = tree_sitter.Parser(language)

        def parse(self, read, **named):
            def reading(offset, point):
                chunk = read(offset, point)
                counted.append(len(chunk))
                return chunk

            return self.parser.parse(reading, **named)

    monkeypatch.setattr(parse, "Parser", Counting)
    return counted


@pytest.mark.parametrize("line", ["#if /*", "#define X /*", '" /*', "/*", "x /* y"])
def test_comments_without_an_end_do_not_hand_out_a_text_for_each(handed, line):
    text = b"static int f(struct thing *x)\n{\n" + (line.encode() + b"\n") * 6000 + b"}\n"
    parse.parse(text)
    assert sum(handed) <= 17 * max(len(text), 1 << 16)


def test_what_the_parser_gave_up_on_is_said(handed):
    text = b"static int f(struct thing *x)\n{\n" + b"#if /*\n" * 6000 + b"}\n"
    facts = extract_text("fs/x.c", text, ())
    assert facts.unread
    assert handed


def test_code_is_handed_out_hardly_more_than_once(handed):
    text = b"static int f_%d(struct thing *x)\n{\n\tg(x); /* done */\n}\n"
    whole = b"".join(text % at for at in range(9000))
    root = parse.parse(whole)
    assert root is not None
    assert not root.has_error
    assert sum(handed) < 2 * len(whole)


def test_code_with_many_updates_is_read_to_its_end(handed):
    """What a node says is taken from the text at hand: the parser would be asked for it anew."""
    body = b"\tx->left--;\n\tx->count++;\n" * 900
    facts = extract_text("fs/x.c", b"static int f(struct thing *x)\n{\n" + body + b"}\n", ())
    (function,) = facts.functions
    assert [store.op for store in function.stores] == ["--", "++"] * 900
    assert sum(handed) < 3 * len(body)


def test_who_asks_a_node_for_its_text_gets_it():
    root = parse.parse(b"int x;\n" * 10)
    assert root is not None
    assert {bytes(root.text or b"") for _ in range(400)} == {b"int x;\n" * 10}
