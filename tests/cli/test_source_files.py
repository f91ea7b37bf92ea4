"""Commands that read a C file say of what is none what it is, and end with 2."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from patchlint.cli.main import main

_C = b"void lamp_put(struct lamp *lamp)\n{\n\tmntput(lamp->mnt);\n}\n"
_MAIL = b"From: a@example.org\nSubject: [PATCH] lamp\n\n---\n lamp.c | 1 +\n"

_NONE = {
    "program": (Path(sys.executable).read_bytes()[:9000], "binary data (an ELF file), no C source"),
    "zeros": (bytes(200_000), "binary data, no C source"),
    "packed": (gzip.compress(_C), "binary data (compressed with gzip), no C source"),
    "bundle": (
        b"# v2 git bundle\n" + b"1" * 40 + b" HEAD\n\nPACK\0",
        "(a git bundle), no C source",
    ),
    "mail": (_MAIL, "a mail or a patch, no C source (patchlint check input)"),
    "prose": (b"# Lamps\n\nLamps (all of them) `shine`: that's it.\n", "no C source: the parser"),
    "python": (b"def put(lamp):\n    return lamp.put(1) or [x for x in y]\n", "no C source"),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("case", _NONE)
@pytest.mark.parametrize("command", [["facts"], ["graph", "--function", "lamp_put"]])
def test_what_is_no_c_is_said(place, capsys, case, command):
    data, why = _NONE[case]
    (place / "input").write_bytes(data)
    assert main([command[0], "input", *command[1:]]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("patchlint: input: ")
    assert why in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["lamp.c", "lamp.h", "lamp", "lamp.c.orig"])
def test_c_is_read_under_any_name(place, capsys, name):
    (place / name).write_bytes(_C)
    assert main(["facts", name]) == 0
    assert "lamp_put" in capsys.readouterr().out
    assert main(["graph", name, "--function", "lamp_put"]) == 0
    assert "mntput" in capsys.readouterr().out


def test_a_header_that_the_parser_cannot_read_is_c_by_its_name(place, capsys):
    (place / "trace.h").write_bytes(b"TRACE(lamp,\n\tTP_PROTO(int a) TP_ARGS(a)\n\t@)\n")
    assert main(["facts", "trace.h"]) == 0
    assert capsys.readouterr().err == ""


def test_standard_input_is_held_to_the_same(capsys, monkeypatch):
    for data, status in ((_C, 0), (b"PACK\0\0\0\2", 2)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert main(["facts", "-"]) == status
    assert "patchlint: -: binary data (a git pack), no C source" in capsys.readouterr().err


def test_an_endless_device_is_no_c(capsys):
    assert main(["facts", "/dev/zero"]) == 2
    assert "/dev/zero: binary data" in capsys.readouterr().err


def test_a_file_is_no_rule(place, capsys):
    (place / "lamp.c").write_bytes(_C)
    assert main(["explain", "lamp.c"]) == 2
    assert "lamp.c is a file, no rule and no function" in capsys.readouterr().err
    (place / "mntput").write_bytes(b"")
    assert main(["explain", "mntput"]) == 0


def test_nothing_is_no_part_of_a_rules_name(capsys):
    assert main(["explain", ""]) == 2
    assert "nothing is known of ''" in capsys.readouterr().err


def test_a_path_that_the_tree_has_not_is_said(place, capsys):
    (place / "fs").mkdir()
    (place / "fs" / "lamp.c").write_bytes(_C)
    asked = ["graph", "lamp_put", "--tree", str(place), "--path"]
    assert main([*asked, "fs/lamp.c"]) == 0
    for name in ("fs/other.c", "../lamp.c"):
        assert main([*asked, name]) == 2
        assert f"{name}: no such file in" in capsys.readouterr().err
