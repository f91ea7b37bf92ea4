"""Mails for the tests, made here: nobody's patch, nobody's name."""

from __future__ import annotations

from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "mail"

DIFF = (
    "diff --git a/drivers/demo/ring.c b/drivers/demo/ring.c\n"
    "index 1a2b3c4d5e6f..6f5e4d3c2b1a 100644\n"
    "--- a/drivers/demo/ring.c\n"
    "+++ b/drivers/demo/ring.c\n"
    "@@ -40,4 +40,5 @@ static void ring_exit(struct ring *ring)\n"
    " \tstruct ring *next;\n"
    " \n"
    "-\tring_stop(ring);\n"
    "+\tring_stop_sync(ring);\n"
    "+\tring->stopped = true;\n"
    " }\n"
)


def mail(
    subject: str,
    text: str = "",
    *,
    mid: str = "",
    refs: tuple[str, ...] = (),
    sender: str = "Ada Example <ada@example.org>",
    date: str = "Mon, 01 Jan 2024 10:00:00 +0100",
    headers: str = "",
) -> bytes:
    """A mail with an optional message-id and references, the parent last."""
    lines = [f"From: {sender}", f"Subject: {subject}", f"Date: {date}"]
    if mid:
        lines.append(f"Message-ID: <{mid}>")
    if refs:
        lines.append(f"In-Reply-To: <{refs[-1]}>")
        lines.append("References: " + " ".join(f"<{one}>" for one in refs))
    return ("\n".join(lines) + "\n" + headers + "\n" + text).encode()


def patch(subject: str, **options: object) -> bytes:
    """A mail with a message and the diff above."""
    text = f"Say why.\n\nSigned-off-by: Ada Example <ada@example.org>\n---\n\n{DIFF}-- \n2.45.0\n"
    return mail(subject, text, **options)  # type: ignore[arg-type]
