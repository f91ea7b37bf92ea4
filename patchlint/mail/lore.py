"""Threads fetched by message-id or archive URL: the only module that uses the network.

It runs only when the user gives a message-id or URL, through liblore, which honours the
``lore.*`` and ``b4.*`` settings of git.
"""

from __future__ import annotations

from patchlint.model.problem import InputError


def fetch(name: str) -> bytes | InputError:
    """Fetch the thread of a message-id or URL as an mbox, or say why it could not be had."""
    try:
        from liblore import LibloreError
        from liblore.node import LoreNode
        from liblore.utils import get_msgid_from_url
    except ImportError:
        return InputError(name, "fetching needs liblore: pip install 'patchlint[b4]'")
    message_id = get_msgid_from_url(name) if "://" in name else name.strip("<>")
    if not message_id:
        return InputError(name, "no message-id in this URL")
    try:
        data: bytes = LoreNode.from_git_config().get_mbox_by_msgid(message_id)
    except (LibloreError, OSError, ValueError) as error:
        return InputError(name, f"cannot be fetched: {error}", message_id=message_id)
    return data
