from __future__ import annotations

import json

import pytest
from series_kit import PATH, QUEUED, repository

from patchlint.cli.main import main


@pytest.fixture
def tree(tmp_path, alone):
    assert alone.is_dir()
    return str(repository(tmp_path / "tree", {PATH: QUEUED, "MAINTAINERS": "x\n"}))


def told(capsys, *arguments):
    assert main(["graph", *arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_contexts_of_a_function_as_json(tree, capsys):
    value = told(capsys, "lamp_close", "--tree", tree)
    assert (value["function"], value["path"], value["known"]) == ("lamp_close", PATH, True)
    (way,) = value["contexts"]
    assert (way["context"], way["entry"], way["kind"]) == ("task", "lamp_off", "syscall")
    assert way["chain"] == ["lamp_off", "lamp_close"]
    assert value["tree"]["branches"][0]["name"] == "lamp_off"


def test_effects_of_a_function_as_json(tree, capsys):
    value = told(capsys, "lamp_gone", "--tree", tree, "--down")
    (release,) = value["tree"]["branches"]
    assert release["name"] == "iput"
    assert "contexts" not in value


def test_callers_are_told_with_the_places_that_take_the_address(tree, capsys):
    value = told(capsys, "lamp_gone", "--tree", tree, "--callers")
    (use,) = value["tree"]["branches"]
    assert use["name"] == "lamp_close"
    assert use["note"].endswith("address taken: argument 2 of INIT_WORK()")
    assert main(["graph", "lamp_close", "--tree", tree, "--callers"]) == 0
    assert "└─ lamp_off  [fs/lamp.c:" in capsys.readouterr().out


def test_a_release_where_no_way_ends_is_told_as_such(tree, capsys):
    for ends, said in (("iput", PATH), ("nosuch", "no way ends at nosuch(); without --to")):
        value = told(capsys, "lamp_gone", "--tree", tree, "--down", "--to", ends)
        assert value["tree"]["note"].startswith(said)
        assert [one["name"] for one in value["tree"]["branches"]] == ["iput"] * (ends == "iput")


def test_the_table_that_holds_an_address_is_called_once_a_struct(tmp_path, alone, capsys):
    assert alone.is_dir()
    ops = (
        "static void lamp_put(struct super_block *sb)\n{\n}\n\n"
        "static const struct super_operations lamp_ops = {\n\t.put_super = lamp_put,\n};\n"
    )
    tree = str(repository(tmp_path / "ops", {PATH: ops, "MAINTAINERS": "x\n"}))
    (use,) = told(capsys, "lamp_put", "--tree", tree, "--callers")["tree"]["branches"]
    assert use["note"].endswith("taken: lamp_ops.put_super of struct super_operations")


def test_one_function_of_one_file_as_json(tree, capsys):
    value = told(capsys, f"{tree}/{PATH}", "--function", "lamp_close")
    assert value["function"] == "lamp_close"
    assert "by schedule_work()" in json.dumps(value["tree"])
