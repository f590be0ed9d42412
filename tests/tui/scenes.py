"""The states of the log-on, of the forms and of their dialogs that are kept as pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from store.models import INTEGRATED, FilterRule, User
from store.passwords import hash_password
from sync.directory.certificate import Certificate
from sync.directory.listing import DirectoryUser, Listing
from sync.errors import CertificateRefused
from sync.logon.explain import Step
from sync.status.figures import Figures
from sync.status.outcomes import Outcome, Outcomes
from sync.status.status import Status
from tests.support.builders import answer, listed, managed
from tests.tui.driver import PASSWORD, Driver, log_on
from tui.preferences import Preferences
from tui.screens.connection_dialogs import CertificateDialog, TryLogOn, mapping_text
from tui.screens.dialogs import Message, NewPassword, TypedNumber
from tui.texts.plain import lines

Play = Callable[[Driver], Awaitable[None]]

URL = "https://directory.example.com:8443/ai"
LONG = "a very long text that does not fit into any field or column " * 4
CERTIFICATE = Certificate(
    "-----BEGIN CERTIFICATE-----\nbWFpbHJvc3Rlcg==\n-----END CERTIFICATE-----\n",
    "CN=directory.example.com,OU=IT Services,O=Example Ltd,C=DE",
    "CN=Example Internal CA,O=Example Ltd,C=DE",
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2099, 12, 31, 23, 59, tzinfo=UTC),
)
USERS = (
    managed(
        "anna.mueller",
        full_name="Anna Müller",
        email_addresses=["anna.mueller@example.com"],
        distinguished_name="CN=Anna Müller,OU=Sales,DC=example,DC=com",
    ),
    managed("bert", full_name="Bert Brandt", email_addresses=["bert@example.com"]),
    User(user_name="carl", full_name="Carl", privileges=["login", "export"], password_hash="x"),
)
LONG_USER = managed(
    "l" * 200,
    full_name=LONG,
    email_addresses=[f"{'m' * 60}@{'n' * 60}.example.com"],
    distinguished_name=f"CN={LONG}",
)
OF_CARL: dict[str, Any] = {
    "authentication": INTEGRATED,
    "privileges": ["login", "changePassword"],
    "folder_privileges": {"carl": ["read", "write"], "sales": ["read"], "l" * 100: ["read"]},
    "password_hash": hash_password(PASSWORD, "carl"),
}
CARL = User(user_name="carl", full_name="Carl C", email_addresses=["c@example.com"], **OF_CARL)
NOBODY_YET = {"administrator": None}
LISTING = answer(listed("anna.mueller"), listed("svc-backup"), listed("svc-print"))
RULES = (
    FilterRule(action="include", field="email_domain", pattern="example.com"),
    FilterRule(action="exclude", field="user_name", pattern="svc-*", reason="services"),
    FilterRule(action="skip", field="user_name", pattern="boss", reason="asked for it, ticket 12"),
)
STATUS = Status(
    at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
    where="/var/lib/mailroster/users.json",
    generation=12,
    archive="/var/lib/mailroster/archive",
    newest_backup=datetime(2026, 2, 3, 2, 0, 4, tzinfo=UTC),
    outcomes=Outcomes(
        succeeded=Outcome(
            at="2026-02-03T02:00:05+00:00",
            result="applied",
            counts={"create": 3, "update": 1},
            listed=124,
            conflicts=1,
            waiting=("lager/tor",),
        ),
        answered=Outcome(at="2026-02-03T02:00:05+00:00", result="applied", listed=124),
    ),
    users=Figures(integrated=2, directory_services=122),
    runs=40,
    head="5f1c0a7be2d4",
)


@dataclass(frozen=True)
class Scene:
    """A state of a screen: who is there, what is set and listed, and what is pressed."""

    play: Play
    settings: dict[str, Any] = field(default_factory=dict)
    users: tuple[User, ...] = USERS
    app: dict[str, Any] = field(default_factory=dict)
    listing: Listing | None = None


def keys(*pressed: str) -> Play:
    """Press these keys."""

    async def play(admin: Driver) -> None:
        await admin.press(*pressed)

    return play


async def wrong_log_on(admin: Driver) -> None:
    await admin.type("root")
    await admin.press("enter")
    await admin.type("wrong")
    await admin.press("enter")
    await admin.sees("is wrong")


def logged_on(name: str, *pressed: str) -> Play:
    """Log on with `PASSWORD`, then press these keys."""

    async def play(person: Driver) -> None:
        await log_on(person, name, PASSWORD)
        await person.sees("Quick Access")
        await person.press(*pressed)

    return play


async def wrong_current_password(person: Driver) -> None:
    await logged_on("carl", "p")(person)
    await person.fill("wrong", "another few words")
    await person.type("another few words")
    await person.press("enter")
    await person.sees("The current password is wrong")


async def logged_off(person: Driver) -> None:
    await logged_on("carl")(person)
    await person.app.log_off("carl was deleted, renamed, or lost the right to log on.")


async def first_problem(admin: Driver) -> None:
    await admin.fill("root", "too short", "too short")


async def bad_url(admin: Driver) -> None:
    await admin.press("f2")
    await admin.focus("#url")
    await admin.press("ctrl+u")
    await admin.type("directory.example.com")


async def failed_check(admin: Driver) -> None:
    await admin.press("f2", "ctrl+t")
    await admin.sees("refused the connection")


async def certificate(admin: Driver) -> None:
    await admin.press("f2")
    refusal = CertificateRefused(
        "The certificate of directory.example.com:8443 comes from an unknown issuer.", ""
    )
    admin.app.push_screen(CertificateDialog(CERTIFICATE, refusal, ""))
    await admin.sees("SHA-256")


async def first_entries(admin: Driver) -> None:
    """What becomes of the first entries of a directory."""
    users = [
        DirectoryUser(
            name,
            f"cn={full_name},ou=Köln,dc=example,dc=com",
            full_name,
            [f"{name}@example.com"],
            id=f"01234567-89ab-cdef-0123-456789abcde{number}",
        )
        for number, (name, full_name) in enumerate({"anna": "Anna Berg", "jörg": "Jörg"}.items())
    ]
    users.append(DirectoryUser("\x1bx", None, None, [], ("email_addresses",)))
    listing = Listing(users, [], [])
    text = mapping_text(listing, {"user_name": "uid", "full_name": "cn", "email_addresses": "mail"})
    admin.app.push_screen(Message("The first entries, as users", text))
    await admin.settle()


async def tried_log_on(admin: Driver) -> None:
    async def explain(_name: str, _password: str | None) -> list[Step]:
        return [
            Step(True, "“anna” is the user “anna.mueller”."),
            Step(True, "The privileges allow a log-on: Log on."),
            Step(False, "The user is locked for another 14 min, after 5 failures."),
            Step(None, f"{URL} did not answer in full within 10 s. Nothing was changed. Try again"),
        ]

    await admin.press("f2")
    admin.app.push_screen(TryLogOn(explain))
    await admin.sees("Leave the password empty")
    await admin.type("anna")
    await admin.press("enter", "enter")
    await admin.sees("did not answer")


async def new_rule(admin: Driver) -> None:
    admin.app.listing = LISTING
    await admin.press("f3", "n")
    await admin.type("svc-*")
    await admin.sees("- leave:")


async def wrong_rule(admin: Driver) -> None:
    await admin.press("f3", "n", "enter")
    await admin.sees("The rule has no pattern yet.")


async def changed_rules(admin: Driver) -> None:
    admin.app.listing = LISTING
    await admin.press("f3")
    await admin.focus("#filters Table")
    await admin.press("end", "u", "u")
    await admin.sees("In scope")


async def edited_rule(admin: Driver) -> None:
    admin.app.listing = LISTING
    await admin.press("f3")
    await admin.focus("#filters Table")
    await admin.press("enter", "backspace")
    await admin.sees("would join it.")
    await admin.press("shift+tab")


async def discard(admin: Driver) -> None:
    await admin.press("f4", "space", "escape")
    await admin.sees("Discard")


async def quit_unsaved(admin: Driver) -> None:
    await admin.press("f4", "space", "q")
    await admin.sees("Quit and lose")


async def palette(admin: Driver) -> None:
    await admin.press("f2", "ctrl+p")
    await admin.type("log")
    await admin.sees("Try a log-on")


async def message(admin: Driver) -> None:
    admin.app.push_screen(Message("Not done: Test Settings", LONG * 8))
    await admin.sees("a very long text")


async def new_password(admin: Driver) -> None:
    admin.app.push_screen(NewPassword("New password for carl", "carl"))
    await admin.sees("Once more")
    await admin.fill(PASSWORD, "another one")


async def typed_number(admin: Driver) -> None:
    text = lines("The plan deletes 31 users, more than the limit of 25.", "This will: - 31 delete")
    admin.app.push_screen(TypedNumber("Synchronize now?", text, 31))
    await admin.sees("to delete")
    await admin.type("30")
    await admin.press("enter")


FORMS = {
    "logon": Scene(keys(), app={"administrator": None}),
    "logon_error": Scene(wrong_log_on, app={"administrator": None}),
    "quick_access": Scene(logged_on("carl"), users=(CARL,), app=NOBODY_YET),
    "quick_access_refused": Scene(
        logged_on("carl"), users=(replace(CARL, privileges=["login"]),), app=NOBODY_YET
    ),
    "quick_access_long": Scene(
        logged_on("carl", "end"),
        users=(replace(LONG_USER, user_name="carl", **OF_CARL),),
        app=NOBODY_YET,
    ),
    "quick_access_password": Scene(wrong_current_password, users=(CARL,), app=NOBODY_YET),
    "quick_access_help": Scene(logged_on("carl", "f1"), users=(CARL,), app=NOBODY_YET),
    "quick_access_logged_off": Scene(logged_off, users=(CARL,), app=NOBODY_YET),
    "connection_empty": Scene(keys("f2"), {"directory_service": "none", "url": ""}),
    "connection": Scene(
        keys("f2"),
        {
            "requires_authentication": True,
            "user_name": "archive",
            "password": "token",
            "pinned_certificate": CERTIFICATE.pem,
        },
    ),
    "connection_problem": Scene(bad_url),
    "connection_refused": Scene(failed_check, {"url": "http://127.0.0.1:1/"}),
    "connection_ldap": Scene(
        keys("f2"),
        {
            "directory_service": "ldap",
            "url": "ldaps://dc1.example.com ldaps://dc2.example.com",
            "requires_authentication": True,
            "user_name": "mailroster@example.com",
            "more": {"ldap_base": "dc=example,dc=com", "ldap_schema": "active_directory"},
        },
    ),
    "connection_ldap_entries": Scene(first_entries, {"directory_service": "ldap"}),
    "connection_insecure": Scene(keys("f2"), {"ignore_ssl_warnings": True}),
    "connection_long": Scene(
        keys("f2"), {"url": f"{URL}?{LONG.replace(' ', '')}", "ca_file": LONG, "user_name": LONG}
    ),
    "certificate": Scene(certificate),
    "try_log_on": Scene(tried_log_on),
    "options_empty": Scene(keys("f3")),
    "options": Scene(changed_rules, {"filters": RULES, "auto_delete": True}),
    "rule_edited": Scene(edited_rule, {"filters": RULES[1:]}),
    "options_long": Scene(
        keys("f3"),
        {"filters": (*RULES, replace(RULES[0], pattern=LONG, reason=LONG)) * 6},
    ),
    "rule": Scene(new_rule),
    "rule_problem": Scene(wrong_rule),
    "privileges": Scene(keys("f4")),
    "privileges_problem": Scene(keys("f4", "tab", "tab", "space")),
    "discard": Scene(discard),
    "quit": Scene(quit_unsaved),
    "palette": Scene(palette),
    "help": Scene(keys("f2", "f1")),
    "message_long": Scene(message),
    "new_password": Scene(new_password),
    "typed_number": Scene(typed_number),
    "preferences_problem": Scene(
        keys(), app={"preferences": Preferences(problems=("“neon” is not a theme.",))}
    ),
    "read_only": Scene(keys("f4"), app={"readonly": True}),
    "plain_colours": Scene(changed_rules, {"filters": RULES}, app={"plain_colours": True}),
}
