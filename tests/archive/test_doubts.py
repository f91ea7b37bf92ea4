"""What a check would report, or refuse, a scan reports or refuses as well."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import tarfile
import zipfile

import archive_kit as kit
import pytest
from series_kit import DIRECT, PATH, QUEUED, diff, mail, mails, mbox

from patchlint.archive.engine import Settings
from patchlint.archive.store import Store
from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")
BAD = diff({PATH: DIRECT}, {PATH: QUEUED})
QUIET = diff({"lib/a.c": "int a;\n"}, {"lib/a.c": "int b;\n"})
BYTES = (
    "diff --git a/fs/a.c b/fs/a.c\nindex 1111111..2222222 100644\nGIT binary patch\n"
    "delta 3\nKcmZ\n\ndelta 3\nKcmZ\n\n"
)


def coloured(text: str) -> str:
    """A patch as ``git format-patch --color=always`` writes it."""
    text = re.sub(r"(?m)^(diff|index|--- a|\+\+\+ b)(.*)$", "\x1b[1m\\1\\2\x1b[m", text)
    text = re.sub(r"(?m)^(@@ .* @@)(.*)$", "\x1b[36m\\1\x1b[m\\2", text)
    text = re.sub(r"(?m)^\+(\t*)(?!\+\+)(.*)$", "\x1b[32m+\x1b[m\\1\x1b[32m\\2\x1b[m", text)
    return re.sub(r"(?m)^-(?!-)(.*)$", "\x1b[31m-\\1\x1b[m", text)


def with_part(part: str) -> str:
    """A quiet patch with another part in its mail."""
    head, _, body = mail(QUIET).partition("\n\n")
    kind = 'Content-Type: multipart/mixed; boundary="XX"'
    return f"{head}\n{kind}\n\n--XX\nContent-Type: text/plain\n\n{body}\n--XX\n{part}\n--XX--\n"


def scanned(tmp_path, text: str) -> dict[str, list[str]]:
    path, store = tmp_path / "x.mbox", tmp_path / "scan.db"
    path.write_text(text)
    kit.run([path], store, Settings())
    with Store(str(store), write=False) as opened:
        return {
            table: sorted({row["message"] for row in opened.rows(f"SELECT message FROM {table}")})  # noqa: S608
            for table in ("findings", "limitations", "errors")
        }


def checked(text: str) -> dict[str, list[str]]:
    report = check(["-"], Options(no_tree=True), text.encode())
    return {
        "findings": sorted({one.message for one in report.findings}),
        "limitations": sorted({one.message for one in report.limitations}),
        "errors": sorted({one.message for one in report.errors}),
    }


@pytest.mark.parametrize(
    "text",
    [
        mbox([coloured(mail(BAD))]),
        mbox([coloured(one) for one in mails(DIRECT, QUEUED)]),
        mbox([mail(BYTES)]),
        mbox([mail(QUIET + BYTES)]),
        mbox([mail(QUIET.partition("@@")[0])]),
        mbox([mail(QUIET + "@@ ... @@\n-a\n+b\n")]),
        mbox([mail(QUIET.replace("+int b;\n", ""))]),
        mbox([mail("No diff at all.\n")]),
        mbox([with_part("Content-Type: application/octet-stream; name=y.patch.zst\n\nx")]),
        mbox([mail(QUIET + "\nbegin 644 y.zip\n#4$L#\n`\nend\n")]),
    ],
    ids=[
        *("colours", "coloured series", "bytes", "bytes beside", "cut", "no lines", "short"),
        *("none", "packed", "uuencoded"),
    ],
)
def test_a_scan_says_what_a_check_says(tmp_path, text):
    said = checked(text)
    assert any(said.values())
    assert scanned(tmp_path, text) == said


def test_a_whole_patch_without_a_word_is_not_looked_at(tmp_path):
    assert not any(scanned(tmp_path, mbox([mail(QUIET)])).values())
    with Store(str(tmp_path / "scan.db"), write=False) as opened:
        assert opened.value("SELECT count(*) FROM threads WHERE checked IS NOT NULL") == 0


OTHER = diff({"fs/other.c": DIRECT}, {"fs/other.c": QUEUED})


def named(text: str, number: int = 1) -> str:
    return text.replace("<lamp-v1-1@", "<same@").replace("lamp: part 1", f"lamp: mail {number}")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("places", [1, 2])
@pytest.mark.parametrize(("second", "found"), [(QUIET, 1), (OTHER, 2), (BAD, 1)])
def test_several_mails_of_one_id_are_all_read(tmp_path, second, found, places, *, turned):
    texts = [named(mail(BAD)), named(mail(second))]
    texts = texts[::-1] if turned else texts
    paths = [tmp_path / f"{number}.mbox" for number in range(places)]
    for path, some in zip(paths, [texts] if places == 1 else [texts[:1], texts[1:]], strict=True):
        path.write_text(mbox(some))
    for _ in (1, 2):
        kit.run(paths, tmp_path / "scan.db", Settings())
        with Store(str(tmp_path / "scan.db"), write=False) as opened:
            rows = list(opened.rows("SELECT message_id, path FROM findings"))
        assert {row["message_id"] for row in rows} == {"same@example.org"}
        assert len(rows) == found


def tarred(text: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        one = tarfile.TarInfo("x.mbox")
        one.size = len(text.encode())
        archive.addfile(one, io.BytesIO(text.encode()))
    return made.getvalue()


def zipped(text: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("x.mbox", text)
    return made.getvalue()


@pytest.mark.parametrize("pack", [lambda text: bz2.compress(text.encode()), tarred, zipped])
def test_what_a_check_unpacks_a_scan_unpacks(tmp_path, pack):
    path = tmp_path / "x"
    path.write_bytes(pack(mbox(mails(DIRECT, QUEUED))))
    done = kit.run([path], tmp_path / "scan.db", Settings())
    assert (done.mails, done.findings, done.unread) == (1, 1, ())


def test_what_stands_before_the_cut_of_a_packed_mbox_is_kept(tmp_path):
    noise = "".join(f"{number * number}\n" for number in range(9000))
    path = tmp_path / "x.mbox.gz"
    packed = gzip.compress(mbox([*mails(DIRECT, QUEUED), mail(noise, 1, 1, version=2)]).encode())
    path.write_bytes(packed[: len(packed) // 2])
    for _ in (1, 2):
        done = kit.run([path], tmp_path / "scan.db", Settings())
        assert done.findings == 1
        (one,) = done.unread
        assert "cannot be read" in one.message
