"""HTTP, for those integrations that talk to a server: tries, limits, and who is asking.

Needs requests, which comes with liblore too; nothing here is imported by a check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

import patchlint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

#: Answers after which the same question may go through later.
BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
#: Seconds that a server may ask to wait; one that asks for more is not waited for.
LONGEST_WAIT: Final = 120
#: Seconds without a byte.
PATIENCE: Final = 60.0
TRIES: Final = 4

_SAID: Final = 400


class WebError(Exception):
    """No answer that can be used; the text says of which URL and why.

    ``status`` is 0 where there was no answer at all.  ``temporary`` when another try may go
    through, ``after`` the seconds that the server asks to wait before it.
    """

    def __init__(
        self, text: str, status: int = 0, *, temporary: bool = False, after: float | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.temporary = temporary
        self.after = after


class Answer(Struct, frozen=True):
    """What a server said; ``following`` is the URL of the next page, empty on the last."""

    status: int
    body: bytes
    following: str


def ask(url: str, headers: Mapping[str, str] | None = None, *, search: bool = False) -> Answer:
    """Return the answer to a question, which changes nothing and is asked again if need be.

    ``search`` asks by POST, as public-inbox wants it for results as an mbox.
    """
    method = "POST" if search else "GET"
    return _request(method, url, headers or {}, tries=TRIES, redirects=True)


def tell(url: str, value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """Post ``value`` as JSON, once; redirections are not followed."""
    return _request("POST", url, headers or {}, json=value, tries=1, redirects=False)


def _request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    tries: int,
    redirects: bool,
    json: object = None,
) -> Answer:
    try:
        import requests

        from patchlint.mail.fetching import FetchError
    except ImportError:
        raise WebError(f"{url}: HTTP needs requests: pip install 'patchlint[http]'") from None
    try:
        with (
            _session(url, tries) as session,
            session.request(
                method,
                url,
                json=json,
                auth=_with(headers),
                headers={"User-Agent": f"patchlint/{patchlint.__version__}"},
                timeout=PATIENCE,
                allow_redirects=redirects,
                stream=True,
            ) as answer,
        ):
            return _read(url, answer)
    except FetchError as error:
        raise WebError(f"{url}: {error}") from error
    except (requests.RequestException, OSError) as error:
        raise WebError(f"{url}: {_reason(error)}", temporary=_temporary(error)) from error


def _session(url: str, tries: int) -> requests.Session:
    """A session that talks to the host of ``url`` alone, and bounds what one answer takes."""
    from urllib3.util.retry import Retry

    from patchlint.mail.fetching import OneHost, Timely

    class Patient(Retry):
        """Tries again, but does not wait for as long as a server likes."""

        def get_retry_after(self, response: object) -> float | None:
            seconds = super().get_retry_after(response)  # type: ignore[arg-type]
            return None if seconds is None else min(seconds, LONGEST_WAIT)

    retry = Patient(
        total=tries - 1,
        status_forcelist=BUSY,
        # every question of ours can be asked again; what must not be told twice has one try
        allowed_methods=None,
        backoff_factor=1.0,
        raise_on_status=False,
    )
    try:
        session = OneHost([url])
    except ValueError:
        session = OneHost([])  # requests says what is wrong with it
    for scheme in ("http://", "https://"):
        session.mount(scheme, Timely(max_retries=retry))
    return session


def _with(
    headers: Mapping[str, str],
) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Return what sets ``headers``, in place of what a .netrc would have sent instead."""

    def add(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(headers)
        return request

    return add


def _read(url: str, answer: requests.Response) -> Answer:
    if not answer.ok:
        said = " ".join(answer.content[:_SAID].decode("utf-8", "replace").split())
        after = answer.headers.get("Retry-After", "")
        raise WebError(
            f"{url}: {answer.status_code} {answer.reason}: {said}".rstrip(": "),
            answer.status_code,
            temporary=answer.status_code in BUSY,
            after=float(after) if after.isascii() and after.isdigit() else None,
        )
    return Answer(answer.status_code, answer.content, answer.links.get("next", {}).get("url", ""))


def _reason(error: BaseException) -> str:
    """Return why there was no answer, as the system says it where it was the system."""
    told: BaseException | None = error
    while told is not None:
        if isinstance(told, OSError) and told.strerror:
            return told.strerror
        inner = getattr(told, "reason", None) or next(iter(told.args), None)
        told = inner if isinstance(inner, BaseException) else told.__cause__ or told.__context__
    return str(error)


def _temporary(error: Exception) -> bool:
    import requests

    refused = (requests.URLRequired, requests.exceptions.InvalidURL, requests.TooManyRedirects)
    return not isinstance(error, (*refused, requests.exceptions.InvalidSchema))
