"""`make bench`: the speed of Headwater, and of other engines on the same work, as tables.

python -m benchmarks.run [--write] [--only TABLE]; --write puts the tables into
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from model.loading import SHIPPED, load

from . import episodes, jackson, machine, peers, sensitivity
from .table import Row, markdown, write_between_markers

PAGE = jackson.ROOT / "docs" / "benchmarks.md"
SCENARIO = SHIPPED / "jackson.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"rewrite the tables of {PAGE.name}")
    parser.add_argument("--only", choices=TABLES, help="measure one of the tables")
    asked = parser.parse_args()
    for name in [asked.only] if asked.only else TABLES:
        text = measured(name)
        print(f"\n{text}\n")
        if asked.write:
            write_between_markers(PAGE, text, name)


def measured(name: str) -> str:
    rows = []
    for row in TABLES[name]():
        print(f"{row.what}: {row.measured}", flush=True)
        rows.append(row)
    return f"Measured on: {machine.description()}.\n\n{markdown(rows)}"


def dynamics() -> Iterator[Row]:
    loaded = load(SCENARIO)
    yield from jackson.rows(SCENARIO, loaded)
    yield from peers.rows(loaded)


TABLES = {"dynamics": dynamics, "episodes": episodes.rows, "sensitivity": sensitivity.rows}


if __name__ == "__main__":
    main()
