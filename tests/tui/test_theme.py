"""Everything can be read and told apart: true colour, 256, sixteen and none, dark and light."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.color import Color, ColorSystem
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as TextualColor

from sync.workspace import Workspace
from tests.tui.contrast import contrast
from tests.tui.driver import driving, screen_lines
from tui.colours import OF_CHANGES, ROLES
from tui.theme import OWN, PLAIN, SignsOnly

ROOT = {"administrator": "root"}
READ = 4.5  # WCAG 2.2, 1.4.3
SEEN = 3.0  # 1.4.11: edges and the focus
SURFACES = ("background", "panel", "field", "field-focus")
WORDS = ("text", "text-muted", "primary", "accent", "success", "warning", "error")
CHANGES = ("conflict", "rename")
PAIRS = [
    *((word, surface, READ) for word in (*WORDS, *CHANGES) for surface in SURFACES),
    ("text", "cursor-blurred", READ),
    ("text-muted", "cursor-blurred", READ),
    ("text", "selection", READ),
    ("cursor-text", "cursor", READ),
    ("alarm-text", "alarm", READ),
    ("text", "gone", READ),
    ("text", "new", READ),
    *((edge, surface, SEEN) for edge in ("edge", "focus") for surface in SURFACES),
    ("line", "background", 2.5),
    ("cursor", "background", 2.5),
]
DEPTHS = {"true colour": ColorSystem.TRUECOLOR, "256 colours": ColorSystem.EIGHT_BIT}

XTERM = [
    *("#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5"),
    *("#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff"),
]
CONSOLE = [
    *("#000000", "#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#aaaaaa"),
    *("#555555", "#ff5555", "#55ff55", "#ffff55", "#5555ff", "#ff55ff", "#55ffff", "#ffffff"),
]


def shown(role: str, place: int, depth: ColorSystem) -> ColorTriplet:
    """The colour of a role as a terminal of that depth shows it."""
    return Color.parse(ROLES[role][place]).downgrade(depth).get_truecolor()


@pytest.mark.parametrize("depth", DEPTHS.values(), ids=DEPTHS)
@pytest.mark.parametrize("place", [0, 1], ids=["dark", "light"])
@pytest.mark.parametrize(("upper", "under", "least"), PAIRS)
def test_every_pair_can_be_read(
    upper: str, under: str, least: float, place: int, depth: ColorSystem
) -> None:
    found = contrast(shown(upper, place, depth), shown(under, place, depth))
    assert found >= least, f"{found:.2f}"


@pytest.mark.parametrize("depth", DEPTHS.values(), ids=DEPTHS)
@pytest.mark.parametrize("place", [0, 1], ids=["dark", "light"])
def test_what_differs_in_meaning_differs_in_colour(place: int, depth: ColorSystem) -> None:
    signs = ("success", "warning", "error", "conflict", "rename")
    assert len({shown(role, place, depth) for role in signs}) == len(signs)
    for one, other in (("focus", "edge"), ("field", "background"), ("gone", "new")):
        assert shown(one, place, depth) != shown(other, place, depth)


@pytest.mark.parametrize("role", SURFACES)
@pytest.mark.parametrize("place", [0, 1], ids=["dark", "light"])
def test_a_surface_stays_grey_among_256_colours(role: str, place: int) -> None:
    red, green, blue = shown(role, place, ColorSystem.EIGHT_BIT)
    assert max(red, green, blue) - min(red, green, blue) <= 1


@pytest.mark.parametrize("palette", [XTERM, CONSOLE], ids=["xterm", "console"])
@pytest.mark.parametrize(
    "bar",
    [("block-cursor-foreground", "block-cursor-background"), ("alarm-text", "alarm")],
    ids=["cursor", "alarm"],
)
def test_the_bars_can_be_read_in_sixteen_colours(bar: tuple[str, str], palette: list[str]) -> None:
    numbers = [TextualColor.parse(PLAIN.variables[role]).ansi for role in bar]
    pair = [Color.parse(palette[number or 0]).get_truecolor() for number in numbers]
    assert contrast(*pair) >= READ


def test_words_have_no_colour_of_the_sixteen() -> None:
    """The control: red on black and cyan on white, as words were sent before, are below 4.5."""
    black, white = ColorTriplet(0, 0, 0), ColorTriplet(255, 255, 255)
    red, cyan = (Color.parse(XTERM[number]).get_truecolor() for number in (1, 6))
    assert contrast(red, black) < READ
    assert contrast(cyan, white) < READ
    for word in OF_CHANGES.values():
        line = SignsOnly().apply([Segment("+ create", Style.parse(word))], TextualColor(0, 0, 0))
        assert [(part.text, part.style and str(part.style.color)) for part in line] == [
            ("+ ", str(Style.parse(word).color)),
            ("create", str(Style.parse("default").color)),
        ]


async def test_the_screens_send_no_coloured_word(filled: Callable[..., Workspace]) -> None:
    async with driving(filled(), plain_colours=True, **ROOT) as admin:
        for key in ("f2", "f3", "f4", "f5", "f6", "f7"):
            await admin.press(key)
            for strip in screen_lines(admin.app):
                for text, style, _ in strip:
                    is_bar = style and style.bgcolor and not style.bgcolor.is_default
                    if style and style.color and not style.color.is_default and not is_bar:
                        assert not any(map(str.isalnum, text)), (key, text)


FOCUSED = {"select": "#directory_service", "box": "#ignore_ssl_warnings", "field": "#url"}


@pytest.mark.parametrize("colours", [*(theme.name for theme in OWN), PLAIN.name, "none"])
@pytest.mark.parametrize("kind", FOCUSED)
async def test_the_focus_is_seen(
    kind: str, colours: str, filled: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line of a widget with the focus differs in a way that this depth of colours shows."""
    if colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    async with driving(filled(), plain_colours=colours == PLAIN.name, **ROOT) as admin:
        if colours in (theme.name for theme in OWN):
            admin.app.theme = colours
        await admin.press("f2")
        line = admin.app.screen.query_one(FOCUSED[kind]).region.y
        looks = []
        for focused in (FOCUSED[kind], "#user_name" if kind == "field" else "#url"):
            admin.app.screen.query_one(focused).focus()
            await admin.settle()
            strip = screen_lines(admin.app)[line]
            looks.append([(text, style) for text, style, _ in strip if text.strip(" ▌▐█┃│")])
            if colours == "none":
                assert not any(
                    style and style.color and not style.color.is_default for _, style in looks[-1]
                )
        assert looks[0] != looks[1]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"COLORTERM": "truecolor", "TERM": "xterm-256color"}, OWN[0].name),
        ({"COLORTERM": "", "TERM": "xterm-256color"}, OWN[0].name),
        ({"COLORTERM": "", "TERM": "linux"}, PLAIN.name),
        ({"COLORTERM": "", "TERM": "vt220"}, PLAIN.name),
        ({"COLORTERM": "", "TERM": "dumb"}, PLAIN.name),
        ({"COLORTERM": "truecolor", "TERM": "xterm-256color", "NO_COLOR": ""}, PLAIN.name),
    ],
)
async def test_the_theme_is_the_terminal_s(
    environment: dict[str, str],
    expected: str,
    filled: Callable[..., Workspace],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with driving(filled(), **ROOT) as admin:
        assert admin.app.theme == expected


async def test_style_sheets_are_read_again_for_other_colours_only(
    filled: Callable[..., Workspace],
) -> None:
    async with driving(filled(), **ROOT) as admin:
        await admin.press("f2")
        first = admin.app.stylesheet.rules[0]
        for key in ("f3", "f6", "f7"):
            await admin.press(key)
            assert admin.app.stylesheet.rules[0] is first
        admin.app.theme = OWN[1].name
        await admin.pilot.pause()
        assert admin.app.stylesheet.rules[0] is not first
