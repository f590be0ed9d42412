"""The looks: a theme of our own, dark and light, and one of the terminal's own sixteen colours."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.filter import LineFilter
from textual.reactive import Reactive
from textual.theme import Theme

from tui.colours import DARK, GONE, LIGHT, NEW, ROLES

_SIGN = re.compile(r"\W*(?:\s|$)")
_FEW_COLOURS = (None, "standard")
_PLAIN = Style(color="default")
_REVERSE = Style(reverse=True, color="default", bgcolor="default")
_MARKS = {Style.parse(mark).bgcolor for mark in (GONE, NEW)}
_OF_ANOTHER_THEME = {
    "edge": "foreground-muted",
    "line": "foreground-disabled",
    "field": "panel",
    "field-focus": "primary-muted",
    "alarm": "error",
}


def _theme(name: str, place: int) -> Theme:
    value = {role: both[place] for role, both in ROLES.items()}
    own = ("edge", "line", "field", "field-focus", "alarm", "alarm-text", "text", "text-muted")
    texts = ("primary", "secondary", "accent", "success", "warning", "error")
    return Theme(
        name=name,
        primary=value["primary"],
        accent=value["accent"],
        success=value["success"],
        warning=value["warning"],
        error=value["error"],
        foreground=value["text"],
        background=value["background"],
        surface=value["panel"],
        panel=value["panel"],
        dark=place == 0,
        variables={
            **{role: value[role] for role in own},
            **{f"text-{name}": value.get(name, value["primary"]) for name in texts},
            "foreground-muted": value["text-muted"],
            "text-disabled": value["text-muted"],
            "border": value["focus"],
            "border-blurred": value["edge"],
            "block-cursor-background": value["cursor"],
            "block-cursor-foreground": value["cursor-text"],
            "block-cursor-blurred-background": value["cursor-blurred"],
            "input-selection-background": value["selection"],
            "scrollbar": value["line"],
            "scrollbar-background": value["panel"],
        },
    )


OWN = _theme("mailroster-dark", 0), _theme("mailroster-light", 1)
PLAIN = Theme(
    name="mailroster-plain",
    primary="ansi_cyan",
    accent="ansi_yellow",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    ansi=True,
    variables={
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "text-disabled": "ansi_default",
        "edge": "ansi_default",
        "line": "ansi_default",
        "field": "ansi_default",
        "field-focus": "ansi_default",
        "border": "ansi_cyan",
        "border-blurred": "ansi_default",
        "alarm": "ansi_red",
        "alarm-text": "ansi_bright_white",
        "block-cursor-background": "ansi_blue",
        "block-cursor-foreground": "ansi_bright_white",
        "block-cursor-blurred-background": "ansi_default",
        "input-cursor-background": "ansi_default",
        "input-cursor-foreground": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-background": "ansi_blue",
        "input-selection-foreground": "ansi_bright_white",
    },
)


class ThemedApp(App[None]):
    """An application in the theme of that name, by default our own.

    With `plain_colours`, with NO_COLOR and on terminals of sixteen colours it is that of the
    terminal's own.
    """

    # The default screen is mounted without its own style sheet being read.
    CSS_PATH = "app.tcss"
    ansi_theme_dark = Reactive(DARK, init=False)
    ansi_theme_light = Reactive(LIGHT, init=False)

    def __init__(self, theme: str, plain_colours: bool) -> None:
        without_colours = "NO_COLOR" in os.environ
        super().__init__(ansi_color=without_colours or None)
        for known in (*OWN, PLAIN):
            self.register_theme(known)
        self._signs_only = SignsOnly()
        has_few = self.console.color_system in _FEW_COLOURS
        is_plain = plain_colours or without_colours or has_few
        if is_plain:
            self.css_path = [*self.css_path, self.css_path[0].with_name("plain.tcss")]
        self.theme = PLAIN.name if is_plain else theme or OWN[0].name
        self.stylesheet = SheetsReadOnce(self.get_css_variables())

    def read_styles_of_screens(self) -> None:
        """Read those that the first frame does not need."""
        path = self.css_path[0].with_name("screens.tcss")
        self.stylesheet.add_source(path.read_text(), (str(path), ""))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our own colours for a theme that is not ours."""
        theme = self.current_theme
        if "edge" in theme.variables:
            return {}
        variables = theme.to_color_system().generate()
        own = {role: variables[name] for role, name in _OF_ANOTHER_THEME.items()}
        return {**own, "alarm-text": "auto 100%"}

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what lines go through; words have no colour where there are sixteen."""
        filters = super().get_line_filters()
        return [self._signs_only, *filters] if self.native_ansi_color else filters


class SheetsReadOnce(Stylesheet):
    """Style sheets that are read anew when a colour changes, and not for each new screen."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._read_with = self._wanted = variables

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the colours that the next reading uses."""
        if variables != self._wanted:
            self._wanted = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        """Read all sheets with other colours; what was only added is read when it is asked for."""
        if self._read_with != self._wanted:
            super().reparse()
            self._read_with = self._wanted


class SignsOnly(LineFilter):
    """Leave colour to signs and frames: words in one of the sixteen cannot be read everywhere.

    Red has 3.6:1 on black, cyan 2:1 on white. Words on a bar with a colour of its own stay; what is
    marked in a text that differs is reversed.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with words in the terminal's own colour."""
        return [part for segment in segments for part in _without_colour(segment)]


@lru_cache(1024)
def _without_colour(segment: Segment) -> tuple[Segment, ...]:
    text, style, _ = segment
    if style is not None and style.bgcolor in _MARKS:
        return (Segment(text, style + _REVERSE),)
    if style is None or style.color is None or style.color.is_default:
        return (segment,)
    if style.bgcolor is not None and not style.bgcolor.is_default:
        return (segment,)
    found = _SIGN.match(text)
    sign = found[0] if found else ""
    if not sign.strip():
        return (Segment(text, style + _PLAIN),)
    parts = Segment(sign, style), Segment(text[len(sign) :], style + _PLAIN)
    return tuple(part for part in parts if part.text)
