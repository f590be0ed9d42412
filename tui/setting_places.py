"""Every setting by its key and label, and the screen on which it is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sync.directory.types import all_fields, setting_keys

_LABELS = {
    "directory_service": ("connection", "Directory service"),
    "auto_delete": ("options", "Automatically delete users"),
    "delete_after_days": ("options", "Delete after days of absence"),
    "archive_root": ("options", "Archive root"),
    "guard_max_deletes": ("options", "Delete guard: most users deleted"),
    "guard_max_delete_percent": ("options", "Delete guard: most % of the managed users deleted"),
    "guard_small_deletes": ("options", "Delete guard: % counts only above so many users"),
    "guard_max_shrink_percent": ("options", "Delete guard: % fewer users listed"),
    "notify_webhook": ("options", "Notices: webhook"),
    "notify_mail": ("options", "Notices: mail address"),
    "filters": ("options", "Filters"),
    "default_privileges": ("privileges", "Default privileges"),
    "default_folder_privileges": ("privileges", "Default privileges on the own archive"),
}


class SettingPlace(NamedTuple):
    """A setting; `mode` is its screen, empty where only the command line sets it."""

    key: str
    label: str
    mode: str


def setting_places() -> Iterator[SettingPlace]:
    """Yield all settings, those of screens first."""
    shown = {field.key: ("connection", field.label) for field in all_fields()} | _LABELS
    for key, (mode, label) in shown.items():
        yield SettingPlace(key, label, mode)
    for key in setting_keys():
        if key not in shown:
            yield SettingPlace(key, key.replace("_", " ").capitalize(), "")
