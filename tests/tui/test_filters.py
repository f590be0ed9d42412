"""Options: filter rules edited in their place, and whom they let in."""

from __future__ import annotations

from collections.abc import Callable

from store.files.lock import writer_lock
from store.models import FilterRule
from sync.configure import configure, leave_alone
from sync.directory.listing import Listing
from sync.planning.filters import parse_rule
from sync.workspace import Workspace, open_workspace
from tests.support.builders import answer, listed
from tests.support.directory import Directory
from tests.tui.driver import Driver, driving
from tui.screens.options import OptionsScreen
from tui.widgets.filter_rules import FilterRules
from tui.widgets.note import Note

ROOT = {"administrator": "root"}
LISTING = answer(listed("anna"), listed("svc-a"), listed("svc-b"))


async def open_rules(admin: Driver, listing: Listing = LISTING) -> OptionsScreen:
    """Show the options of a session that fetched these users, and go to the rules."""
    admin.app.listing = listing
    await admin.press("f3")
    screen = admin.app.screen
    assert isinstance(screen, OptionsScreen)
    screen.query_one(FilterRules).table.focus()
    await admin.settle()
    return screen


async def test_a_new_rule_counts_while_it_is_typed(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await open_rules(admin)
        await admin.sees("In scope: 3 of 3 listed users.")
        await admin.press("u")
        await admin.sees("The list of filter rules is empty. Press n to add one.")
        await admin.press("n")
        await admin.sees("1 ▌exclude ▌user_name ▌pattern with")
        await admin.press("enter")
        await admin.sees("The rule has no pattern yet.")
        assert "A filter rule has no pattern." not in admin.words
        await admin.press("s")
        await admin.sees("In scope: 3 of 3 listed users.")
        await admin.type("vc-*")
        await admin.sees("With this filter 2 users would leave the scope and 0 would join it.")
        await admin.sees("- leave: svc-a, svc-b")
        await admin.press("enter", "ctrl+s")
        await admin.sees("Saved.", "In scope: 1 of 3 listed users.")
        rule = FilterRule(action="exclude", field="user_name", pattern="svc-*")
        assert admin.app.workspace.snapshot().settings.filters == (rule,)


async def test_of_many_who_change_side_the_first_are_named(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await open_rules(admin, answer(*(listed(f"service-{number:02}") for number in range(40))))
        await admin.press("n")
        await admin.type("service-*")
        await admin.sees("- leave: service-00, service-01,", "service-07 and 32 more")


async def test_every_part_of_a_rule_is_changed_by_keys(filled: Callable[..., Workspace]) -> None:
    rules = (parse_rule("exclude user_name svc-*"), parse_rule("include email_domain a.example"))
    async with driving(filled(filters=rules), **ROOT) as admin:
        screen = await open_rules(admin)
        await admin.press("down", "enter", "shift+tab", "d", "shift+tab", "left", "tab", "tab")
        await admin.sees("2 ▌skip ▌distinguished_name▌a.example")
        await admin.press("ctrl+u")
        await admin.type("*OU=Old*")
        await admin.press("tab")
        await admin.type("they left")
        await admin.press("enter")
        await admin.sees("2 skip distinguished_name *OU=Old* they left", "Not saved yet.")
        changed = FilterRule(
            action="skip", field="distinguished_name", pattern="*OU=Old*", reason="they left"
        )
        assert screen.changes() == {"filters": (rules[0], changed)}


async def test_a_choice_goes_round_both_ways(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(filters=(parse_rule("exclude user_name a"),)), **ROOT) as admin:
        screen = await open_rules(admin)
        await admin.press("enter", "shift+tab", "shift+tab")
        shown = []
        for key in ("space", "right", "right", "left", "left", "s", "e", "z"):
            await admin.press(key)
            shown.append(screen.query_one(FilterRules).value[0].action)
        words = "skip include exclude include skip skip exclude exclude"
        assert shown == words.split()


async def test_escape_gives_an_edit_up(filled: Callable[..., Workspace]) -> None:
    rule = parse_rule("exclude user_name svc-*")
    async with driving(filled(filters=(rule,)), **ROOT) as admin:
        screen = await open_rules(admin)
        await admin.press("enter")
        await admin.type("x")
        await admin.sees("svc-*x", "2 would join it.")
        await admin.press("escape")
        await admin.sees("In scope: 1 of 3 listed users.")
        assert not screen.unsaved()
        await admin.press("n", "escape")
        assert screen.query_one(FilterRules).value == (rule,)
        assert admin.app.screen is screen
        await admin.press("escape")
        assert admin.app.screen is not screen


async def test_what_is_being_edited_can_be_saved(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), **ROOT) as admin:
        await open_rules(admin)
        await admin.press("n")
        await admin.type("svc-a")
        await admin.press("ctrl+s")
        await admin.sees("Saved.")
        assert admin.app.workspace.snapshot().settings.filters[0].pattern == "svc-a"
        await admin.press("x")
        await admin.sees("0 users would leave the scope and 1 would join it.", "+ join: svc-a")


async def test_a_rule_stays_open_when_others_save(filled: Callable[..., Workspace]) -> None:
    workspace = filled(filters=(parse_rule("exclude user_name svc-*"),))
    async with driving(workspace, **ROOT) as admin:
        screen = await open_rules(admin)
        await admin.press("enter")
        await admin.type("x")
        other = open_workspace(str(workspace.host_path))
        configure(other, {"guard_max_deletes": 7})
        other.close()
        await admin.sees("The saved settings changed.", "more than ▌7 ")
        await admin.press("x")
        assert screen.query_one(FilterRules).value[0].pattern == "svc-*xx"
        assert screen.query_one(FilterRules).editing


async def test_what_is_typed_while_it_is_saved_stays(filled: Callable[..., Workspace]) -> None:
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        screen = await open_rules(admin)
        await admin.focus("#guard_max_deletes")
        await admin.type("0")
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock"), 1):
            await admin.press("ctrl+s")
            await admin.type("9")
            await admin.settle()
        await admin.sees("Saved.", "more than ▌2509 ", "Not saved yet.")
        assert workspace.snapshot().settings.guard_max_deletes == 250
        assert screen.changes() == {"guard_max_deletes": "2509"}


async def test_a_form_is_not_saved_again_nor_left_while_it_is_saved(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled()
    async with driving(workspace, **ROOT) as admin:
        await open_rules(admin)
        await admin.focus("#guard_max_deletes")
        await admin.type("0")
        with writer_lock(workspace.host_path.with_name(f"{workspace.host_path.name}.lock"), 1):
            await admin.press("ctrl+s")
            await admin.sees("Waiting for it.")
            for key in ("ctrl+s", "escape"):
                await admin.press(key)
                await admin.sees("This is being saved; wait a moment.")
                admin.app.screen.query_one(Note).hide()
        await admin.sees("Saved.", "more than ▌250 ")
        await admin.pilot.pause(0.3)
        assert "Not done" not in admin.text


async def test_rules_are_moved_and_removed(filled: Callable[..., Workspace]) -> None:
    rules = tuple(parse_rule(f"exclude user_name {name}") for name in "abc")
    async with driving(filled(filters=rules), **ROOT) as admin:
        screen = await open_rules(admin)
        await admin.press("end", "u", "u", "u")
        await admin.sees("This rule is the first one.")
        await admin.press("d", "x")
        assert "".join(rule.pattern for rule in screen.query_one(FilterRules).value) == "ab"
        await admin.press("d")
        await admin.sees("This rule is the last one.")
        await admin.press("enter", "shift+tab", "n")
        await admin.sees("You are editing a rule. Press Enter to keep it, Esc to discard it.")


async def test_a_skip_rule_of_a_sync_is_shown_with_its_reason_and_removed(
    filled: Callable[..., Workspace],
) -> None:
    workspace = filled()
    leave_alone(workspace, ["svc-a"], "the backup's own")
    async with driving(workspace, **ROOT) as admin:
        await open_rules(admin)
        await admin.sees("1 skip user_name svc-a the backup's own")
        await admin.press("x", "ctrl+s")
        await admin.sees("Saved.")
        assert workspace.snapshot().settings.filters == ()


async def test_rules_are_moved_only_in_their_list(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(filters=(parse_rule("exclude user_name x"),)), **ROOT) as admin:
        await admin.press("f3", "x")
        await admin.sees("Go to the list of filter rules first (Tab).")
        await admin.focus("#archive_root")
        screen = admin.app.screen
        assert isinstance(screen, OptionsScreen)
        assert "field" in (screen.why_not("add") or "")


async def test_a_connection_check_is_counted_with_and_plans_nothing(
    filled: Callable[..., Workspace], directory: Directory
) -> None:
    directory.put("anna", "bert")
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f3")
        await admin.sees("To see how many users are in scope, ask the directory first")
        await admin.press("f2", "ctrl+t")
        await admin.sees("Reached: 2 users listed")
        await admin.press("f3")
        await admin.sees("In scope: 2 of 2 listed users.")
        assert admin.app.listing is None


async def test_a_hostile_rule_stays_as_it_is_until_it_is_touched(
    filled: Callable[..., Workspace],
) -> None:
    rule = FilterRule(action="skip", field="user_name", pattern="\x1b[31m*", reason=" \u202e ")
    async with driving(filled(filters=(rule,)), **ROOT) as admin:
        screen = await open_rules(admin)
        await admin.press("enter", "enter")
        assert screen.query_one(FilterRules).value == (rule,)
        assert not screen.unsaved()


async def test_the_line_follows_the_cursor_in_a_long_list(
    filled: Callable[..., Workspace],
) -> None:
    rules = tuple(parse_rule(f"exclude user_name name{number:02}") for number in range(40))
    async with driving(filled(filters=rules), **ROOT) as admin:
        screen = await open_rules(admin)
        await admin.press("end", "up", "enter")
        await admin.type("-x")
        await admin.sees("39 ▌exclude ▌user_name ▌name38-x", "40 exclude user_name name39")
        assert "name38 " not in admin.text
        await admin.pilot.resize_terminal(120, 40)
        await admin.sees("16 exclude user_name name15", "39 ▌exclude ▌user_name ▌name38-x")
        await admin.press("enter")
        assert screen.query_one(FilterRules).value[38].pattern == "name38-x"
