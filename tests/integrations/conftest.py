from __future__ import annotations

import pytest
from aiosmtpd.controller import Controller
from integration_kit import Kit
from loopback import free_port


class Inbox:
    """Keeps the mails that an SMTP server on loopback is given."""

    def __init__(self):
        self.mails = []
        self.recipients = []
        self.port = 0

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append(envelope.content)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 kept"


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A home of its own, a small kernel, and a series that defers a mount put."""
    return Kit(tmp_path, monkeypatch)


@pytest.fixture
def repo(kit):
    return kit.make_repo()


@pytest.fixture
def smtp():
    """An SMTP server on loopback; ``mails`` holds what it was given."""
    inbox = Inbox()
    inbox.port = free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    controller.start()
    yield inbox
    controller.stop()
