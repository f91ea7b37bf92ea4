from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from c_reader import Reader

from patchlint.ruleset.load import load

if TYPE_CHECKING:
    from patchlint.model.kernel import Macro


@pytest.fixture(scope="session")
def macros() -> tuple[Macro, ...]:
    return load(cached=False).kernel.macros


@pytest.fixture(scope="session")
def reader(macros: tuple[Macro, ...]) -> Reader:
    return Reader(macros)
