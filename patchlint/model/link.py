"""Where a mail is read, by its Message-ID."""

from __future__ import annotations

from typing import Final

#: ``%s`` stands for the Message-ID
LORE: Final = "https://lore.kernel.org/r/%s"


def mail_link(message_id: str | None, template: str = LORE) -> str:
    """Return the address of a mail, empty for one that has no Message-ID."""
    if not message_id:
        return ""
    # urllib is loaded for those who have something to link to
    from urllib.parse import quote

    return template.replace("%s", quote(message_id, safe="@.+-_=", errors="replace"))
