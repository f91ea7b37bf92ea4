from __future__ import annotations

import json

import pytest

from patchlint.integrations import repository


@pytest.mark.parametrize(
    ("remote", "told"),
    [
        ("https://git.example.org/linux.git", "https://git.example.org/linux.git"),
        ("https://job:s3cret@git.example.org:8443/l?x=1#y", "https://git.example.org:8443/l"),
        ("ssh://git@git.example.org/pub/l.git", "ssh://git.example.org/pub/l.git"),
        ("git@git.example.org:me/l.git", "ssh://git.example.org/me/l.git"),
        ("git://[2001:db8::1]/l", "git://[2001:db8::1]/l"),
        ("https://git.example.org/a b", "https://git.example.org/a%20b"),
        ("file:///srv/l", "file:///srv/l"),
        ("/srv/l", ""),
        ("../l", ""),
        ("https://git.example.org:no/l", ""),
        ("ext::sh -c x", ""),
        ("", ""),
    ],
)
def test_a_remote_as_others_may_read_it(remote, told):
    assert repository.public(remote) == told


def test_the_repository_is_that_of_its_remote_else_itself(repo):
    here = str(repo.repo)
    assert repository.uri(here) == f"file://{here}"
    repo.git("remote", "add", "upstream", "https://u:p@git.example.org/up")
    assert repository.uri(f"{here}/fs") == "https://git.example.org/up"
    repo.git("remote", "add", "other", "https://git.example.org/other")
    assert repository.uri(here) == f"file://{here}"
    repo.git("remote", "add", "origin", "git@git.example.org:me/linux")
    assert repository.uri(here) == "ssh://git.example.org/me/linux"


def test_where_there_is_no_repository_nothing_is_told(tmp_path):
    assert repository.uri(str(tmp_path)) == ""


def test_a_check_of_a_range_says_what_was_checked(repo):
    repo.git("remote", "add", "origin", "https://job:s3cret@git.example.org/linux")
    text, _ = repo.patchlint("check", "--tree", ".", "--format", "sarif", "master..topic", status=1)
    (run,) = json.loads(text)["runs"]
    assert run["versionControlProvenance"] == [
        {
            "repositoryUri": "https://git.example.org/linux",
            "revisionId": repo.git("rev-parse", "topic").strip(),
            "mappedTo": {"uriBaseId": "SRCROOT"},
        }
    ]
    assert "s3cret" not in text
