"""The exports that administrators have, made up: what is served of each, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from store.errors import InvalidValue
from sync.directory.listing import DirectoryUser, Listing
from sync.server.directory_file import DirectoryFileInvalid, read_file
from sync.server.file_columns import mapping

GUID = "01234567-89ab-cdef-0123-456789abcdef"
HASH = "{CRYPT}$6$saltsalt$hunter2.of.no.password.at.all"
SECRETS = (HASH, "hunter2", "{SHA512-CRYPT}", "5f4dcc3b5aa765d61d8327deb882cf99")


class Export(NamedTuple):
    """A file, and what comes of it: users as name, full name, addresses, id; notes in part."""

    text: str | bytes
    users: list[tuple[str, str | None, list[str], str | None]]
    notes: tuple[str, ...] = ()
    map: str = ""


ANNA = ("anna", "Anna Berg", ["anna@example.com"], None)
JOERG = ("jörg", "Jörg Müller", ["jm@example.com"], None)
OURS = "userName,fullName,emailAddresses\nanna,Anna Berg,anna@example.com\n"
UMLAUTS = "userName;fullName;emailAddresses\r\njörg;Jörg Müller;jm@example.com\r\n"
BOTH = ["a@example.com", "b@example.com"]

SERVED: dict[str, Export] = {
    "ours": Export(OURS, [ANNA]),
    "names of columns in another case": Export(OURS.replace("userName", "USERNAME"), [ANNA]),
    "names of columns as words": Export(OURS.replace("userName", "User Name"), [ANNA]),
    "names of columns with underscores": Export(
        OURS.replace("emailAddresses", "email_addresses"), [ANNA]
    ),
    "semicolons": Export(OURS.replace(",", ";"), [ANNA]),
    "tabs": Export(OURS.replace(",", "\t"), [ANNA]),
    "bars": Export(OURS.replace(",", "|"), [ANNA]),
    "sep=": Export("sep=;\r\n" + OURS.replace(",", ";"), [ANNA]),
    "sep= in capitals, with a mark": Export("\ufeffSEP=,\n" + OURS, [ANNA]),
    "empty rows": Export(OURS + "\n,,\n  , ,\n\n", [ANNA]),
    "rows of delimiters, as Excel leaves them": Export(
        OURS.replace(",", ";") + ";;\r\n;;\r\n", [ANNA]
    ),
    "a trailing comma": Export(OURS.replace("\n", ",\n"), [ANNA]),
    "a trailing comma in the rows alone": Export(
        OURS.replace("@example.com\n", "@example.com,\n"), [ANNA]
    ),
    "quoted": Export(
        '"userName","fullName","emailAddresses"\n"anna","Anna Berg","anna@example.com"\n', [ANNA]
    ),
    "a line break in a cell": Export(
        'userName,fullName,emailAddresses\nanna,Anna Berg,"a@example.com\nb@example.com"\n',
        [("anna", "Anna Berg", BOTH, None)],
    ),
    "extra columns": Export(
        "userName,Telephone,fullName,emailAddresses,Room\nanna,1,Anna Berg,anna@example.com,2\n",
        [ANNA],
        ("Columns left out: Telephone, Room.",),
    ),
    "old line ends": Export(OURS.replace("\n", "\r"), [ANNA]),
    "UTF-8 with a mark": Export(("\ufeff" + UMLAUTS).encode(), [JOERG]),
    "UTF-16 with a mark": Export(UMLAUTS.encode("utf-16"), [JOERG]),
    "UTF-16, big end first": Export(("\ufeff" + UMLAUTS).encode("utf-16-be"), [JOERG]),
    "UTF-16 without a mark": Export(UMLAUTS.encode("utf-16-le"), [JOERG]),
    "Windows-1252, with semicolons, from Excel": Export(
        UMLAUTS.encode("cp1252"), [JOERG], ("not UTF-8 (line 2), so it was read as Windows-1252",)
    ),
    "addresses by comma": Export(
        'userName,emailAddresses\nanna,"a@example.com,b@example.com"\n',
        [("anna", None, BOTH, None)],
    ),
    "addresses by semicolon and space": Export(
        "userName,emailAddresses\nanna,a@example.com; b@example.com\n",
        [("anna", None, BOTH, None)],
    ),
    "Exchange's addresses, joined by +": Export(
        "userName,emailAddresses\nanna,smtp:b@example.com+SMTP:a@example.com+sip:a@x\n",
        [("anna", None, BOTH, None)],
    ),
    "an address with a + of its own": Export(
        "userName,emailAddresses\nanna,a+shop@example.com\n",
        [("anna", None, ["a+shop@example.com"], None)],
    ),
    "addresses with names": Export(
        'userName,emailAddresses\nanna,"Anna <a@example.com>, Berg <b@example.com>"\n',
        [("anna", None, BOTH, None)],
    ),
    "Google Workspace": Export(
        "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],"
        "Password Hash Function [UPLOAD ONLY],Org Unit Path [Required],Status [READ ONLY],"
        "Home Secondary Email\n"
        "Anna,Berg,anna@example.com,hunter2,,/Staff,Active,private@example.org\n",
        [("anna@example.com", "Anna Berg", ["anna@example.com"], None)],
        ("an export of Google Workspace", "Password [Required]"),
    ),
    "Google Workspace, by GAM": Export(
        "primaryEmail,name.fullName,suspended\nanna@example.com,Anna Berg,False\n",
        [("anna@example.com", "Anna Berg", ["anna@example.com"], None)],
        ("an export of Google Workspace",),
    ),
    "Microsoft Entra": Export(
        "userPrincipalName,displayName,surname,mail,givenName,id,userType,accountEnabled\n"
        f"anna@example.com,Anna Berg,Berg,a.berg@example.com,Anna,{GUID},Member,True\n",
        [("anna@example.com", "Anna Berg", ["a.berg@example.com"], GUID)],
        ("an export of Microsoft Entra",),
    ),
    "Microsoft 365 admin center": Export(
        "Block credential,Display name,Object Id,Proxy addresses,User principal name\n"
        f"False,Anna Berg,{GUID},SMTP:a@example.com+smtp:b@example.com,anna@example.com\n",
        [("anna@example.com", "Anna Berg", BOTH, GUID)],
        ("an export of Microsoft Entra",),
    ),
    "Get-ADUser | Export-Csv": Export(
        "#TYPE Microsoft.ActiveDirectory.Management.ADUser\r\n"
        '"DistinguishedName","Enabled","GivenName","Name","ObjectClass","ObjectGUID",'
        '"SamAccountName","SID","Surname","UserPrincipalName"\r\n'
        f'"CN=Berg\\, Anna,DC=x","True","Anna","Anna Berg","user","{GUID}","anna","S-1","Berg",'
        '"anna@example.com"\r\n',
        [("anna", "Anna Berg", [], GUID)],
        ("an export of Active Directory",),
    ),
    "Get-ADUser | Export-Csv -Encoding Unicode": Export(
        (
            "#TYPE Selected.Microsoft.ActiveDirectory.Management.ADUser\r\n"
            '"SamAccountName"\t"DisplayName"\t"mail"\r\n"jörg"\t"Jörg Müller"\t"jm@example.com"\r\n'
        ).encode("utf-16"),
        [JOERG],
        ("an export of Active Directory",),
    ),
    "csvde": Export(
        "DN,objectClass,displayName,sAMAccountName,mail,proxyAddresses,objectGUID\r\n"
        '"CN=Berg\\, Anna,DC=x",user,Anna Berg,anna,a@example.com,'
        "smtp:b@example.com;SMTP:a@example.com,X'67452301ab89efcd0123456789abcdef'\r\n"
        '"CN=staff,DC=x",group,,staff,,,\r\n"CN=PC7,DC=x",computer,,PC7$,,,\r\n'
        '"OU=x,DC=x",organizationalUnit,,,,,\r\n',
        [("anna", "Anna Berg", BOTH, GUID)],
        ("an export of Active Directory", "3 rows left out: groups, computers"),
    ),
    "a table of one's own, by --map": Export(
        "Login;Vorname;Nachname;Mail;Alias;Personalnummer\nanna;Anna;Berg;a@example.com;"
        "b@example.com;7\n",
        [("anna", "Anna Berg", BOTH, "7")],
        (),
        "userName=Login,fullName=Vorname+Nachname,emailAddresses=Mail|Alias,id=Personalnummer",
    ),
    "another column of a known export, by --map": Export(
        "SamAccountName,UserPrincipalName,DisplayName\nanna,anna@example.com,Anna Berg\n",
        [("anna@example.com", "Anna Berg", [], None)],
        ("Columns left out: SamAccountName",),
        "userName=UserPrincipalName,fullName=DisplayName",
    ),
    "a known export by its name": Export(
        "SamAccountName,UserPrincipalName,DisplayName\nanna,anna@example.com,Anna Berg\n",
        [("anna@example.com", "Anna Berg", [], None)],
        ("an export of Microsoft Entra",),
        "entra",
    ),
    "JSON": Export(
        '[{"userName": "anna", "fullName": "Anna Berg", "emailAddresses": ["anna@example.com"]}]',
        [ANNA],
    ),
    "JSON of an Active Directory": Export(
        f'[{{"SamAccountName": "anna", "ObjectGUID": "{GUID}", "mail": "anna@example.com", '
        '"DisplayName": "Anna Berg"}]',
        [("anna", "Anna Berg", ["anna@example.com"], GUID)],
        ("an export of Active Directory",),
    ),
}


def served(path: Path, export: Export) -> tuple[list[DirectoryUser], str]:
    data = export.text
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    content = read_file(path, mapping(export.map) if export.map else None)
    listing = Listing.unread([user.record for user in content.users])
    assert listing.invalid == []
    return listing.users, " ".join(content.notes)


@pytest.mark.parametrize("shape", SERVED)
def test_served(tmp_path: Path, shape: str) -> None:
    export = SERVED[shape]
    users, told = served(tmp_path / "export.csv", export)
    found = [(user.user_name, user.full_name, user.email_addresses, user.id) for user in users]
    assert found == export.users
    assert all(note in told for note in export.notes), told
    assert bool(told) is bool(export.notes) or export.map, told
    assert not any(secret in told for secret in SECRETS)


REFUSED: dict[str, tuple[str | bytes, str, str]] = {
    "LDIF": (
        "version: 1\n\ndn: uid=anna,dc=x\nuid: anna\nuserPassword: hunter2\n",
        "it is LDIF",
        "directory_service=ldap",
    ),
    "LDIF without a version": (
        "# a comment\n\ndn:: dWlkPWFubmE=\nuid: anna\n",
        "it is LDIF",
        "docs/DIRECTORY-SERVER.md",
    ),
    "a passwd file of the system": (
        "root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000:Anna Berg:/home/anna:/bin/sh\n",
        "it is a passwd file",
        "docs/DIRECTORY-SERVER.md",
    ),
    "a passwd file of Dovecot": (
        f"anna:{HASH}\nbert:{{SHA512-CRYPT}}$6$hunter2:1000:1000::/home/bert\n",
        "it is a passwd file",
        "first line of names",
    ),
    "a passwd file with addresses": (
        f"anna@example.com:{HASH}::::::\n",
        "it is a passwd file",
        "first line of names",
    ),
    "a Postfix map": (
        "# aliases\nanna@example.com   anna\ninfo@example.com  anna@example.com\n",
        "the column userName is missing",
        "--map",
    ),
    "a Postfix map of addresses": (
        "@example.com  info@example.org\ninfo@example.com  anna@example.com\n",
        "it is a map of addresses",
        "where their passwords are",
    ),
    "a Postfix map of patterns": (
        "/^info-.*@example\\.com$/  anna@example.com\n",
        "it is a map of addresses",
        "where their passwords are",
    ),
    "a workbook": (b"PK\x03\x04" + b"\x00" * 100, "spreadsheet program's own", "CSV UTF-8"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + b"\x00" * 100, "spreadsheet", "CSV UTF-8"),
    "a web page": ("<!DOCTYPE html>\n<html>", "XML or a web page", "Export CSV"),
    "XML": ("<?xml version='1.0'?>\n<users/>", "XML or a web page", "Export CSV"),
    "no header": (f"anna,Anna Berg,{HASH}\n", "the column userName is missing", "--map"),
    "no header, and hashes that are words": (
        "anna,5f4dcc3b5aa765d61d8327deb882cf99\n",
        "the column userName is missing",
        "--map",
    ),
    "no text": (b"\xff\x81\x8d", "neither UTF-8 nor UTF-16", "UTF-8"),
    "half of a UTF-16 file": (OURS.encode("utf-16")[:-1], "not UTF-16 throughout", "UTF-8"),
    "empty": ("", "the column userName is missing", "--map"),
}


@pytest.mark.parametrize("shape", REFUSED)
def test_refused_with_what_to_do(tmp_path: Path, shape: str) -> None:
    data, what, advice = REFUSED[shape]
    path = tmp_path / "export.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(DirectoryFileInvalid) as caught:
        read_file(path)
    assert what in caught.value.what
    assert advice in caught.value.advice
    assert not any(secret in str(caught.value) for secret in SECRETS)
    assert "anna" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("login=x", "does not take “login”"),
        ("userName", "does not take “userName”"),
        ("userName=", "does not take “userName”"),
        ("", "does not take “”"),
    ],
)
def test_a_map_that_cannot_be_read(text: str, says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        mapping(text)


def test_a_map_whose_column_is_not_there(tmp_path: Path) -> None:
    path: Any = tmp_path / "export.csv"
    path.write_text(OURS)
    with pytest.raises(DirectoryFileInvalid, match="no column “Login”, which --map names"):
        read_file(path, mapping("userName=Login"))
