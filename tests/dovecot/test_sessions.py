"""Sessions that are open while privileges change, and many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.dovecot.site import Imap, Site, local
from tests.support.waiting import comes_true

MESSAGE = b"Subject: new\r\n\r\nbody\r\n"


def append(imap: Imap, owner: str) -> str:
    return imap.status_of("append", f"Archive/{owner}", "", "", MESSAGE)  # type: ignore[arg-type]


def test_what_is_taken_away_is_gone(each_site: Site) -> None:
    each_site.fill(local("paul"), local("quin", folder_privileges={"paul": ["write"]}))
    with each_site.log_on("quin") as earlier:
        assert append(earlier, "paul") == "OK"
        each_site.mailroster("users", "set-privileges", "quin", "--folder", "paul=read")
        with each_site.log_on("quin") as later:
            assert append(later, "paul") == "NO"
        assert comes_true(lambda: append(earlier, "paul") == "NO")
        assert earlier.enter("Archive/paul") == "OK"
        each_site.mailroster("users", "set-privileges", "quin", "--folder", "paul=none")
        with each_site.log_on("quin") as later:
            assert later.folders() == []
        assert comes_true(lambda: earlier.enter("Archive/paul") == "NO")


def test_an_open_session_loses_what_is_taken_away_without_another_log_on(site: Site) -> None:
    site.fill(local("rolf"), local("tina", folder_privileges={"rolf": ["write"]}))
    with site.log_on("tina") as imap:
        assert append(imap, "rolf") == "OK"
        assert imap.enter("Archive/rolf") == "OK"
        site.mailroster("users", "set-privileges", "tina", "none")
        assert comes_true(lambda: append(imap, "rolf") == "NO")
        before = site.mail("rolf")
        imap.tell("STORE", "1", "+FLAGS", r"(\Flagged \Deleted)")
        imap.tell("EXPUNGE")
        assert site.mail("rolf") == before
        assert comes_true(lambda: imap.enter("Archive/rolf") == "NO")


def test_a_refused_log_on_ends_the_open_sessions_of_a_disabled_user(each_site: Site) -> None:
    each_site.fill(local("ulla"), local("vera", folder_privileges={"ulla": ["write"]}))
    with each_site.log_on("vera") as imap:
        assert append(imap, "ulla") == "OK"
        each_site.mailroster("users", "set-privileges", "vera", "none")
        each_site.refusal("vera")
        assert comes_true(lambda: append(imap, "ulla") == "NO")
        assert comes_true(lambda: imap.enter("Archive/ulla") == "NO")


def test_a_renamed_user_keeps_the_mail_and_the_rights(each_site: Site) -> None:
    each_site.fill(local("rosa"), local("sara", folder_privileges={"rosa": ["read"]}))
    each_site.deliver("rosa")
    each_site.mailroster("users", "rename", "rosa", "Rosa Maria")
    with each_site.log_on("Rosa Maria") as imap:
        assert imap.folders() == ["Archive/rosa=20maria"]
        assert append(imap, "rosa=20maria") == "OK"
        assert imap.select("Archive/rosa=20maria") == ("OK", [b"2"])
    with each_site.log_on("sara") as imap:
        assert imap.folders() == ["Archive/rosa=20maria"]
    each_site.refusal("rosa")


def test_two_hundred_log_ons_from_twenty_connections(site: Site) -> None:
    names = [f"many{number}" for number in range(20)]
    site.fill(*map(local, names))

    def ten_times(name: str) -> int:
        done = 0
        for _ in range(10):
            with site.log_on(name) as imap:
                done += imap.folders() == [f"Archive/{name}"]
        return done

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(ten_times, names)) == 200
