from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.integrations import accept, config, git_files


@pytest.fixture
def user_file(kit):
    path = kit.home / ".config/patchlint/config.toml"
    path.parent.mkdir(parents=True)
    kit.repo.mkdir()
    kit.git("init", "-q", ".")
    kit.monkeypatch.chdir(kit.repo)
    return path


def origin(name):
    return config.load_settings().of(name).origin


def test_defaults_hold_where_nothing_is_set(kit):
    settings = config.load_settings(cwd=str(kit.root))
    assert settings.fail_on == "warning"
    assert settings.tree is None
    assert settings.of("fail-on").origin == "default"


@pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME"])
def test_a_home_that_is_no_folder_holds_no_settings(kit, variable):
    """Services are run so, and a user's file cannot be there."""
    (kit.root / "file").write_text("")
    kit.monkeypatch.setenv(variable, str(kit.root / "file"))
    if variable == "HOME":
        kit.monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert config.load_settings(cwd=str(kit.root)).fail_on == "warning"


def test_nearest_wins(kit, user_file):
    assert origin("fail-on") == "default"
    kit.git("config", "--global", "patchlint.failOn", "note")
    assert origin("fail-on").startswith("git (global)")
    user_file.write_text('fail-on = "error"\n')
    assert origin("fail-on") == str(user_file)
    kit.git("config", "patchlint.fail-on", "never")
    assert origin("fail-on").startswith("git (local)")
    kit.monkeypatch.setenv("PATCHLINT_FAIL_ON", "note")
    assert origin("fail-on") == "environment PATCHLINT_FAIL_ON"
    settings = config.load_settings({"fail-on": ["error"]})
    assert (settings.fail_on, settings.of("fail-on").origin) == ("error", "command line")


def test_both_tables_of_the_users_file_count(user_file):
    user_file.write_text('fail-on = "error"\n[tool.patchlint]\nrules = ["~/r", "/s"]\n')
    settings = config.load_settings()
    assert settings.fail_on == "error"
    assert [rule[-2:] for rule in settings.all("rules")] == ["/r", "/s"]
    assert not settings.all("rules")[0].startswith("~")


def test_a_list_of_a_nearer_place_replaces_a_farther_one(kit, user_file):
    user_file.write_text('not-rule = ["a", "b"]\n')
    kit.git("config", "--add", "patchlint.notRule", "c")
    kit.git("config", "--add", "patchlint.notRule", "d")
    assert config.load_settings().all("not-rule") == ("c", "d")


def test_acceptances_add_up_and_need_a_reason(kit, user_file):
    user_file.write_text(
        '[[accept]]\nfingerprint = "aaaaaaaa11"\nreason = "known"\n'
        '[[accept]]\nfingerprint = "bbbbbbbb22"\n'
    )
    kit.git("config", "--global", "--add", "patchlint.accept", "cccccccc33 also known")
    settings = config.load_settings()
    accepted = [(one.fingerprint, one.reason) for one in settings.accepted]
    assert accepted == [("cccccccc33", "also known"), ("aaaaaaaa11", "known")]
    assert any("gives no reason" in problem for problem in settings.problems)


def test_a_name_nobody_knows_is_told_and_ignored(kit, user_file):
    user_file.write_text("colour = 1\n")
    kit.git("config", "patchlint.failon2", "x")
    kit.monkeypatch.setenv("PATCHLINT_NOISE", "1")
    problems = config.load_settings().problems
    assert [problem.split(": ")[-1].split()[0] for problem in problems] == [
        "colour",
        "failon2",
        "NOISE",
    ] or len(problems) == 3


@pytest.mark.parametrize(
    "text",
    [
        'fail-on = "loud"',
        "fail-on = [1]",
        "jobs = true",
        "watch-settle = -1",
        "= broken",
        "tool = 1",
    ],
)
def test_a_value_that_cannot_hold_is_an_error_that_names_the_file(user_file, text):
    user_file.write_text(text)
    if text == "tool = 1":
        assert config.load_settings().fail_on == "warning"
        return
    with pytest.raises(config.ConfigError, match=r"config\.toml"):
        config.load_settings()


def test_a_tracked_file_configures_nothing(kit, user_file):
    text = '[tool.patchlint]\nfail-on = "never"\n'
    for name in ("patchlint.toml", ".patchlint.toml", "pyproject.toml", ".gitconfig"):
        (kit.repo / name).write_text(text)
    assert not user_file.exists()
    assert config.load_settings().fail_on == "warning"


def test_a_missing_home_or_git_is_no_error(kit):
    settings = config.load_settings(cwd=str(kit.root), environ={"HOME": "/nowhere"})
    assert settings.fail_on == "warning"


# --- the command


def test_config_shows_values_and_where_they_come_from(kit, user_file):
    user_file.write_text("jobs = 4\n")
    out, _ = kit.patchlint("config")
    assert any(
        line.split()[:2] == ["jobs", "4"] and line.endswith(str(user_file))
        for line in out.splitlines()
    )
    shown = json.loads(kit.patchlint("config", "--format", "json")[0])
    assert shown["settings"]["jobs"] == {"value": "4", "origin": str(user_file)}
    assert shown["settings"]["rules"] == {"value": [], "origin": "default"}


def test_accepting_and_taking_back(kit, user_file):
    del user_file
    kit.patchlint("config", "accept", "deadbeef01", "--reason", "the caller\nwaits")
    [one] = config.load_settings().accepted
    assert (one.fingerprint, one.reason) == ("deadbeef01", "the caller waits")
    assert "git (local)" in one.origin
    kit.patchlint("config", "accept", "deadbeef01", "--remove")
    assert config.load_settings().accepted == ()
    kit.patchlint("config", "accept", "deadbeef01", "--remove", status=2)


def test_accepting_outside_of_a_repository_is_for_all(kit):
    kit.patchlint("config", "accept", "deadbeef01", "--reason", "fine", cwd=kit.root)
    [one] = config.load_settings(cwd=str(kit.root)).accepted
    assert "git (global)" in one.origin


@pytest.mark.parametrize(
    "arguments",
    [
        ["deadbeef01", "--reason", " "],
        *(
            ["--reason", "x", "--", one]
            for one in ("dead", "a b", "--output=F", "deadbeefs", "é" * 9)
        ),
        ["deadbeef" * 3, "--reason", "x"],
        ["x"],
    ],
)
def test_accepting_needs_a_fingerprint_and_a_reason(kit, arguments):
    kit.patchlint("config", "accept", *arguments, cwd=kit.root, status=2)
    assert config.load_settings(cwd=str(kit.root)).accepted == ()


def test_what_was_stored_before_can_be_taken_back(kit, user_file):
    del user_file
    kit.git("config", "--add", accept.KEY, "--output=F fine")
    kit.patchlint("config", "accept", "--remove", "--", "--output=F")
    assert config.load_settings().accepted == ()


def test_a_broken_file_is_exit_status_2(kit, user_file):
    user_file.write_text("[")
    _, err = kit.patchlint("config", status=2)
    assert "config.toml" in err


# --- matching a fingerprint


@given(st.text("0123456789abcdef", min_size=accept.SHORTEST, max_size=40), st.integers(0, 40))
def test_a_prefix_accepts_only_when_it_is_long_enough(fingerprint, length):
    one = config.Acceptance(fingerprint[:length], "reason", "here")
    taken = accept.acceptance(fingerprint, [one]) is one
    assert taken == (len(one.fingerprint) >= accept.SHORTEST)


# --- git is started only when it may have something to say


def _in_a_sub_folder(kit):
    kit.git("config", "patchlint.failOn", "note")
    folder = kit.repo / "fs" / "burrow"
    folder.mkdir(parents=True)
    return folder


def _in_a_bare_repository(kit):
    bare = kit.root / "bare.git"
    kit.git("init", "-q", "--bare", str(bare))
    kit.git("--git-dir", str(bare), "config", "PatchLint.failOn", "note")
    return bare / "refs"


def _in_a_linked_work_tree(kit):
    kit.git("config", "user.email", "ada@example.org")
    kit.git("config", "user.name", "Ada")
    kit.git("commit", "-q", "--allow-empty", "-m", "first")
    kit.git("config", "patchlint.failOn", "note")
    kit.git("worktree", "add", "-q", "--detach", str(kit.root / "linked"))
    return kit.root / "linked"


def _of_the_work_tree_alone(kit):
    kit.git("config", "extensions.worktreeConfig", "true")
    kit.git("config", "--worktree", "patchlint.failOn", "note")
    return kit.repo


def _in_an_included_file(kit):
    (kit.root / "more").write_text("[patchlint]\n\tfailOn = note\n")
    kit.git("config", "--global", "Include.path", str(kit.root / "more"))
    return kit.root


def _by_the_environment(kit):
    kit.monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    kit.monkeypatch.setenv("GIT_CONFIG_KEY_0", "patchlint.failOn")
    kit.monkeypatch.setenv("GIT_CONFIG_VALUE_0", "note")
    return kit.root


def _of_a_repository_that_is_named(kit):
    kit.git("config", "patchlint.failOn", "note")
    kit.monkeypatch.setenv("GIT_DIR", str(kit.repo / ".git"))
    return kit.root


@pytest.mark.parametrize(
    "place",
    [
        _in_a_sub_folder,
        _in_a_bare_repository,
        _in_a_linked_work_tree,
        _of_the_work_tree_alone,
        _in_an_included_file,
        _by_the_environment,
        _of_a_repository_that_is_named,
    ],
    ids=lambda place: place.__name__.strip("_"),
)
@pytest.mark.usefixtures("user_file")
def test_what_git_is_told_is_seen_wherever_one_stands(kit, place):
    folder = place(kit)
    assert config.load_settings(cwd=str(folder)).fail_on == "note"
    kit.monkeypatch.chdir(folder)
    assert config.load_settings().fail_on == "note"


@pytest.mark.usefixtures("user_file")
def test_where_no_file_speaks_of_patchlint_git_is_not_started(kit):
    kit.git("config", "core.editor", "ed")
    kit.monkeypatch.setenv("PATH", str(kit.root))
    assert not git_files.may_speak(str(kit.repo))
    assert config.load_settings().fail_on == "warning"
