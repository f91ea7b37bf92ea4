"""One message decoded: from the bytes of a mail to the text of its patch."""

from __future__ import annotations

import re
import time
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from patchlint.mail import bounded, mime, shape
from patchlint.mail import subject as subjects
from patchlint.model.mail import Mail, RawMail
from patchlint.model.moment import plausible
from patchlint.model.pattern import lazy

_MESSAGE_ID = re.compile(r"<([^<>\s]+)>")
_DATE = re.compile(
    r"(\d{1,2}) ([A-Za-z]{3})[A-Za-z]* (\d{4}) "
    r"(\d{1,2}):(\d\d)(?::(\d\d))?(?: ([+-])(\d\d)(\d\d))?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FORMAT_PATCH = re.compile(rb"^From ([0-9a-f]{40}|[0-9a-f]{64}) ")
_SIGNED = lazy(
    r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[\w-]+: [^\n]*\n)*\n(.*?)\n?"
    r"(?:^-----BEGIN PGP SIGNATURE-----\n.*?(?:^-----END PGP SIGNATURE-----\n?|\Z)|\Z)",
    re.MULTILINE | re.DOTALL,
)
_INBODY_FROM = lazy(
    r"^>?From (?:[0-9a-f]{40}|[0-9a-f]{64}) [^\n]*\n(?=[A-Z][\w-]*: )", re.MULTILINE
)
_INBODY = re.compile(r"(?:(?:From|Subject|Date): [^\n]*\n(?:[ \t][^\n]*\n)*)+(?=\n|\Z)")
_HEADER_BLOCK = lazy(r"(?:[A-Za-z][\w-]*:[^\n]*\n(?:[ \t][^\n]*\n)*)+")
_FIELD = lazy(r"^([A-Za-z][\w-]*):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_BLADES = (">8", "8<", ">%", "%<")
_SCISSORS = lazy(r"^[ \t]*(?=[^\n]*(?:>8|8<|>%|%<))(?:[- \t]|>8|8<|>%|%<|cut here)+$", re.MULTILINE)
_SHOWN = lazy(
    r"commit ([0-9a-f]{7,64})\b[^\n]*\n"
    r"(?:(?:(?:Merge|Author|AuthorDate|Commit|CommitDate|Date|Reflog|Reflog message):"
    r"|(?:tree|parent|author|committer|encoding) )[^\n]*\n)+"
)
_MAIL_FILE = lazy(r"(?:From [0-9a-f]{40}|From: |Subject: |Date: )")
_MIN_SCISSORS = 8
_PATCH_TYPES = ("/x-patch", "/x-diff", "/patch", "/diff")
#: What a reviewer says without a quote, and what a patch says of itself that lost its diff.
_VERDICT = lazy(
    r"^(?:Acked|Reviewed|Tested|Nacked)(?:-and-\w+)?-by: |^(?:applied|thanks|queued|lgtm)\b",
    re.MULTILINE | re.IGNORECASE,
)
_OWN_PATCH = lazy(r"^(?:Signed-off-by: |---$| \d+ files? changed)", re.MULTILINE)
_QUOTED = lazy(r"^>", re.MULTILINE)
_QUOTED_DIFF = lazy(r"^> ?(?:diff --git |@@ -\d|\+\+\+ )", re.MULTILINE)
#: What an answer has and a patch without a diff has not: quoted lines, or whom they are of.
_SPEAKS = ("wrote", "writes", "schrieb", "crit", "\u5199\u9053", " Message", " message")
_QUOTES = lazy(
    r"^(?:[\w-]{1,8}>"
    r"|[^\n]{8,120}(?:wrote|writes|schrieb|a \u00e9crit|\u5199\u9053)\s?[:\uff1a]\s*$"
    r"|-{3,} ?(?:Original|Forwarded) [Mm]essage ?-{3,})",
    re.MULTILINE,
)


def decode(raw: RawMail) -> Mail:
    """Decode one message.  Never raises; what is amiss is in ``problems`` of the result.

    Takes off transfer encodings, PGP armour, format=flowed, scissors and an in-body header
    block, and picks the attachment that holds the patch when the text does not.
    """
    problems: list[str] = []
    data = _in_lines(raw.data)
    commit = raw.commit or _commit(data)
    headers, body = mime.split_headers(data.lstrip(b"\n"))
    if headers.values and not body.strip():
        problems.append("no body; the mail may be cut short")
    leaves = mime.leaves(headers, body, problems)
    unread = _unread(leaves, problems)
    parts = [_mended(part, problems) for part in (*leaves, *_encoded(leaves, unread))]
    text = _unsign(_choose(parts, problems))
    if not text.strip() and any(part.content_type == "text/html" for part in parts):
        problems.append("HTML without a plain text; nothing of it is read")
    inner = _take_inner(text)
    if not headers.values and (shown := _SHOWN.match(inner.body)) is not None:
        commit, inner = _take_shown(shown, inner.body)
    outer = subjects.parse(headers.text("subject"))
    spoken = subjects.parse(inner.subject) if inner.subject else outer
    numbered = spoken if spoken.is_patch or spoken.number is not None else outer
    references = _ids(headers, "references")
    parents = _ids(headers, "in-reply-to")
    parent = next(iter((*parents, *references[-1:])), None)
    if parent is not None and parent not in references:
        references = (*references, parent)
    ids = _ids(headers, "message-id")
    offers = not headers.values or numbered.is_patch or numbered.number
    start = shape.diff_start(inner.body, loose=bool(offers) and not outer.is_reply)
    if start is not None and shape.is_interdiff(inner.body, start):
        start = shape.behind_interdiff(inner.body, start) if numbered.number != 0 else None
    start = None if _is_snippet(outer, parent, inner.body, start) else start
    if start is None and outer.is_reply:
        unread = []
    whole = Mail(
        input=raw.input,
        message_id=ids[0] if ids else "",
        subject=inner.subject or headers.text("subject"),
        author=inner.author or headers.text("from"),
        date=plausible(_date(headers.text("date")), time.time()),
        in_reply_to=parent,
        references=references,
        body=inner.body,
        diff_start=start,
        version=numbered.version,
        number=numbered.number,
        total=numbered.total,
        prefixes=numbered.prefixes,
        line=raw.line,
        commit=commit,
        is_reply=outer.is_reply or (start is None and _talks(outer, parent, inner.body)),
        problems=tuple(problems),
        sender=headers.text("from"),
        minor=numbered.minor,
        unread=tuple(dict.fromkeys(unread)),
        absent=raw.amiss,
    )
    if raw.place is not None:
        return _placed(whole, raw)
    if start is not None and "\nFrom " in text and (several := _pasted(whole)):
        return replace(whole, attached=several)
    files = [part.text for part in parts if part.attached or "patch" in part.content_type]
    if len(files) < 2:  # noqa: PLR2004
        return whole
    return replace(whole, attached=_attached(whole, files))


def _in_lines(data: bytes) -> bytes:
    """A mail with the line ends that its reader knows."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if b"\0" in data:
        from patchlint.mail.texts import parted

        data = parted(data)
    return data


#: what holds text, in a form that is not read
_SEALED = {
    "application/pgp-encrypted": "encrypted; nothing of it is read",
    "message/external-body": "the text is kept elsewhere, and not fetched",
    "message/partial": "a piece of a mail that was sent in several",
    "application/pkcs7-mime": "encrypted; nothing of it is read",
    "application/x-pkcs7-mime": "encrypted; nothing of it is read",
    "application/ms-tnef": "packed as Outlook does; nothing of it is read",
}
_CONTEXT_DIFF = lazy(r"^\*\*\* \S.*\n--- \S.*\n\*{15}", re.MULTILINE)
#: commands of a normal diff, and of a script for ed; no line of a hunk begins with a digit
_NORMAL_DIFF = lazy(r"^\d+(?:,\d+)?(?:a\d+(?:,\d+)?\n>|[cd]\d+(?:,\d+)?\n<)", re.MULTILINE)
_ED_COMMAND = lazy(r"^\d+(?:,\d+)?[ac]\n", re.MULTILINE)
#: the end of what a command of ed puts in
_ED_END = lazy(r"^\.$", re.MULTILINE)
#: what makes them, with the names of two files and a command below, in whatever text
_OTHER_MADE = lazy(
    r"^diff [^\n]*\.[chS]\b[^\n]*\n(?:\d+(?:,\d+)?[acd](?:\d+(?:,\d+)?)?|[acd]\d+(?: \d+)?)$",
    re.MULTILINE,
)
_OPAQUE = lazy(r"\.(?:zst|lz4|lzma|Z|zip|rar|tgz|tar|tar\.\w+|7z|gpg|pgp|p7m)\Z", re.IGNORECASE)
#: what is unpacked, if its transfer encoding is one that leaves it whole
_PACKED = lazy(r"\.(?:gz|xz|bz2)\Z", re.IGNORECASE)
_STILL_PACKED = ("\x1f", "\ufffd7zXZ", "\u00fd7zXZ", "BZh")
_NEW_NAME = lazy(r"\+\+\+ (\S+)")
_TAG = lazy(r"<[^<>]*>")
#: behind which a line begins
_LINE_TAG = lazy(r"</?(?:br|p|div|pre|tr|li)\b[^<>]*>", re.IGNORECASE)
_ENCODED = lazy(r"^begin [0-7]{3,6} ([^\n]+)\n((?:[ -`]{1,62}\n)+?)(?:[` ]?\n)?end$", re.MULTILINE)


def _unread(parts: list[mime.Part], problems: list[str]) -> list[str]:
    """What of a mail may hold a patch and is not read."""
    said = [_SEALED[part.content_type] for part in parts if part.content_type in _SEALED]
    for part in parts:
        name = f"the attached {part.filename}" if part.filename else "a part of the mail"
        packed = _PACKED.search(part.filename) and (
            not part.text or part.text.startswith(_STILL_PACKED)
        )
        if part.unread:
            said.append(f"{name} is not read whole: {part.unread}")
        elif packed or _OPAQUE.search(part.filename):
            said.append(f"{name} is packed and not read")
        if "-----BEGIN PGP MESSAGE-----" in part.text:
            said.append(_SEALED["application/pgp-encrypted"])
        if "\n***************" in part.text and _CONTEXT_DIFF.search(part.text) is not None:
            said.append("a context diff, which is not read: diff -u makes one that is")
        if _has_other_diff(part):
            said.append("a normal diff or an ed script, which is not read: diff -u makes what is")
    said += _in_html(parts)
    if mime.MANY_PARTS in problems:
        problems.remove(mime.MANY_PARTS)
        said.append(mime.MANY_PARTS)
    return said


def _in_html(parts: list[mime.Part]) -> list[str]:
    """The files of diffs that stand in HTML alone.

    What says the same as a text beside it may have lost its blanks, so that lines are not
    compared; what a text quotes, HTML may show without the marks of a quotation.
    """
    pages = [part.text for part in parts if _is_page(part) and "+++ " in part.text]
    if not pages:
        return []
    import html

    texts = [part.text for part in parts if not _is_page(part)]
    shown = {name for text in texts for name in _NEW_NAME.findall(text)}
    plain = (html.unescape(_TAG.sub("", _LINE_TAG.sub("\n", page))) for page in pages)
    hidden = (name for page in plain for name in _NEW_NAME.findall(page) if "@@ -" in page)
    return [
        f"HTML with a diff of {name.removeprefix('b/')}, which is not read"
        for name in dict.fromkeys(hidden)
        if name not in shown
    ]


def _is_page(part: mime.Part) -> bool:
    """Whether a part is HTML and nothing that has the name of a patch."""
    named = part.filename.lower().endswith((".patch", ".diff"))
    return part.content_type == "text/html" and not named


def _has_other_diff(part: mime.Part) -> bool:
    """Whether a part has a diff without hunks: one in the message above a diff is talk."""
    text = part.text
    if _OTHER_MADE.search(text) is not None:
        return True
    start = 0 if part.attached or "patch" in part.content_type else shape.diff_start(text)
    if start is None:
        return False
    if _NORMAL_DIFF.search(text, start) is not None:
        return True
    command = _ED_COMMAND.search(text, start)
    return command is not None and _ED_END.search(text, command.end()) is not None


def _encoded(parts: list[mime.Part], unread: list[str]) -> list[mime.Part]:
    """The patches that stand in texts as uuencode packs them."""
    found: list[mime.Part] = []
    for part in parts:
        if "begin " not in part.text or not part.text.isascii():
            continue
        for one in _ENCODED.finditer(part.text):
            import binascii

            name = one.group(1)
            try:
                lines = one.group(2).encode("ascii").splitlines()
                data, amiss = bounded.unpacked(b"".join(map(binascii.a2b_uu, lines)))
            except binascii.Error as error:
                data, amiss = b"", str(error)
            text = mime.decode_charset(data, "").replace("\r\n", "\n")
            if amiss:
                unread.append(f"{name}, which stands in the text, is not read whole: {amiss}")
            elif _OPAQUE.search(name):
                unread.append(f"{name}, which stands in the text, is packed and not read")
            if shape.diff_start(text) is not None:
                found.append(replace(part, content_type="text/x-patch", filename=name, text=text))
    return found


def _placed(mail: Mail, raw: RawMail) -> Mail:
    """Put a mail where its source says, whatever its subject and its references say."""
    number, total = raw.place or (1, 1)
    return replace(
        mail,
        subject=mail.subject or raw.input.rpartition("/")[2],
        message_id=mail.message_id,
        in_reply_to=None,
        references=(),
        version=1,
        minor=0,
        number=number,
        total=total,
        prefixes=(),
        is_reply=False,
    )


def _talks(outer: subjects.Subject, parent: str | None, body: str) -> bool:
    """Whether a mail without a patch answers another one, or hands it on, without saying so."""
    if outer.is_forward:
        return True
    if parent is None:
        return ">" in body and _QUOTED_DIFF.search(body) is not None
    if "\n>" in body or body.startswith(">"):
        return True
    speaks = any(word in body for word in _SPEAKS) or "> " in body
    if speaks and _QUOTES.search(body) is not None:
        return True
    return _VERDICT.search(body) is not None and _OWN_PATCH.search(body) is None


def _is_snippet(outer: subjects.Subject, parent: str | None, body: str, start: int | None) -> bool:
    """Whether the diff of an answer that does not call itself one is a lone hunk behind quotes.

    It stands without a file, and so nobody can apply it; a patch whose header is torn has a
    diffstat or is signed off.
    """
    return (
        start is not None
        and parent is not None
        and body.startswith("@@ ", start)
        and not outer.is_forward
        and _QUOTED.search(body, 0, start) is not None
        and _OWN_PATCH.search(body) is None
    )


def _mended(part: mime.Part, problems: list[str]) -> mime.Part:
    """Undo what a mailer did to a diff, and note it."""
    if "@@ -" in part.text:
        if shape.looks_whole(part.text):
            return part
    elif "\x1b[" not in part.text:
        return part
    from patchlint.mail.mend import mend

    text, amiss = mend(part.text)
    if text is part.text:
        return part
    problems.extend(amiss)
    return replace(part, text=text)


def _pasted(whole: Mail) -> tuple[Mail, ...]:
    """Decode the patches that follow the first one in a text, each with a header of its own."""
    text = whole.body
    marks = [found.start() for found in _INBODY_FROM.finditer(text, whole.diff_start or 0)]
    if whole.diff_start is None or not marks:
        return ()
    first = replace(whole, body=text[: marks[0]])
    pieces = [text[start:end] for start, end in pairwise([*marks, len(text)])]
    rest = [decode(RawMail(whole.input, piece.encode("utf-8", "replace"))) for piece in pieces]
    return _together(whole, [first, *(mail for mail in rest if mail.diff_start is not None)])


def _attached(whole: Mail, files: list[str]) -> tuple[Mail, ...]:
    """Decode the attached files one by one, when each is a mail with a patch of its own."""
    texts = [text for text in files if _MAIL_FILE.match(text.lstrip("\n"))]
    mails = [decode(RawMail(whole.input, text.encode("utf-8", "replace"))) for text in texts]
    return _together(whole, [mail for mail in mails if mail.diff_start is not None])


def _together(whole: Mail, patches: list[Mail]) -> tuple[Mail, ...]:
    """The patches of one mail as parts of a series; none when there is but one."""
    if len(patches) < 2:  # noqa: PLR2004
        return ()
    first, *rest = patches
    patches = [replace(first, unread=(*whole.unread, *first.unread)), *rest]
    named = {(mail.number, mail.total) for mail in patches}
    numbered = len(named) == len(patches) and all(mail.number for mail in patches)
    return tuple(
        replace(
            mail,
            message_id=whole.message_id,
            sender=whole.sender,
            in_reply_to=whole.in_reply_to,
            references=whole.references,
            line=whole.line,
            date=whole.date if mail.date is None else mail.date,
            version=max(whole.version, mail.version),
            number=mail.number if numbered else position,
            total=mail.total if numbered else len(patches),
        )
        for position, mail in enumerate(patches, 1)
    )


def _take_shown(shown: re.Match[str], body: str) -> tuple[str, _Inner]:
    """Read the header that ``git show`` and ``git log -p`` print."""
    fields = dict(re.findall(r"^(\w+)(?::[ \t]*| )(.*)$", shown.group(), re.MULTILINE))
    rest = body[shown.end() :].lstrip("\n")
    subject = rest.partition("\n")[0].strip()
    author = fields.get("Author") or fields.get("author", "").rpartition(">")[0]
    return shown.group(1), _Inner(rest, subject, author)


class _Inner(Struct, frozen=True):
    body: str
    subject: str = ""
    author: str = ""


def _commit(data: bytes) -> str | None:
    found = _FORMAT_PATCH.match(data)
    return commit_of(found.group(1)) if found else None


def commit_of(name: bytes) -> str | None:
    """A commit as ``git format-patch`` writes it; None for ``--zero-commit``'s."""
    return name.decode("ascii") if name.strip(b"0") else None


def _ids(headers: mime.Headers, name: str) -> tuple[str, ...]:
    value = headers.values.get(name)
    if value is None:
        return ()
    text = value.decode("utf-8", "replace")
    found = dict.fromkeys(_MESSAGE_ID.findall(text))
    return tuple(found) or tuple(text.split()[:1] if name == "message-id" else ())


def _date(text: str) -> float | None:
    """Seconds since the epoch; None when there is no date."""
    found = _DATE.search(text)
    if found is None:
        return None
    from datetime import UTC, datetime, timedelta

    day, month, year, hour, minute, second, sign, zone_hour, zone_minute = found.groups()
    offset = (int(zone_hour or 0) * 60 + int(zone_minute or 0)) * 60
    # a clock may say 24:00 or have a leap second
    clock = timedelta(hours=int(hour), minutes=int(minute), seconds=int(second or 0))
    try:
        midnight = datetime(int(year), _MONTHS.index(month.lower()) + 1, int(day), tzinfo=UTC)
        moment = (midnight + clock).timestamp()
    except (ValueError, OverflowError):
        return None
    return moment + offset if sign == "-" else moment - offset


def _choose(parts: list[mime.Part], problems: list[str]) -> str:
    """Pick the text that holds the patch.

    Text first; an attached patch when the text has no diff.  Where both have one for the
    same files, and they are not the same, the attached one counts if it is whole: people
    paste a piece of a patch and attach it.
    """
    inline: list[str] = []
    attached: list[str] = []
    for part in parts:
        named = part.filename.lower().endswith((".patch", ".diff"))
        if not part.text or _is_page(part):
            continue
        kind = part.content_type
        if named or part.attached or not kind.startswith("text/") or kind.endswith(_PATCH_TYPES):
            attached.append(_unflow(part))
        else:
            inline.append(_unflow(part))
    text = _join(inline)
    patches = [patch for patch in attached if shape.diff_start(patch) is not None]
    if not patches:
        return text
    best = _join(patches)
    start = shape.diff_start(text)
    if start is None or not _touched(text) & _touched(best):
        return _join([text, *patches])
    whole, total = shape.hunk_score(text)
    best_whole, best_total = shape.hunk_score(best)
    if _changes(text) == _changes(best):
        return best if whole < total and best_whole > whole else text
    if best_whole < best_total and best_whole <= whole:
        return text
    problems.append("a diff in the text and another one attached; the attached one is read")
    return text[:start] + best


def _changes(text: str) -> list[str]:
    return re.findall(r"^[+-](?![+-]{2} |- $).*$", text, re.MULTILINE)


def _touched(text: str) -> set[str]:
    return set(re.findall(r"^\+\+\+ ([^\s]+)", text, re.MULTILINE))


def _join(texts: list[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    return "".join(text if text.endswith("\n") or not text else text + "\n" for text in texts)


def _unflow(part: mime.Part) -> str:
    """Undo format=flowed, unless the diff in the text is whole as it stands.

    Many senders declare flowed text and send a patch that is not; undoing it then joins
    lines that end in a blank.  Others put a blank before each line that begins with one, and
    the diff is whole with it and without.
    """
    if not part.flowed:
        return part.text
    whole, total = shape.hunk_score(part.text)
    if total and whole == total:
        return re.sub("^ ", "", part.text, flags=re.MULTILINE) if _stuffed(part) else part.text
    joined = _flowed(part.text, delsp=part.delsp)
    if not total:
        return joined if shape.diff_start(part.text) is None else part.text
    return joined if shape.hunk_score(joined)[0] > whole else part.text


def _stuffed(part: mime.Part) -> bool:
    """Whether the unchanged lines of a diff have a blank more, as flowed text puts one there.

    It shows before a tab, and where a line would be empty; no comment makes that.
    """
    diff = part.text[shape.diff_start(part.text) or 0 :]
    lines = [line for line in diff.split("\n") if line.startswith(" ")]
    return all(line.startswith("  ") for line in lines) and any(
        line == "  " or line.startswith("  \t") for line in lines
    )


def _flowed(text: str, *, delsp: bool) -> str:
    out: list[list[str]] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        signature = content == "-- "
        # A lone blank is an empty context line of a diff, whose end no sender marks.
        soft = content.endswith(" ") and content != " " and not signature
        piece = content[:-1] if soft and delsp else content
        if open_depth == depth and not signature:
            out[-1].append(piece)
        else:
            out.append([">" * depth + " " if depth else "", piece])
        open_depth = depth if soft else None
    return "\n".join("".join(pieces) for pieces in out)


def _unsign(text: str) -> str:
    """Take PGP clear-sign armour off, with its dash escapes."""
    if "-----BEGIN PGP SIGNED MESSAGE-----" not in text:
        return text
    found = _SIGNED.search(text)
    if found is None:
        return text
    inner = re.sub(r"^- ", "", found.group(1), flags=re.MULTILINE)
    return text[: found.start()] + inner + "\n" + text[found.end() :]


def _take_inner(text: str) -> _Inner:
    """Cut at scissors and take an in-body header block off the text."""
    text = text.lstrip("\n")
    limit = shape.diff_start(text)
    head = text if limit is None else text[:limit]
    cut = 0
    for mark in _SCISSORS.finditer(head) if any(one in head for one in _BLADES) else ():
        line = mark.group()
        if len(line.strip()) >= _MIN_SCISSORS and "-" in line:
            cut = mark.end()
    start = cut
    for mark in _INBODY_FROM.finditer(head, cut) if "From " in head else ():
        block = _HEADER_BLOCK.match(head, mark.end())
        if block is not None and re.search(r"^(?:From|Subject): ", block.group(), re.MULTILINE):
            start = mark.end()
    while start < len(text) and text[start] == "\n":
        start += 1
    pattern = _HEADER_BLOCK if start > cut + 1 else _INBODY
    block = pattern.match(text, start)
    if block is None:
        return _Inner(body=text[start:] if cut else text)
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(block.group()):
        fields.setdefault(name.lower(), mime.decode_header(value.encode("utf-8", "replace")))
    if "from" not in fields and "subject" not in fields:
        return _Inner(body=text[start:] if cut else text)
    return _Inner(
        body=text[block.end() :].lstrip("\n"),
        subject=fields.get("subject", ""),
        author=fields.get("from", ""),
    )
