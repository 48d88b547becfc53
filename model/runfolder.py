"""Run folder: what a run leaves on disk, written whole or not at all.

scenario.yaml (resolved), draws.parquet, metrics.parquet, series.parquet, years.parquet,
inputs.json, contracts.json, summary.json and run.json; the same inputs give the same bytes in all
but run.json. The page index.html is added by report/, which reads these files only. Columns:
docs/run-folder.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from .contract_chances import contract_report
from .convergence import chance_of, convergence_of, precision
from .distributions import Floats
from .ensemble import DRAW_PERCENTILES, Key, Result, chunks
from .loading import Loaded
from .ondisk import OnDisk
from .problems import BadInput, Mark, Problem, printable
from .sampling import Method
from .scenario import Scenario
from .worlds import STRATEGY

ROWS_PER_GROUP = 131_072
METRIC_COLUMNS = ("scenario", "strategy", "draw", "metric", "party", "month", "unit", "value")
LIBRARIES = ("numpy", "scipy", "numba", "pandas", "pydantic", "pyarrow")


def version() -> str:
    try:
        return metadata.version("headwater")
    except metadata.PackageNotFoundError:
        return "unknown"


def run_hash(loaded: Loaded, draws: int, seed: int, method: Method, luck: int = 1) -> str:
    """Covers the resolved inputs, seed, draws, method, version and replicates of chance."""
    whole = [loaded.document.data, draws, seed, method, version()] + [luck] * (luck > 1)
    text = json.dumps(whole, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()


def default_folder(loaded: Loaded, draws: int, seed: int, method: Method, luck: int = 1) -> Path:
    name = f"{loaded.scenario.name}-{run_hash(loaded, draws, seed, method, luck)}"
    return Path("runs") / name


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes its name only when everything in it is there.

    A folder of that name is replaced; a killed run leaves only one whose name begins with a dot.
    """
    with _told_of(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        filling = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            yield filling
            filling.chmod(0o755)
            _swap(filling, folder)
        except BaseException:
            shutil.rmtree(filling, ignore_errors=True)
            raise


def refuse_uncreatable(folder: Path) -> None:
    """BadInput where no folder of that name can be made; to be asked before the work."""
    with _told_of(folder):
        if folder.name in ("", ".."):  # `.` cannot be replaced whole
            raise OSError("a new name is needed")
        above = next(path for path in folder.absolute().parents if os.path.lexists(path))
        Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=above)).rmdir()


@contextmanager
def _told_of(folder: Path) -> Iterator[None]:
    """Whatever the system refuses, told as a mistake in --out."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        found = f"`{folder}`: cannot create a folder there ({reason})"
        mark = Mark("--out", 1, 1)
        raise BadInput([Problem(mark, "", found, "a folder you may write to")]) from None


def _swap(filling: Path, folder: Path) -> None:
    if not folder.exists():
        filling.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent)) / "old"
    folder.rename(old)
    filling.rename(folder)
    shutil.rmtree(old.parent, ignore_errors=True)


def is_run_folder(folder: Path) -> bool:
    return (folder / "run.json").is_file() and (folder / "summary.json").is_file()


def write(result: Result, folder: Path, seconds: float) -> dict[str, Any]:
    """Fill a folder with everything but the page; returns the summary."""
    loaded = result.draws.loaded
    summary = summary_of(result)
    _text(folder / "scenario.yaml", resolved_yaml(loaded))
    _json(folder / "summary.json", summary)
    _json(folder / "inputs.json", inputs_of(loaded))
    _json(folder / "contracts.json", contracts_of(result))
    _tables(folder / "draws.parquet", draws_table(result))
    _tables(folder / "metrics.parquet", metrics_table(result))
    _tables(folder / "series.parquet", [series_table(result)])
    _tables(folder / "years.parquet", [years_table(result)])
    _json(folder / "run.json", _about(result, seconds))
    return summary


def resolved_yaml(loaded: Loaded) -> str:
    """The merged scenario with registry values filled in, and the way to each effect as comments;
    it runs by itself.
    """
    told = "# Written by Headwater: the scenario as it was run, with everything it extends.\n"
    told += "".join(_step_comments(loaded))
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # several times faster where built
    data = loaded.document.data
    return told + yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)


def _step_comments(loaded: Loaded) -> Iterator[str]:
    """From each study to the effect that is drawn, with its numbers (docs/evidence.md)."""
    for name, synthesis in loaded.effects.items():
        s = synthesis.summary()
        yield f"#\n# {name}: drawn {s.p05:.3f} to {s.p95:.3f}, median {s.median:.3f}\n"
        for row in synthesis.rows:
            yield f"#  {row.id}, weight {row.weight:.2f}\n"
            yield from (f"#   rule {step.rule}: {printable(step.text)}\n" for step in row.steps)
        yield f"#  between-study sd {synthesis.tau:.3f} ({synthesis.tau_from})\n"


def _about(result: Result, seconds: float) -> dict[str, Any]:
    draws, size = result.draws, result.draws.size // result.luck
    return {
        "scenario": draws.scenario.name,
        "seed": draws.seed,
        "draws": size,
        "luck": result.luck,
        "method": draws.method,
        "hash": run_hash(draws.loaded, size, draws.seed, draws.method, result.luck),
        "seconds": round(seconds, 3),
        "versions": {"headwater": version(), "python": platform.python_version()}
        | {name: metadata.version(name) for name in LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


# --- summaries


def summary_of(result: Result) -> dict[str, Any]:
    """One JSON object: the run, and each metric with its spread over draws."""
    draws = result.draws
    scenario = draws.scenario
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "description": scenario.description,
        "seed": draws.seed,
        "draws": draws.size // result.luck,
        "luck": result.luck,
        "method": draws.method,
        "start": scenario.clock.start,
        "end": scenario.clock.end,
        "price_year": scenario.prices.year,
        "names": names_of(scenario),
        "convergence": convergence_of(result),
        "chance": chance_of(result),
        "metrics": [_spread(key, values, result.luck) for key, values in result.metrics.items()],
    }


def _spread(key: Key, values: Floats, luck: int = 1) -> dict[str, Any]:
    """Mean, sd, percentiles and the Monte Carlo standard error of the mean.

    Draws that have no such value are left out, and their share is told.
    """
    told = {
        "metric": key.metric,
        "party": key.subject,
        "strategy": key.strategy,
        "unit": key.unit,
    }
    known = values[np.isfinite(values)]
    if known.size == 0:
        names = ("mean", "sd", "mcse", *DRAW_PERCENTILES)
        return told | dict.fromkeys(names, None) | {"share_known": 0.0}
    points = np.quantile(known, list(DRAW_PERCENTILES.values()))
    sd = float(known.std(ddof=1)) if known.size > 1 else 0.0
    numbers = {"mean": float(known.mean()), "sd": sd, "mcse": _mcse(known, values.size, sd, luck)}
    numbers |= dict(zip(DRAW_PERCENTILES, points.tolist(), strict=True))
    missing = {"share_known": known.size / values.size} if known.size < values.size else {}
    return told | numbers | missing


def _mcse(known: Floats, size: int, sd: float, luck: int) -> float:
    """Draws that share their parameters count as one where some have no value."""
    if known.size < size or known.size == luck:
        return float(sd / (known.size / luck) ** 0.5)
    return precision(known, luck).mcse if known.size > 1 else 0.0


def contracts_of(result: Result) -> dict[str, Any]:
    """What each shared-savings contract can be expected to pay, and its curve over members."""
    keys = {key.name: key for key in result.metrics if key.strategy == STRATEGY}
    return contract_report(result.draws, OnDisk(keys, lambda name: result.metrics[keys[name]]))


def names_of(scenario: Scenario) -> dict[str, str]:
    """What people call each party, segment, service and intervention."""
    names: dict[str, str] = {}
    parts = (scenario.parties, scenario.segments, scenario.services, scenario.interventions)
    for part in parts:
        names |= {key: about.name for key, about in part.items()}
    return names


def inputs_of(loaded: Loaded) -> dict[str, Any]:
    """Every number with unit, source and status, and every step from study to effect."""
    return {
        "parameters": list(parameter_rows(loaded)),
        "effects": {name: effect_rows(synthesis) for name, synthesis in loaded.effects.items()},
    }


def parameter_rows(loaded: Loaded) -> Iterator[dict[str, Any]]:
    """One row a number, as `headwater check` prints it; defaults are left out."""
    probabilities = np.array([0.05, 0.5, 0.95])
    for name, p in loaded.parameters.items():
        q = p.quantity
        if q.source in ("default", "neutral"):
            continue
        low, mid, high = p.draws(probabilities).tolist()
        yield {
            "name": name,
            "value": p.central,
            "p05": low,
            "p50": mid,
            "p95": high,
            "unit": p.unit,
            "family": q.family,
            "price_year": q.year,
            "source": q.source or "",
            "ref": q.ref or "",
            "status": _status(p.sourced, q.assumption, q.status),
            "reason": q.reason or "",
            "ask": q.ask or "",
        }
    for name, synthesis in loaded.effects.items():
        s = synthesis.summary()
        yield {
            "name": name,
            "value": s.mean,
            "p05": s.p05,
            "p50": s.median,
            "p95": s.p95,
            "unit": "1",
            "family": "predictive",
            "price_year": None,
            "source": ", ".join(row.id for row in synthesis.rows),
            "ref": "",
            "status": "evidence",
            "reason": "; ".join(synthesis.assumptions),
            "ask": "",
        }


def _status(sourced: bool, assumption: bool, status: str | None) -> str:
    if assumption:
        return "assumption"
    if not sourced:
        return "no source"
    return status or "stated"


def effect_rows(synthesis: Any) -> dict[str, Any]:
    """The way from studies to the distribution drawn from, each step with its numbers."""
    summary = synthesis.summary()
    return {
        "studies": [
            {
                "id": row.id,
                "label": row.label,
                "metric": row.metric,
                "value": row.value,
                "low": row.low,
                "high": row.high,
                "unit": row.unit,
                "status": row.status,
                "ratio": row.ratio,
                "how": row.how,
                "se": row.se,
                "se_from": row.se_from,
                "uptake": row.uptake,
                "enrolled_ratio": row.enrolled_ratio,
                "discount": row.discount,
                "log_ratio_used": row.y,
                "weight": row.weight,
            }
            for row in synthesis.rows
        ],
        "between_study_sd": synthesis.tau,
        "between_study_sd_from": synthesis.tau_from,
        "mean_log_ratio": synthesis.mean_log,
        "se": synthesis.se,
        "predictive_scale": synthesis.scale,
        "degrees_of_freedom": synthesis.df if np.isfinite(synthesis.df) else None,
        "drawn": {
            "p05": summary.p05,
            "p50": summary.median,
            "p95": summary.p95,
            "mean": summary.mean,
        },
        "bounds": [synthesis.low_bound, synthesis.high_bound],
        "assumptions": list(synthesis.assumptions),
    }


# --- tables


def draws_table(result: Result) -> Iterator[pa.Table]:
    """[draw, one column a parameter that a draw changes], by row groups.

    Copies: a part of a column that is on disk would keep the whole of it in memory.
    """
    draws = result.draws
    names = sorted(draws.loaded.uncertain)
    for rows in chunks(draws.size, ROWS_PER_GROUP):
        columns = {"draw": _numbers(np.arange(rows.start, rows.stop, dtype=np.int64))}
        yield pa.table(
            columns | {name: _numbers(draws.values[name][rows].copy()) for name in names}
        )


def metrics_table(result: Result) -> Iterator[pa.Table]:
    """Long: scenario, strategy, draw, metric, party, month (null), unit, value; by row groups.

    A column of values is read once, as the groups come to it.
    """
    size, keys = result.draws.size, sorted(result.metrics)
    words = {
        "scenario": [result.draws.scenario.name] * len(keys),
        "strategy": [k.strategy for k in keys],
        "metric": [k.metric for k in keys],
        "party": [k.subject for k in keys],
        "unit": [k.unit for k in keys],
    }
    told = {name: _coded(column) for name, column in words.items()}
    for rows in chunks(len(keys) * size, ROWS_PER_GROUP):
        row = np.arange(rows.start, rows.stop, dtype=np.int64)
        of, draw = np.divmod(row, size)
        columns = {name: _decoded(code[of], known) for name, (code, known) in told.items()}
        columns["draw"] = _numbers(draw)
        columns["month"] = pa.nulls(row.size, pa.string())
        columns["value"] = _numbers(_values(result, keys, rows))
        yield pa.table({name: columns[name] for name in METRIC_COLUMNS})


def _values(result: Result, keys: list[Key], rows: slice) -> Floats:
    """Some rows of all columns of values, one behind the other."""
    size = result.draws.size
    parts = []
    for k in range(rows.start // size, -(-rows.stop // size)):
        within = slice(max(rows.start - k * size, 0), min(rows.stop - k * size, size))
        parts.append(result.metrics[keys[k]][within])
    return np.concatenate(parts)


def series_table(result: Result) -> pa.Table:
    """Long: scenario, strategy, metric, party, month, unit, mean and percentiles over draws."""
    return _over_time(result, result.series, "month", result.draws.scenario.clock.labels())


def years_table(result: Result) -> pa.Table:
    """Long: scenario, strategy, metric, party, year, unit, mean and percentiles over draws."""
    months = result.draws.scenario.clock.labels()
    return _over_time(result, result.years, "year", list(dict.fromkeys(m[:4] for m in months)))


def _over_time(
    result: Result, found: dict[Key, dict[str, Floats]], period: str, labels: list[str]
) -> pa.Table:
    keys = sorted(found)
    columns: dict[str, Any] = {
        "scenario": _repeated([result.draws.scenario.name], len(keys) * len(labels)),
        "strategy": _repeated([k.strategy for k in keys], len(labels)),
        "metric": _repeated([k.metric for k in keys], len(labels)),
        "party": _repeated([k.subject for k in keys], len(labels)),
        period: _words(labels * len(keys)),
        "unit": _repeated([k.unit for k in keys], len(labels)),
    }
    for statistic in next(iter(found.values()), {}):
        columns[statistic] = _numbers(np.concatenate([found[k][statistic] for k in keys]))
    return pa.table(columns)


def _repeated(words: list[str], times: int) -> pa.DictionaryArray:
    """Each word `times` times, kept as a dictionary."""
    code, known = _coded(words)
    return _decoded(np.repeat(code, times), known)


def _coded(words: list[str]) -> tuple[NDArray[np.int32], list[str]]:
    """Each word by its number among the distinct ones."""
    distinct = sorted(set(words))
    number = {word: k for k, word in enumerate(distinct)}
    return np.array([number[word] for word in words], dtype=np.int32), distinct


def _decoded(code: NDArray[np.int32], words: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(_numbers(code), _words(words))


def _numbers(x: np.ndarray[Any, Any]) -> pa.Array:
    """The array as Arrow holds it. pa.array() would import pandas, which takes half a second."""
    kind = pa.from_numpy_dtype(x.dtype)
    return pa.Array.from_buffers(kind, x.size, [None, pa.py_buffer(np.ascontiguousarray(x))])


def _words(words: list[str]) -> pa.Array:
    encoded = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(words), buffers)


def _tables(path: Path, parts: Iterable[pa.Table]) -> None:
    """The parts of a table, one after the other, in row groups; one part in memory at a time."""
    with ExitStack() as opened:
        file: pq.ParquetWriter | None = None
        for part in parts:
            if file is None:
                words = words_of(part)
                writer = pq.ParquetWriter(
                    path, part.schema, compression="zstd", use_dictionary=words
                )
                file = opened.enter_context(writer)
            file.write_table(part, ROWS_PER_GROUP)
            del part  # before the next is made


def words_of(table: pa.Table) -> list[str]:
    """Columns of words: kept as dictionaries; numbers gain nothing by it."""
    return [f.name for f in table.schema if not pa.types.is_floating(f.type)]


def _json(path: Path, data: Any) -> None:
    _text(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
