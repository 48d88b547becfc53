"""The renderer of charts: Vega-Lite specifications to SVG and PNG, offline.

It imports nothing heavy, so that a command can start it first: its half second of starting up
passes while Python imports the rest.
"""

from __future__ import annotations

import re
import threading
from typing import Any

Spec = dict[str, Any]

# Okabe and Ito 2008: told apart with any colour vision, and in grey by their marks.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#5f6b76"
INK, RULE = "#1f2933", "#d9dee3"
FONT = "Helvetica, Arial, sans-serif"
CONFIG: Spec = {
    "font": FONT,
    "aria": False,
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": RULE,
        "domainColor": GREY,
        "tickColor": GREY,
        "labelLimit": 230,
    },
    "legend": {
        "labelFontSize": 13,
        "labelColor": INK,
        "labelLimit": 300,
        "orient": "top",
        "title": None,
        "symbolSize": 90,
        "direction": "horizontal",
    },
    "title": {
        "fontSize": 14,
        "subtitleFontSize": 13,
        "anchor": "start",
        "color": INK,
        "subtitleColor": INK,
        "fontWeight": "bold",
    },
}


def svg(spec: Spec) -> str:
    """The chart as an <svg> element; its size follows the page, nothing in it is fetched."""
    import vl_convert  # noqa: PLC0415  half a second that only a page pays

    drawn = vl_convert.vegalite_to_svg(spec | {"config": CONFIG}, allowed_base_urls=[])
    return _PATH.sub(_rounded, drawn).replace("<svg ", '<svg aria-hidden="true" ', 1)


_PATH = re.compile(r' d="[^"]*"')
_LONG = re.compile(r"(\.\d\d)\d+")


def _rounded(path: re.Match[str]) -> str:
    """Coordinates to a hundredth of a point: a third of the size, the same picture."""
    return _LONG.sub(r"\1", path.group())


def png(spec: Spec, scale: float = 2.0) -> bytes:
    import vl_convert  # noqa: PLC0415

    whole = spec | {"config": CONFIG | {"background": "white"}}
    return bytes(vl_convert.vegalite_to_png(whole, scale=scale, allowed_base_urls=[]))


def warm_up() -> None:
    """Start the renderer in the background: its half second passes beside other work."""
    empty = {"data": {"values": [{"x": 0}]}, "mark": "point", "encoding": {"x": {"field": "x"}}}
    threading.Thread(target=svg, args=(empty,), daemon=True).start()
