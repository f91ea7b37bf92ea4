"""Threads fetched by message-id or archive URL: the only module that uses the network.

It runs only when the user gives a message-id or URL, through liblore, which honours the
``lore.*`` settings of git; a bare message-id is asked of the archive that ``b4.midmask``
names, as b4 does.
"""

from __future__ import annotations

import logging
import zlib
from urllib.parse import unquote, urlsplit

from patchlint.model.problem import InputError
from patchlint.outside.programs import quick_git

_MASK = "https://lore.kernel.org/all/%s"
_NOBODY = logging.NullHandler()


def fetch(name: str) -> bytes | InputError:
    """Fetch the thread of a message-id or URL as an mbox, or say why it could not be had."""
    try:
        from liblore import LibloreError
        from liblore.node import LoreNode

        from patchlint.mail.fetching import OneHost
    except ImportError:
        return InputError(name, "fetching needs liblore: pip install 'patchlint[b4]'")
    # what it warns of is in the error that it raises, and lines of its own are no words of ours
    logging.getLogger("liblore").addHandler(_NOBODY)
    archive, message_id = where(name, midmask())
    if not message_id:
        return InputError(name, "no message-id in this URL")
    url = urlsplit(archive)
    if url.hostname is None or "@" in url.netloc:
        return InputError(name, "a URL with a user's name, or without a host, is not fetched")
    try:
        with LoreNode.from_git_config(archive) as node:
            # the archive, and mirrors of it that the user's settings name
            node.set_requests_session(OneHost([archive, *node.origins]))
            data: bytes = node.get_mbox_by_msgid(message_id)
    except (LibloreError, OSError, ValueError, EOFError, zlib.error) as error:
        # the last two: a packed answer that is cut short, or damaged
        return InputError(name, f"cannot be fetched: {error}", message_id=message_id)
    return data


def midmask() -> str:
    """Give the user's ``b4.midmask``, or the one of lore.kernel.org."""
    _, out = quick_git("config", "--get", "b4.midmask")
    mask = out.decode("utf-8", "replace").strip()
    return mask if "://" in mask else _MASK


def where(name: str, mask: str) -> tuple[str, str]:
    """Archive and message-id that ``name`` means; the id is empty when a URL has none.

    A URL names its own archive; ``/r/``, and no list at all, mean all lists.
    """
    if "://" in name:
        url = urlsplit(name)
        folders: list[str] = []
        for piece in url.path.split("/"):
            text = unquote(piece)
            if "@" in text:
                return _archive(f"{url.scheme}://{url.netloc}", folders), text
            folders.append(piece)
        return "", ""
    url = urlsplit(mask.replace("%s", ""))
    return _archive(f"{url.scheme}://{url.netloc}", url.path.split("/")), name.strip("<>")


def _archive(origin: str, folders: list[str]) -> str:
    path = "/".join(piece for piece in folders if piece)
    return f"{origin}/{'all' if path in {'', 'r'} else path}"
