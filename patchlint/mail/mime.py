"""MIME taken apart by hand: headers, transfer encodings, charsets, parts.

The standard library's ``email`` package would do, but its import alone costs a git hook
more than reading a mail does here, and it says nothing about a body that was cut short.
Nothing in this module raises for any bytes.
"""

from __future__ import annotations

import binascii
import re

from msgspec import Struct
from msgspec.structs import replace

from patchlint.mail import bounded
from patchlint.model import contents
from patchlint.model.pattern import lazy

_HEADER = lazy(rb"^([!-9;-~]+):[ \t]*(.*)$", re.DOTALL)
#: Well-formed headers up to a line that is empty, and one of them with its folded lines.
_BLOCK = re.compile(rb"((?:[!-9;-~]+:[^\n]*\n(?:[ \t]+\S[^\n]*\n)*)+)\n")
_FIELD = re.compile(rb"([!-9;-~]+):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)\n")
_FROM_LINE = lazy(rb"^>?From ")
_PARAMETER = re.compile(
    r';\s*([\w!#$%&+.^`|~-]+)(\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))', re.DOTALL
)
_ENCODED_WORD = lazy(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = lazy(r"(\?=)\s+(?==\?[^?\s]+\?[bBqQ]\?)")
_WHITE = re.compile(r"\s+")

_PATCH_NAME = lazy(r"\.(?:patch|diff)(?:\.\w+)?\Z", re.IGNORECASE)
#: how a hunk begins
_HUNK = b"\n@@ -"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64)
_IN_BASE64 = _BASE64 + b"=" + b" \t\r\n\f\v"
_BASE64_LINES = lazy(rb"\s*+(?:[A-Za-z0-9+/]++={0,2}[ \t\r]*+(?:\n\s*+|\Z))+")

#: The first line of a patch file that names no commit.
_FILE_HEADER = f"From {'0' * 40} Mon Sep 17 00:00:00 2001\n"
#: transfer encodings that leave a text as it is, and one whose marks are found in any text
_PLAIN = frozenset(
    {"", "7bit", "8bit", "7-bit", "8-bit", "none", "x-uuencode", "uuencode", "x-uue"}
)
#: Longer values of structured headers are not read to their end.
_LONGEST_VALUE = 8192
#: What goes on for longer than this is no block of headers.
_LONGEST_HEADERS = 1 << 20
#: Parts of one multipart that are read.
_MOST_PARTS = 500
MANY_PARTS = f"more than {_MOST_PARTS} parts; the rest is left out"
#: Nesting of multiparts that is followed; real mail has two or three levels.
MAX_DEPTH = 12


class Part(Struct, frozen=True):
    """One leaf of a MIME tree: its type, its name if any, and its decoded text.

    ``unread`` says why the text is not all of it, empty where it is.
    """

    content_type: str
    filename: str
    attached: bool
    flowed: bool
    delsp: bool
    text: str
    unread: str = ""


class Headers(Struct, frozen=True):
    """The headers of a message or part; the first of each name counts."""

    values: dict[str, bytes]

    def text(self, name: str) -> str:
        """Value of a header, decoded and unfolded; empty when it is not there."""
        value = self.values.get(name)
        return "" if value is None else decode_header(value)


def split_headers(data: bytes, *, skip_from: bool = True) -> tuple[Headers, bytes]:
    """Headers and body of ``data``, which has LF line ends.

    As ``git mailinfo`` does, a line that is no header ends the headers and belongs to the
    body.  ``skip_from`` leaves out a leading mbox ``From `` line.
    """
    block = _BLOCK.match(data, 0, _LONGEST_HEADERS)
    if block is not None:
        values: dict[str, bytes] = {}
        for field, value in _FIELD.findall(block[1]):
            values.setdefault(field.decode("ascii").lower(), value)
        return Headers(values), data[block.end() :]
    return _split_by_line(data, skip_from=skip_from)


def _split_by_line(data: bytes, *, skip_from: bool) -> tuple[Headers, bytes]:
    """The same for headers that are not well-formed."""
    folded: dict[str, list[bytes]] = {}
    at = 0
    name = ""
    fresh = False
    size = len(data)
    while at < min(size, _LONGEST_HEADERS):
        end = data.find(b"\n", at)
        end = size if end < 0 else end
        line = data[at:end]
        if not line.strip(b" \t\r"):
            return _joined(folded), data[end + 1 :]
        if line[:1] in b" \t" and name:
            if fresh:
                folded[name].append(line)
        elif (found := _HEADER.match(line)) is not None:
            name = found.group(1).decode("ascii").lower()
            fresh = name not in folded
            if fresh:
                folded[name] = [found.group(2)]
        elif not (skip_from and not folded and _FROM_LINE.match(line)):
            return _joined(folded), data[at:]
        at = end + 1
    return _joined(folded), data[at:]


def _joined(folded: dict[str, list[bytes]]) -> Headers:
    return Headers({name: b"\n".join(lines) for name, lines in folded.items()})


def decode_charset(data: bytes, charset: str) -> str:
    """Make text of ``data``: the declared charset, else UTF-8, else Latin-1; never fails."""
    if charset and charset.lower() not in {"us-ascii", "ascii", "utf-8", "utf8"}:
        try:
            return data.decode(charset, errors="replace")
        except (LookupError, ValueError):
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8" if charset.lower().startswith("utf") else "latin-1", "replace")


def decode_header(value: bytes) -> str:
    """Decode the encoded words of a header value and undo its line folds."""
    text = _WHITE.sub(" ", decode_charset(value, "")).strip()
    if "=?" not in text:
        return text
    words: list[tuple[str, bytes]] = []
    out: list[str] = []
    at = 0
    text = _BETWEEN_WORDS.sub(r"\1", text)
    for found in _ENCODED_WORD.finditer(text):
        if found.start() > at:
            _flush(words, out)
            out.append(text[at : found.start()])
        charset, kind, coded = found.groups()
        raw = coded.encode("ascii", "replace")
        data = decode_base64(raw) if kind in "bB" else binascii.a2b_qp(raw, header=True)
        # A character may be cut between two words of one charset: join before decoding.
        if words and words[-1][0].lower() == charset.lower():
            words[-1] = (charset, words[-1][1] + data)
        else:
            words.append((charset, data))
        at = found.end()
    _flush(words, out)
    out.append(text[at:])
    return _WHITE.sub(" ", "".join(out)).strip()


def _flush(words: list[tuple[str, bytes]], out: list[str]) -> None:
    out.extend(decode_charset(data, charset) for charset, data in words)
    words.clear()


def _well_formed(data: bytes) -> tuple[bytes, str]:
    """What of a body is base64, and what is wrong with it as such, empty for nothing.

    What a list puts below a body that has come to its end is none of it: the last line of one
    is shorter than the others, or padded.
    """
    if not data.translate(None, _IN_BASE64):
        return data, "" if _ends(data) else "its base64 breaks off"
    good = _BASE64_LINES.match(data)
    body = b"" if good is None else good[0]
    lines = body.split()
    short = lines and (len(lines) == 1 or len(lines[-1]) < len(lines[0]))
    if _ends(body) and (short or body.rstrip().endswith(b"=")):
        return body, ""
    return data, "its base64 is damaged"


def _ends(data: bytes) -> bool:
    """Whether base64 is as long as it has to be; without padding only a whole line is an end."""
    over = len(b"".join(data.split())) % 4
    return not over or (over > 1 and decode_base64(data).endswith(b"\n"))


def decode_base64(data: bytes) -> bytes:
    """Base64 with noise, missing padding or a cut end: as many bytes as there are."""
    text = data.split(b"=", 1)[0] if data.count(b"=") <= 2 else data  # noqa: PLR2004
    clean = text.translate(None, _NOT_BASE64)
    clean = clean[: len(clean) - (len(clean) % 4 == 1)]
    try:
        return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
    except binascii.Error:
        return b""


def parameters(value: str) -> dict[str, str]:
    """Parameters of a Content-Type or Content-Disposition value, names in lower case."""
    found: dict[str, str] = {}
    for name, _extended, quoted, bare in _PARAMETER.findall(value[:_LONGEST_VALUE]):
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        found.setdefault(name.lower(), text)
    return found


def leaves(
    headers: Headers, body: bytes, problems: list[str], depth: int = 0, kind: str = "text/plain"
) -> list[Part]:
    """List the leaf parts of a message.  What is amiss is added to ``problems``.

    ``kind`` is the type of a part that names none.
    """
    content = headers.text("content-type")
    options = parameters(";" + content.partition(";")[2])
    content_type = content.partition(";")[0].strip().lower() or kind
    boundary = options.get("boundary", "")
    if content_type.startswith("multipart/") and boundary and depth < MAX_DEPTH:
        parts = _split_parts(body, boundary.encode("utf-8", "replace"), problems)
        if parts is not None:
            kind = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
            return [
                leaf
                for data in parts
                for leaf in leaves(*split_headers(data, skip_from=False), problems, depth + 1, kind)
            ]
    if content_type == "message/rfc822" and depth < MAX_DEPTH:
        plain, amiss = _decoded(headers, body, [])
        inner = split_headers(plain.replace(b"\r\n", b"\n").lstrip(b"\n"))
        mails = _inner_mail(*inner, problems, depth + 1)
        return [replace(one, unread=one.unread or amiss) for one in mails]
    disposition = headers.text("content-disposition")
    filename = parameters(";" + disposition.partition(";")[2]).get("filename", "")
    filename = filename or options.get("name", "")
    if _is_picture(content_type) and not _PATCH_NAME.search(filename):
        headers, body = _only_a_diff(headers, body)
    text, amiss = _text(headers, body, options.get("charset", ""), content_type, problems)
    if depth >= MAX_DEPTH and content_type.startswith(("multipart/", "message/rfc822")):
        amiss = "parts in parts, more than are followed"
    return [
        Part(
            content_type=content_type,
            filename=filename,
            attached=disposition.lower().startswith("attachment"),
            flowed=options.get("format", "").lower() == "flowed",
            delsp=options.get("delsp", "").lower() == "yes",
            text=text,
            unread=amiss,
        )
    ]


def _inner_mail(headers: Headers, body: bytes, problems: list[str], depth: int) -> list[Part]:
    """The leaves of a mail in a mail, the first under a header as a patch file has it."""
    inner = leaves(headers, body, problems, depth)
    names = ("From", "Date", "Subject")
    known = [f"{name}: {text}\n" for name in names if (text := headers.text(name.lower()))]
    if not inner or not known:
        return inner
    first = inner[0]
    text = f"{_FILE_HEADER}{''.join(known)}\n{first.text}"
    return [replace(first, text=text, attached=True), *inner[1:]]


def _is_picture(content_type: str) -> bool:
    """Whether a type is of what is no text; some programs give it to any file."""
    main = content_type.partition("/")[0]
    return main in {"image", "audio", "video"} or content_type == "application/pdf"


def _only_a_diff(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """A part that calls itself a picture, empty unless a diff is what it holds."""
    return (headers, body) if _HUNK in _decoded(headers, body, [])[0] else (Headers({}), b"")


def _text(
    headers: Headers, body: bytes, charset: str, content_type: str, problems: list[str]
) -> tuple[str, str]:
    """The text of a part, and what of it is not read."""
    main = content_type.partition("/")[0]
    body, amiss = _decoded(headers, body, problems)
    if main == "application" and _HUNK not in body and (packed := contents.packed(body)):
        return "", amiss or f"it is {packed}"
    text = decode_charset(body, charset)
    return text.replace("\r\n", "\n") if "\r" in text else text, amiss


def _decoded(headers: Headers, body: bytes, problems: list[str]) -> tuple[bytes, str]:
    """A body without its transfer encoding, unpacked, and what of it is not read."""
    encoding = headers.text("content-transfer-encoding").lower().partition(";")[0].strip()
    if encoding == "base64" and _HUNK in body:
        problems.append("a header says base64 and the text is none; it is read as it stands")
    elif encoding == "base64":
        body, amiss = _well_formed(body)
        plain, more = bounded.unpacked(decode_base64(body))
        return plain, amiss or more
    elif encoding == "quoted-printable":
        return bounded.unpacked(binascii.a2b_qp(body))
    elif encoding == "binary":
        return bounded.unpacked(body)
    elif encoding not in _PLAIN and _HUNK not in body and body.strip():
        return body, f"its transfer encoding {encoding[:40]} is not known"
    return body, ""


def _split_parts(body: bytes, boundary: bytes, problems: list[str]) -> list[bytes] | None:
    """Split a multipart body; None when its boundary never occurs."""
    mark = re.compile(rb"--" + re.escape(boundary) + rb"(--)?[ \t\r]*$", re.MULTILINE)
    parts: list[bytes] = []
    begin: int | None = None
    for found in mark.finditer(body):
        if body[found.start() - 1 : found.start()] not in {b"", b"\n"}:
            continue  # not at the start of a line, which an expression is slow to look for
        if begin is not None:
            parts.append(body[begin : max(begin, found.start() - 1)])
        begin = found.end() + 1
        if found.group(1):
            return parts
        if len(parts) >= _MOST_PARTS:
            problems.append(MANY_PARTS)
            return parts
    if begin is None:
        problems.append("multipart boundary does not occur in the body")
        return None
    problems.append("multipart body has no closing boundary; the mail may be cut short")
    parts.append(body[begin:])
    return parts
