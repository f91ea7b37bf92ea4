"""Which mails belong to one thread, by every id that they name."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.mail import Mail


class Threads:
    """The threads of some mails; mails need not be in order, nor all be there."""

    def __init__(self, mails: Sequence[Mail]) -> None:
        self._parent: dict[str, str] = {}
        for mail in mails:
            ids = [mail.message_id, *mail.references] if mail.message_id else mail.references
            for other in ids[1:]:
                self._join(ids[0], other)
        self._sizes = Counter(self.name(mail) for mail in mails)

    def name(self, mail: Mail) -> str:
        """Name of the mail's thread, empty for a mail with neither an id nor references."""
        one = mail.message_id or next(iter(mail.references), "")
        return self._root(one) if one else ""

    def alone(self, mail: Mail) -> bool:
        """Whether the mail names no other, and none of the others names it."""
        name = self.name(mail)
        return not mail.references and (not name or self._sizes[name] == 1)

    def _root(self, name: str) -> str:
        parent = self._parent
        root = name
        while (above := parent.get(root, root)) != root:
            root = above
        while (above := parent.get(name, name)) != root:
            parent[name] = root
            name = above
        return root

    def _join(self, one: str, other: str) -> None:
        one, other = self._root(one), self._root(other)
        if one != other:
            self._parent[one] = other
