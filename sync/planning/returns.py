"""Whether a name is the person whom it stood for before: who comes back, and who only inherits.

Names are given anew. Somebody new must not get the mail, the privileges and the rights of the one
before, so where it is not certain it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from store.addresses import address_key
from store.distinguished_names import dn_key
from store.interface import Edit
from store.models import DIRECTORY_SERVICES, Settings, User, UserRow
from store.names import match_key
from store.privileges import ADMIN
from store.text import printable
from sync.directory.listing import DirectoryUser
from sync.planning import changes
from sync.planning.changes import COMPARED_FIELDS
from sync.planning.draft import Draft
from sync.planning.identity import directory_of, known_id
from sync.planning.left_out import Line
from sync.planning.plan import Answers, Change, FieldChange


class Former(NamedTuple):
    """What is left of a name's former user: the `row` of one who was deleted, if the history has
    it, and whether the archive folder of the name holds mail, None where nobody can look.

    The row's name is another one where the directory's id alone tells who it was.
    """

    row: UserRow | None
    holds_mail: bool | None

    def earlier(self, key: str) -> str | None:
        """Return the name that the user had, if it was another one than that of `key`."""
        name = self.row["user_name"] if self.row else None
        return None if name is None or match_key(name) == key else name


# By match keys, which are looked up with the ids that are listed for them.
Formers = Callable[[Mapping[str, str | None]], Mapping[str, Former]]


def nobody(_wanted: Mapping[str, str | None]) -> Mapping[str, Former]:
    """Return that the names are new."""
    return {}


@dataclass(slots=True)
class Decided:
    """What becomes of names that somebody had before.

    `writable` are lines with an edit, `asked` the open questions, `names` the keys of both;
    `in_question` those for which there was something to answer.
    """

    writable: list[Line] = field(default_factory=list)
    asked: list[Change] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    in_question: set[str] = field(default_factory=set)


def newcomers(
    users: Mapping[str, UserRow],
    creates: Mapping[str, DirectoryUser],
    former_users: Formers,
    leaving: Collection[str],
    settings: Settings,
    answers: Answers,
    now: str,
) -> Decided:
    """Decide about new names that the history knows, or whose archive folder holds mail.

    `leaving` are the keys of users who take their folder along to another name. `now` is the time
    from which a user counts whom nobody remembers.
    """
    decided = Decided()
    ids = {key: record.id for key, record in creates.items()}
    formers = former_users(ids) if ids else {}
    taken = creates.keys() | users.keys()
    for key, former in formers.items():
        if key in leaving:
            continue
        record, row = creates[key], former.row
        certain = (
            row is not None
            and former.earlier(key) is None
            and comes_back(row, record, directory_of(settings))
        )
        if not certain:
            decided.in_question.add(key)
        decided.names.add(key)
        if certain or key in answers.same:
            back = partial(_return, former, settings, now, certain, taken)
            decided.writable.append(Line.of(back, record))
        elif key in answers.new:
            has_folder = former.holds_mail is not False and former.earlier(key) is None
            new = partial(_somebody_new, settings, has_folder or former.holds_mail is True)
            decided.writable.append(Line.of(new, record))
        else:
            decided.asked.append(_is_it_the_former(former, record))
    return decided


def successors(
    users: Mapping[str, UserRow],
    updates: Mapping[str, DirectoryUser],
    others: Collection[str],
    elsewhere: Mapping[str, DirectoryUser | None],
    may_go: Callable[[str, UserRow], bool],
    settings: Settings,
    answers: Answers,
) -> Decided:
    """Decide about users who are here, and whose record may be another person's.

    That is so for `others`, whose id is another, and where everything but the name changed. Those
    whose own id is listed `elsewhere`, in another record, None for one without a usable name, are
    certainly not listed here, and not gone either, so mailroster asks nothing.
    """
    decided, directory = Decided(), directory_of(settings)
    for key, record in updates.items():
        row, is_other = users[key], key in others
        if not (is_other or (not _has_id(row, record, directory) and is_replaced(row, record))):
            continue
        decided.names.add(key)
        if is_other and key in elsewhere:
            decided.asked.append(_is_elsewhere(row, elsewhere[key]))
            continue
        decided.in_question.add(key)
        if key in answers.same:
            update = partial(changes.update, directory=directory)
            decided.writable.append(Line.of_row(update, row, record))
        elif key in answers.new and may_go(key, row):
            decided.writable.append(Line(_replaced(row)))
            decided.writable.append(Line.of(partial(_somebody_new, settings, True), record))
        else:
            decided.asked.append(
                changes.conflict(row["user_name"], _MAY_NOT_GO)
                if key in answers.new
                else _is_it_still(row, record, is_other=is_other)
            )
    return decided


_MAY_NOT_GO = (
    "the directory lists somebody new under this name, but a sync deletes neither administrators "
    "nor pinned users, nor users out of scope while automatic deletion is off; rename or delete "
    "the user by hand"
)


def _is_elsewhere(row: UserRow, record: DirectoryUser | None) -> Change:
    where = changes.quoted([record.user_name]) if record else "a name that cannot be used"
    return changes.conflict(
        row["user_name"],
        f"the directory lists this name with another id, and this user's own id under {where}; "
        "log-ons are refused until a sync can follow that record",
    )


def comes_back(row: UserRow, record: DirectoryUser, directory: str) -> bool:
    """Tell whether the record is certainly that of the deleted user.

    By the id where both have one; else all has to be as it was, and tell people apart. A local
    user had nothing to do with the directory.
    """
    if row["authentication"] != DIRECTORY_SERVICES or record.unreadable:
        return False
    if record.id and (known := known_id(row, directory)):
        return record.id == known
    return (
        bool(row["distinguished_name"] or row["email_addresses"])
        and dn_key(row["distinguished_name"] or "") == dn_key(record.distinguished_name or "")
        and row["full_name"] == record.full_name
        and set(map(address_key, row["email_addresses"]))
        == set(map(address_key, record.email_addresses))
    )


def is_replaced(row: UserRow, record: DirectoryUser) -> bool:
    """Tell whether nothing but the name is as it was: every field that is known before and now.

    One field alone, such as a full name, may just be corrected.
    """
    same = []
    if row["distinguished_name"] and record.distinguished_name:
        same.append(dn_key(row["distinguished_name"]) == dn_key(record.distinguished_name))
    if row["full_name"] and record.full_name:
        same.append(row["full_name"] == record.full_name)
    if row["email_addresses"] and record.email_addresses:
        before = set(map(address_key, row["email_addresses"]))
        same.append(not before.isdisjoint(map(address_key, record.email_addresses)))
    return len(same) > 1 and not any(same)


def _has_id(row: UserRow, record: DirectoryUser, directory: str) -> bool:
    return record.id is not None and record.id == known_id(row, directory)


def suspensions(users: Mapping[str, UserRow], draft: Draft) -> Iterator[Change]:
    """Yield the changes that refuse log-ons under names that are listed with another person's id.

    None for users of whom the plan decides something, or whom it leaves alone; nor where log-ons
    are refused already.
    """
    decided = {change.edit.key for change in draft.changes if change.edit} | draft.left_alone
    for key in draft.identities.others - decided:
        row, record = users[key], draft.present[key]
        if row["authentication"] != DIRECTORY_SERVICES or row.get("other_id") == record.id:
            continue
        yield Change(
            action="update",
            user_name=row["user_name"],
            reason="log-ons are refused until it is known who this is: the directory lists the "
            f"name with the id {printable(record.id or '', 60)}; the delete guard counts it",
            fields={"other_id": FieldChange(row.get("other_id"), record.id)},
            edit=Edit.of_row(row, replace(User.from_row(row), other_id=record.id)),
        )


def _return(
    former: Former,
    settings: Settings,
    now: str,
    certain: bool,
    taken: Collection[str],
    record: DirectoryUser,
) -> Change:
    """Return the change that brings the former user back.

    Everything but `admin` comes back that concerns the own archive. What the user could do to the
    folders of others does not: they may have other owners by now. The folder of an earlier name
    moves along, unless that name is one of the `taken`.
    """
    back, key = changes.created(settings, record), match_key(record.user_name)
    earlier = former.earlier(key)
    if former.row is not None:
        privileges = [name for name in former.row["privileges"] if name != ADMIN]
        rights = former.row["folder_privileges"].get(match_key(earlier or key))
        back = replace(
            back,
            privileges=privileges or back.privileges,
            folder_privileges=back.folder_privileges if rights is None else {key: list(rights)},
        )
    back = replace(back, created=former.row["created"] if former.row else now)
    was = f"was deleted as “{printable(earlier, 60)}”" if earlier else "was deleted"
    reason = f"{was}, and comes back with the privileges from before" + (
        "" if certain else ", as you say"
    )
    moving = earlier if earlier and match_key(earlier) not in taken else None
    if moving:
        reason += "; the archive folder moves along"
    if former.row is None:
        reason = "the archive folder with its mail is this user's, as you say"
    elif ADMIN in former.row["privileges"]:
        reason += "; is no longer an administrator"
    return Change(
        action="return",
        user_name=back.user_name,
        reason=reason,
        fields=changes.given(back),
        archive="kept" if former.holds_mail and not earlier else None,
        edit=Edit.create(back),
        candidates=(moving,) if moving else (),
    )


def _somebody_new(settings: Settings, holds_mail: bool, record: DirectoryUser) -> Change:
    change = changes.creation(settings, record)
    reason = "somebody new under a name from before, as you say"
    if not holds_mail:
        return replace(change, reason=reason)
    return replace(change, reason=f"{reason}; the archive folder is set aside", archive="aside")


def _replaced(row: UserRow) -> Change:
    return changes.deletion(row, "the name is somebody else's now, as you say", lambda _: True)


def _is_it_the_former(former: Former, record: DirectoryUser) -> Change:
    earlier = former.earlier(match_key(record.user_name))
    if earlier is not None:
        why = f"“{printable(earlier, 60)}” was deleted, and this name is listed with that user's id"
    elif former.row is None:
        why = (
            "the archive folder of this name holds mail from before, and mailroster does not know "
            "whose"
        )
    else:
        why = "a user of this name was deleted" + (
            ", and the archive folder holds mail" if former.holds_mail else ""
        )
    before: Mapping[str, Any] = former.row or {}
    fields = {
        name: FieldChange(before.get(name), getattr(record, name)) for name in COMPARED_FIELDS
    }
    fields["directory_id"] = FieldChange(before.get("directory_id"), record.id)
    return _question(record.user_name, f"{why}; until you answer, no user is created", fields)


def _is_it_still(row: UserRow, record: DirectoryUser, *, is_other: bool) -> Change:
    why = (
        "the directory lists this name with another id; until you answer, its log-ons are refused"
        if is_other
        else "everything but the name changed in the directory, as if it was given to somebody "
        "else; until you answer, the user stays as is"
    )
    before = {name: row.get(name) for name in ("directory_id", *COMPARED_FIELDS)}
    now = {**{name: getattr(record, name) for name in COMPARED_FIELDS}, "directory_id": record.id}
    fields = {name: FieldChange(value, now[name]) for name, value in before.items()}  # type: ignore[arg-type]
    return _question(row["user_name"], why, fields)


def _question(user_name: str, reason: str, fields: Mapping[str, FieldChange]) -> Change:
    return Change(
        action="return",
        user_name=user_name,
        reason=reason,
        fields={
            name: both for name, both in fields.items() if (both.old or None) != (both.new or None)
        },
        asks="return",
    )
