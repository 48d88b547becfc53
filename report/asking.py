"""Asking: from loaded scenarios to an answer, its folder, and what a terminal shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from model import runfolder
from model.loading import Loaded
from model.problems import BadInput, Mark, Problem
from model.sampling import stream

from . import answer_page, progress
from .outcome_names import names_of

if TYPE_CHECKING:
    from model.discovery import Finding, Limit
    from model.wide import Ensemble

BINS = 12  # of the picture of one condition
MOST_POINTS = 1500  # of a picture
MOSTLY = 0.5  # share of failures above which the question is turned round


class Asked(NamedTuple):
    """An answer that is written: for another program, and for people."""

    data: dict[str, Any]
    page: answer_page.Page
    folder: Path

    def show(self) -> None:
        answer_page.show(self.page, self.folder)


def value_of_information(
    loaded: Sequence[Loaded],
    quiet: bool,
    *,
    decision: str | None,
    value: str,
    pilots: Sequence[str],
    draws: int,
    luck: int,
    seed: int,
    out: Path | None,
) -> Asked:
    """One decision within a scenario, or a choice among several."""
    from model.voi import answer, decisions  # noqa: PLC0415

    from . import voi  # noqa: PLC0415

    if decision is not None:
        decisions.checked(loaded[0], decision)
    decisions.terms(value)
    _refuse_draws(draws, 100, 20_000)
    folder = _folder(out, "voi", loaded)
    if decision is not None:
        chosen = decisions.named(loaded[0], decision, draws, seed)
    else:
        chosen = decisions.of_files(loaded, draws, seed)
    total = draws * luck * len(chosen.options)
    with progress.bar(f"{chosen.title}: {draws:,} draws", total, quiet) as advance:
        found = answer.answer(chosen, value, pilots, seed, luck, advance)
    data = answer.as_json(found)
    told = voi.page(data, names_of(*loaded))
    answer_page.write(told, data, "voi", folder)
    return Asked(data, told, folder)


def _refuse_draws(draws: int, least: int, most: int) -> None:
    """After what is asked for has been read, so that a mistake there is told first."""
    if not least <= draws <= most:
        raise BadInput([Problem(Mark("--draws", 0, 0), "", f"{draws:,}", f"{least:,} to {most:,}")])


def _folder(out: Path | None, kind: str, loaded: Sequence[Loaded]) -> Path:
    names = "-".join(one.scenario.name for one in loaded)
    folder = out if out is not None else Path("runs") / f"{kind}-{names[:80]}"
    runfolder.refuse_uncreatable(folder)
    answer_page.refuse_foreign(folder, kind)
    return folder


def discovery(
    loaded: Loaded,
    quiet: bool,
    *,
    fails: str,
    vary: Sequence[str],
    levers: bool,
    conditions: int,
    draws: int,
    seed: int,
    out: Path | None,
) -> Asked:
    """The conditions under which a scenario fails."""
    from model import wide  # noqa: PLC0415
    from model.discovery import as_numbers, discover  # noqa: PLC0415

    from . import discovery as words  # noqa: PLC0415

    folder = _folder(out, "discovery", [loaded])
    target = wide.failing(fails)
    varied = wide.ranges(loaded, vary, levers)
    with progress.bar(f"{loaded.scenario.name}: {draws:,} draws", draws, quiet) as advance:
        found = wide.ensemble(loaded, target, varied, draws, seed, advance)
    turned = bool(found.fails.mean() > MOSTLY)
    box = discover(found.columns, ~found.fails if turned else found.fails, conditions, seed)
    about = {
        "scenario": loaded.scenario.name,
        "scenario_title": loaded.scenario.title,
        "fails": str(target),
        "draws": len(found.fails),
        "seed": seed,
        "base": float(found.fails.mean()),
        "turned": turned,
        "columns": len(found.columns),
        "left_out": found.left_out,
    }
    data = as_numbers(box, found.columns) | about
    page = words.page(data | {"levers": varied}, names_of(loaded), _picture(found, box, turned))
    data["levers"] = words.ranges_json(varied)
    answer_page.write(page, data, "discovery", folder)
    return Asked(data, page, folder)


def _picture(found: Ensemble, box: Finding, turned: bool) -> dict[str, Any]:
    """What a picture of one or two conditions shows."""
    limits = box.box.limits[:2]
    if len(limits) == 1:
        return {"bins": _bins(found, limits[0], turned)}
    return {"points": _points(found, limits)}


def _bins(found: Ensemble, limit: Limit, turned: bool) -> list[dict[str, Any]]:
    """Shares of draws by a number, in bins of as many draws, or by yes and no."""
    from model.discovery import wilson  # noqa: PLC0415

    column = found.columns[limit.column]
    x, happens = column.values, ~found.fails if turned else found.fails
    levels = np.linspace(0.0, 1.0, BINS + 1)
    ends = np.array([-0.3, 0.5, 1.3]) if column.yes_no else np.unique(np.quantile(x, levels))
    out = []
    for low, high in pairwise(ends.tolist()):
        here = (x >= low) & ((x < high) | (high >= x.max()))
        count, size = int(happens[here].sum()), int(here.sum())
        least, most = wilson(count, size)
        middle = float(low > 0.0) if column.yes_no else 0.5 * (low + high)
        held = limit.low <= middle <= limit.high
        out.append({
            "x": low, "x2": high, "middle": middle, "share": 100.0 * count / max(size, 1),
            "low": 100.0 * least, "high": 100.0 * most,
            "inside": "within the limits" if held else "outside",
        })  # fmt: skip
    return out


def _points(found: Ensemble, limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """Draws by two conditions; yes and no are spread out to be seen."""
    rng = stream(1, "discovery.picture")
    axes = []
    for column in (found.columns[limit.column] for limit in limits):
        away = rng.uniform(-0.3, 0.3, len(found.fails)) if column.yes_no else 0.0
        axes.append((column.values + away)[:MOST_POINTS])
    if not axes:
        return []
    what = ["fails" if bad else "lasts" for bad in found.fails[:MOST_POINTS]]
    return [
        {"x": x, "y": y, "what": w}
        for x, y, w in zip(axes[0].tolist(), axes[1].tolist(), what, strict=True)
    ]
