"""How well two colours can be told apart."""

from __future__ import annotations

from rich.color_triplet import ColorTriplet


def contrast(*colours: ColorTriplet | None) -> float:
    """The contrast ratio of two colours (WCAG 2.2), from 1 to 21."""
    lights = sorted(_luminance(colour) for colour in colours if colour)
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: ColorTriplet) -> float:
    parts = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
