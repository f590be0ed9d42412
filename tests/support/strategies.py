"""Hypothesis strategies for stores and directory answers that meet each other often."""

from __future__ import annotations

from hypothesis import strategies as st

from store.models import (
    DIRECTORY_SERVICES,
    INTEGRATED,
    FilterRule,
    Settings,
    User,
)
from sync.directory.listing import DirectoryUser, InvalidRecord, Listing
from sync.planning.identity import directory_of

# Few names, so that users meet; some of them equal under the matching rule.
names = st.sampled_from(
    [
        "anna",
        "Anna",
        "bert",
        "carla",
        "STRASSE",
        "straße",
        "Jos\u00e9",
        "Jose\u0301",
        "dora",
        "emil",
        "Admin",
        "admin",
        "svc-one",
        "svc-two",
    ]
)
addresses = st.sampled_from([f"{name}@example.{top}" for name in "abcde" for top in ("com", "org")])
distinguished_names = st.none() | st.sampled_from([f"cn={number}" for number in range(6)])
ids = st.none() | st.sampled_from("1234")
full_names = st.none() | st.sampled_from(["Anna Berg", "Bert", "[/]", "\x1b]0;x\x07"])

directory_users = st.builds(
    DirectoryUser,
    user_name=names,
    distinguished_name=distinguished_names,
    full_name=full_names,
    email_addresses=st.lists(addresses, max_size=2, unique=True),
    unreadable=st.sampled_from([(), (), (), ("full_name",), ("email_addresses",)]),
    id=ids,
)
invalid_records = st.builds(
    InvalidRecord,
    user_name=st.none() | st.sampled_from(["an/na", "bert*", ".carla"]),
    problem=st.just("the user name is malformed"),
    distinguished_name=distinguished_names,
    email_addresses=st.lists(addresses, max_size=1),
    id=ids,
)
listings = st.builds(
    Listing,
    users=st.lists(directory_users, max_size=12),
    invalid=st.lists(invalid_records, max_size=1),
    warnings=st.just([]),
)
filter_rules = st.builds(
    FilterRule,
    action=st.sampled_from(["include", "exclude"]),
    field=st.sampled_from(["user_name", "email_domain", "distinguished_name"]),
    pattern=st.sampled_from(["*", "svc-*", "a*", "example.com", "cn=[0-3]", "?nna"]),
)
settings = st.builds(
    Settings,
    auto_delete=st.sampled_from([True, True, False]),
    filters=st.lists(filter_rules, max_size=2).map(tuple),
    default_privileges=st.sampled_from([("login",), ("login", "export"), ("none",)]),
    # High limits: what the guard blocks has tests of its own.
    guard_max_deletes=st.just(1000),
    guard_max_delete_percent=st.just(100),
)
_users = st.builds(
    User,
    user_name=names,
    full_name=full_names,
    distinguished_name=distinguished_names,
    email_addresses=st.lists(addresses, max_size=2, unique=True),
    authentication=st.sampled_from([INTEGRATED, DIRECTORY_SERVICES, DIRECTORY_SERVICES]),
    privileges=st.sampled_from([["login"], ["login", "export"], ["admin"], ["none"]]),
    password_hash=st.sampled_from([None, "$2b$04$SECRETHASHSECRETHASHSE"]),
    directory_id=ids,
    directory=st.sampled_from([directory_of(Settings()), "another one"]),
)
stored_users = st.lists(_users, max_size=10, unique_by=lambda user: user.key)
