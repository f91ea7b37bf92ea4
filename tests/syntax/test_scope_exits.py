from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from c_reader import Reader

    from patchlint.model.facts import Call


def implicit(calls: tuple[Call, ...]) -> list[tuple[str, tuple[str, ...], int]]:
    return [(call.callee, call.args, call.line) for call in calls if call.implicit]


def test_a_freed_variable_is_released(reader: Reader) -> None:
    function = reader.body("\tstruct file *file __free(fput) = fget(1);\n\tg(file);")
    assert implicit(function.calls) == [("fput", ("file",), 3)]
    assert [call.callee for call in function.calls if not call.implicit] == ["fget", "g"]


def test_a_class_names_its_release(reader: Reader) -> None:
    function = reader.body("\tchar *name __free(putname) = getname(t);")
    assert implicit(function.calls) == [("putname", ("name",), 3)]


def test_a_class_constructs_and_releases(reader: Reader) -> None:
    function = reader.body("\tCLASS(fd, f)(number);\n\tg(f);")
    assert implicit(function.calls) == [("fdput", ("f",), 3)]
    constructed = next(call for call in function.calls if call.callee == "fdget")
    assert (constructed.args, constructed.assigned) == (("number",), "f")


def test_a_guard_releases_what_it_took(reader: Reader) -> None:
    function = reader.body("\tguard(mutex)(&t->lock);\n\tg();")
    assert implicit(function.calls) == [("mutex_unlock", ("&t->lock",), 3)]


def test_a_guarded_block_is_no_loop(reader: Reader) -> None:
    function = reader.body("\tscoped_guard(mutex, &t->lock) {\n\t\tg();\n\t}")
    assert implicit(function.calls) == [("mutex_unlock", ("&t->lock",), 3)]
    assert [call.in_loop for call in function.calls if call.callee == "g"] == [False]


def test_an_unknown_class_is_its_own_release(reader: Reader) -> None:
    function = reader.body("\tstruct odd *o __free(put_odd) = NULL;")
    assert implicit(function.calls) == [("put_odd", ("o",), 3)]


def test_the_branch_of_a_release_is_known(reader: Reader) -> None:
    function = reader.body("\tif (t) {\n\t\tstruct file *file __free(fput) = fget(1);\n\t}")
    (call,) = [one for one in function.calls if one.implicit]
    assert [(one.text, one.taken) for one in call.conditions] == [("t", True)]


@pytest.mark.parametrize("arguments", ["", "a", "a, b", "a, b, if (_T) fput(_T)", "a, b, c, d, e"])
@pytest.mark.parametrize("macro", ["DEFINE_FREE", "DEFINE_CLASS", "DEFINE_GUARD"])
def test_a_macro_of_that_name_may_have_any_arguments(
    reader: Reader, macro: str, arguments: str
) -> None:
    text = f"{macro}({arguments})\n\nstatic int f(void)\n{{\n\tg();\n}}\n"
    assert [call.callee for call in reader.function(text).calls] == ["g"]
