"""What the directory answers: a listing, or the verdict on a password."""

from __future__ import annotations

from store.models import Settings
from store.text import printable, quantity
from sync.directory import strict_json
from sync.directory.listing import Listing, kind
from sync.errors import TooLarge, WrongShape


def parse_listing(body: bytes, settings: Settings) -> Listing:
    """Return the listing in the answer to `list`.

    Raises `NotJSON`, `WrongShape`, or `TooLarge` above `max_users`.
    """
    source = printable(settings.url, 200)
    records = strict_json.loads(body, source)
    if not isinstance(records, list):
        raise WrongShape(
            f"The answer of {source} is {kind(records)}, not an array of users.",
            "Check the URL, and that the service there is of this type.",
        )
    if len(records) > settings.max_users:
        raise TooLarge(
            f"{source} lists {quantity(len(records), 'user')}, more than the limit of "
            f"{settings.max_users}.",
            "If that many are right, raise max_users.",
        )
    return Listing.unread(records)


def parse_verdict(body: bytes, settings: Settings) -> bool:
    """Return whether the directory says that the password is right.

    That is JSON `true` or `false`, by itself or in the field `auth_success_field` of an object.
    Raises `NotJSON` or `WrongShape` for everything else, which is an outage.
    """
    source = printable(settings.url, 200)
    answer = strict_json.loads(body, source)
    field = settings.auth_success_field
    verdict = answer.get(field) if isinstance(answer, dict) else answer
    if isinstance(verdict, bool):
        return verdict
    raise WrongShape(
        f"The answer of {source} to the credential check is {kind(answer)}, not true or false, "
        f"nor an object whose field “{printable(field, 60)}” is.",
        "Check the URL and auth_success_field.",
    )
