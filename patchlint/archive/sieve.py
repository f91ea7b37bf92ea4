"""Which mails can matter, told from their bytes before any of them is decoded.

It errs on one side only: a mail may pass that holds nothing, none is dropped that would
have mattered.  A mail whose encoding can hide a word (quoted-printable, base64, a charset
of wide characters) is undone with the mail stage's own functions, and only such a mail.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

from patchlint.mail import mime
from patchlint.mail import subject as subjects

#: what every hunk has, in whatever diff format patches come in; an expression, as its search
#: takes half the time of ``bytes.find``
_HUNK: Final = re.compile(rb"@@ -")
#: how a line with it starts: also in flowed text, and in a clear-signed message
_STARTS: Final = (b"\n", b"\n ", b"\n- ")
_LONGEST_START: Final = 3
_QUOTED: Final = b"quoted-printable"
_BASE64: Final = b"base64"
#: more of these than one text ends with: several texts in one
_PADDING: Final = 2
_HIDING: Final = (_QUOTED, _BASE64, b"utf-16", b"utf-32", b"utf-7", b"utf16", b"utf7")
#: soft breaks that may stand inside a word
_JOINING: Final = b"delsp"
_MULTIPART: Final = (b"multipart/", b"message/")
_TYPE: Final = re.compile(rb"\ncontent-type:[ \t]*([^\s;/]*/?[^\s;]*)")
_PLAIN_PARTS: Final = frozenset(
    (
        *(b"multipart/" + kind for kind in (b"mixed", b"alternative", b"signed", b"related")),
        *(b"text/" + kind for kind in (b"plain", b"html", b"x-patch", b"x-diff", b"x-csrc")),
        b"application/pgp-signature",
    )
)
_HTML: Final = b"text/html"
#: a part with the name of what is packed
_NAMED: Final = re.compile(rb"name=[^\n;]*\.(?:gz|xz|bz2|zst|zip|tgz|tar|7z|asc|gpg)\b")
#: a mail of several parts that is longer than this may have more than are read
_LONGEST_LIST: Final = 1 << 18


def unwrap(data: bytes, kind: bytes) -> bytes:
    """Return the text of a mail that has an encoding which hides words, else its bytes.

    ``kind`` is its type and transfer encoding in lower case, as the headers have them.
    """
    if any(word in kind for word in _MULTIPART):
        low = data.lower()
        if not any(word in low for word in _HIDING):
            return data
    else:
        hidden = [word for word in _HIDING if word in kind]
        if not hidden:
            return data
        plain = _undone(data, hidden[0]) if len(hidden) == 1 else None
        if plain is not None:
            return plain
    lines = data.replace(b"\r\n", b"\n").lstrip(b"\n")
    parts = mime.leaves(*mime.split_headers(lines), [])
    texts = (part.text.encode("utf-8", "replace") for part in parts)
    return b"\n".join((b"", *texts))


def _undone(data: bytes, encoding: bytes) -> bytes | None:
    """The body of a mail of one part, None where it is not certain to be all of it."""
    start = re.search(rb"\n\r?\n", data)
    if start is None:
        return None
    body = data[start.end() :]
    if encoding == _QUOTED:
        return b"\n" + binascii.a2b_qp(body)
    if encoding == _BASE64 and body.count(b"=") <= _PADDING:
        try:
            return b"\n" + binascii.a2b_base64(body)
        except binascii.Error:
            return None
    return None


def joins_words(data: bytes, kind: bytes) -> bool:
    """Whether reading the mail may join halves of a word: no word filter holds then."""
    if _JOINING in kind:
        return True
    return any(word in kind for word in _MULTIPART) and _JOINING in data.lower()


def one_text(data: bytes, kind: bytes) -> bool:
    """Whether a mail has no part that may hold a diff which is not read: texts alone."""
    if not any(word in kind for word in _MULTIPART):
        return True
    low = data.lower()
    return (
        len(low) <= _LONGEST_LIST
        and _PLAIN_PARTS.issuperset(_TYPE.findall(low))
        and _NAMED.search(low) is None
        # of a diff in HTML, which may have none of the lines of one, the files are compared
        and (_HTML not in low or low.find(b"@@ -", low.index(_HTML)) < 0)
    )


def has_hunk(text: bytes) -> bool:
    """Whether unwrapped bytes hold a hunk that is not quoted."""
    for found in _HUNK.finditer(text):
        at = found.start()
        if text[max(at - _LONGEST_START, 0) : at].endswith(_STARTS):
            return True
    return False


def series_subject(subject: str) -> subjects.Subject | None:
    """What the subject of a patch or cover letter says, None for any other mail."""
    if "[" not in subject or subject.startswith(("Re:", "RE:", "re:")):
        return None
    spoken = subjects.parse(subject)
    if spoken.is_reply or not (spoken.is_patch or spoken.number is not None):
        return None
    return spoken
