from __future__ import annotations

import pytest
from hypothesis import settings

# how fast a machine is says nothing about a law
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_terminal_summary(terminalreporter):
    """Say whether kernels were booted or their recorded traces replayed."""
    import os
    from pathlib import Path

    if os.environ.get("PATCHLINT_BOOT"):
        said = "booted"
    else:
        recorded = sorted((Path(__file__).parent / "kernel" / "recorded").glob("*.trace.gz"))
        names = ", ".join(one.name.removesuffix(".trace.gz") for one in recorded)
        said = f"recorded traces of {names} replayed (PATCHLINT_BOOT=1 boots)"
    terminalreporter.write_line(f"running kernels: {said}")


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache for all tests, so that the rules are read once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def alone(tmp_path_factory, shared_cache, monkeypatch):
    """No configuration, cache or repository of the user's is seen or written."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared_cache))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(home.parent))
    monkeypatch.chdir(home)
    return home
