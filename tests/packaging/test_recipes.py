from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from series_kit import DIRECT, QUEUED, TIDY, environment, git, repository

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "recipes"
BIN = Path(sys.executable).parent
#: whoever copies the workflow pins actions as their tree does
TAGS = "rules:\n  unpinned-uses:\n    config:\n      policies:\n        '*': ref-pin\n"


def yaml(name):
    return YAML(typ="safe", pure=True).load(RECIPES / name)


def answer(*argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("github-workflow.yml", ["vendor.github-workflows"]),
        ("gitlab-ci.yml", ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    ],
)
def test_the_platforms_own_schema_takes_the_recipe(name, options):
    told = answer(BIN / "check-jsonschema", "--builtin-schema", *options, RECIPES / name)
    assert told == (0, "ok -- validation done\n")


def test_zizmor_finds_no_fault_in_the_workflow(tmp_path):
    config = tmp_path / "zizmor.yml"
    config.write_text(TAGS)
    status, said = answer(
        *(BIN / "zizmor", "--offline", "--no-progress", "--quiet", "--config", config),
        RECIPES / "github-workflow.yml",
    )
    assert status == 0, said


def test_hadolint_finds_no_fault_in_the_container_file():
    assert answer(BIN / "hadolint", RECIPES / "Containerfile") == (0, "")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from what the container file copies and from nothing else."""
    top = tmp_path_factory.mktemp("container")
    for line in (RECIPES / "Containerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, to = line.split()[1:]
            for source in sources:
                place = top / to.lstrip("/")
                if (ROOT / source).is_dir():
                    shutil.copytree(
                        ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__")
                    )
                else:
                    place.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / source, place)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", top / "wheels"],
        cwd=top / "src",
        check=True,
        capture_output=True,
    )
    (path,) = (top / "wheels").iterdir()
    return path


class Job:
    """A job in a clone of a small kernel, with the recipe's own commands.

    The wheel is installed for real; what it depends on is taken from where the tests run,
    so that no registry is asked.
    """

    def __init__(self, folder, wheel, *states):
        self.folder = repository(folder, *states)
        self.environ = {
            **environment(folder.parent),
            "PATH": os.environ["PATH"],
            "PATCHLINT": str(wheel),
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONPATH": sysconfig.get_path("purelib"),
        }

    def bash(self, script):
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


def github(tmp_path, wheel, *states):
    job = Job(tmp_path / "linux", wheel, *states)
    workflow = yaml("github-workflow.yml")["jobs"]["check"]
    said = tmp_path / "said"
    said.touch()
    event = {"${{ github.event.pull_request.commits }}": str(len(states) - 1)}
    given = {name: event.get(value, value) for name, value in workflow["env"].items()}
    given["PATCHLINT"] = str(wheel)
    job.environ |= {**given, "RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(said)}
    done = {step["name"]: job.bash(step["run"]) for step in workflow["steps"] if "run" in step}
    return job, done, said.read_text()


def test_the_github_job_annotates_and_writes_sarif(tmp_path, wheel):
    job, done, said = github(tmp_path, wheel, DIRECT, QUEUED)
    *before, last = done.values()
    assert [status for status, _, _ in before] == [0] * len(before), done
    assert last[0] == 1
    assert re.match(r"::(warning|error) file=\S+\.c,line=\d+", last[1])
    assert said == "depth=2\n"
    (run,) = json.loads((job.folder / "patchlint.sarif").read_text())["runs"]
    assert len(run["results"]) == 1
    head = git(job.folder, "rev-parse", "HEAD").strip()
    assert run["versionControlProvenance"][0]["revisionId"] == head


def test_a_pull_request_without_findings_passes(tmp_path, wheel):
    _, done, said = github(tmp_path, wheel, QUEUED, TIDY, QUEUED)
    assert [status for status, _, _ in done.values()] == [0] * len(done), done
    assert said == "depth=3\n"


def test_the_gitlab_job_writes_a_code_quality_report(tmp_path, wheel):
    job = Job(tmp_path / "linux", wheel, DIRECT, QUEUED)
    recipe = yaml("gitlab-ci.yml")["patchlint"]
    job.environ |= {
        "CI_BUILDS_DIR": str(tmp_path),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(job.folder, "rev-parse", "HEAD~1").strip(),
        "CI_COMMIT_SHA": git(job.folder, "rev-parse", "HEAD").strip(),
    }
    status, _, said = job.bash("\n".join([*recipe["before_script"], *recipe["script"]]))
    assert status == 1, said
    (report,) = recipe["artifacts"]["paths"]
    assert recipe["artifacts"]["reports"]["codequality"] == report
    (finding,) = json.loads((job.folder / report).read_text())
    assert finding["check_name"]


def test_what_the_container_installs_are_extras_that_exist():
    commands = (RECIPES / "Containerfile").read_text()
    assert shlex.split(commands.rpartition("ENTRYPOINT")[2]) == ["[patchlint]"]
    assert set(re.findall(r"\[(archive,http)\]", commands)) == {"archive,http"}
