"""The states of Synchronize and Users and of their dialogs that are kept as pictures."""

from __future__ import annotations

from dataclasses import replace

from store.models import User
from sync.directory.listing import InvalidRecord
from tests.support.builders import answer, listed, managed
from tests.tui.driver import Driver
from tests.tui.scenes import LONG, LONG_USER, USERS, Play, Scene, keys

NOWHERE = {"url": "http://127.0.0.1:1/"}
LISTING = answer(
    listed("anna.mueller", "anna@example.com", full="Anna Maier", dn="CN=Anna Maier,DC=example"),
    listed("carl"),
    listed("dora", "dora@example.com", full="Dora Dietz"),
    listed("erna", "erna@example.com", full="Erna Ernst"),
    listed("zoe.new", full="Zoe", dn="CN=Zoe"),
    InvalidRecord("lager/tor", "the user name contains “/”", None, []),
)
MANY = (*USERS, managed("zoe.old", full_name="Zoe", distinguished_name="CN=Zoe"))
LONG_LISTING = answer(
    listed("k" * 250, f"{'m' * 60}@example.com", full=LONG, dn=LONG),
    listed(LONG_USER.user_name, full=f"other {LONG}", dn=LONG),
    InvalidRecord("/" * 300, LONG, None, []),
)
CROWD = tuple(managed(f"user{number:02}", full_name=f"User {number}") for number in range(60))


def tested(*pressed: str) -> Play:
    """Run Test Settings, then press these keys."""

    async def play(admin: Driver) -> None:
        await admin.press("f5", "t")
        await admin.sees("in scope")
        await admin.press(*pressed)

    return play


async def failed(admin: Driver) -> None:
    await admin.press("f5", "t")
    await admin.sees("refused the connection")


async def switched(admin: Driver) -> None:
    await admin.press("f6", "end", "a")
    await admin.sees("could not ask the directory")


async def done(admin: Driver) -> None:
    await admin.press("f5", "t")
    await admin.sees("create")
    await admin.press("s")
    await admin.sees("This will")
    await admin.press("y")
    await admin.sees("Done")


async def save_plan(admin: Driver) -> None:
    await tested("p", "ctrl+u")(admin)
    await admin.type("/no/such/folder/plan.json")
    await admin.sees("This folder does not exist.")


async def skip_always(admin: Driver) -> None:
    await tested("m", "m", "x")(admin)
    await admin.type("service accounts, ticket 12")


def crowd_renamed(*pressed: str) -> Scene:
    """Everybody has a new name, and one may be two."""
    new = [listed(f"new{n:02}", dn=f"CN={n}") for n in range(40)]
    old = [managed(f"old{n:02}", distinguished_name=f"CN={n}") for n in range(40)]
    two = managed("ole", full_name="Ole", email_addresses=["ole@example.com"])
    listing = answer(*new, listed("zz", "ole@example.com", dn="CN=zz"))
    also = managed(
        "zoe", full_name="Zoe", distinguished_name="CN=zz", privileges=["login", "export"]
    )
    return Scene(tested(*pressed), users=(*old, two, also), listing=listing)


async def no_such_line(admin: Driver) -> None:
    await admin.press("f6", "slash")
    await admin.type("nobody")
    await admin.sees("0 of 0")


LISTS = {
    "synchronize_empty": Scene(keys("f5")),
    "synchronize": Scene(tested("down", "down"), users=MANY, listing=LISTING),
    "synchronize_no_changes": Scene(tested(), users=(), listing=answer()),
    "synchronize_blocked": Scene(tested(), users=CROWD, listing=answer(listed("user00"))),
    "synchronize_number": Scene(
        tested("s"), users=CROWD, listing=answer(*(listed("user00"), listed("new")))
    ),
    "synchronize_long": Scene(tested("down"), users=(LONG_USER,), listing=LONG_LISTING),
    "synchronize_failed": Scene(failed, NOWHERE),
    "synchronize_confirm": Scene(tested("s"), users=MANY, listing=LISTING),
    "synchronize_done": Scene(done, users=MANY, listing=LISTING),
    "synchronize_rename": Scene(tested("end", "enter"), users=MANY, listing=LISTING),
    "synchronize_rename_of_two": crowd_renamed("end", "enter"),
    "synchronize_rename_all": crowd_renamed("enter", "R"),
    "synchronize_link": Scene(tested("end", "up", "up", "enter"), users=MANY, listing=LISTING),
    "synchronize_answered": Scene(tested("end", "enter", "r"), users=MANY, listing=LISTING),
    "synchronize_skip_always": Scene(skip_always, users=MANY, listing=LISTING),
    "synchronize_save_plan": Scene(save_plan, users=MANY, listing=LISTING),
    "users_empty": Scene(keys("f6"), users=()),
    "users": Scene(keys("f6", "down", "space", "down", "space")),
    "users_filtered": Scene(no_such_line),
    "users_pinned": Scene(keys("f6", "down"), users=(replace(USERS[0], pinned=True), *USERS[1:])),
    "users_long": Scene(keys("f6", "end"), users=(*USERS, LONG_USER)),
    "users_many": Scene(keys("f6", "end"), users=CROWD),
    "users_switch": Scene(switched, NOWHERE),
    "users_password": Scene(keys("f6", "down", "a")),
    "users_method": Scene(keys("f6", "down", "space", "end", "space", "a")),
    "users_privileges": Scene(keys("f6", "m", "v", "r")),
    "users_privileges_confirm": Scene(keys("f6", "m", "v", "r", "ctrl+s")),
    "users_delete": Scene(keys("f6", "down", "x")),
    "users_help": Scene(keys("f6", "f1")),
    "user": Scene(keys("f6", "down", "enter")),
    "user_pinned": Scene(
        keys("f6", "down", "enter"), users=(replace(USERS[0], pinned=True), *USERS[1:])
    ),
    "user_long": Scene(keys("f6", "end", "enter"), users=(LONG_USER,)),
    "user_new": Scene(keys("f6", "n")),
    "user_new_problem": Scene(keys("f6", "n", "x", "tab", "x")),
    "user_edit": Scene(keys("f6", "down", "enter", "c")),
    "user_rename": Scene(keys("f6", "down", "enter", "r")),
    "user_privileges": Scene(keys("f6", "down", "enter", "v")),
    "user_rights": Scene(
        keys("f6", "down", "enter", "n"),
        users=(User(user_name="anna", privileges=["login"], password_hash="x"),),
    ),
}
