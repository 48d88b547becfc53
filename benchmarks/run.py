"""`make bench`: the speed of Headwater, and of other engines on the same work, as one table.

python -m benchmarks.run [--write]; --write puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from model.loading import SHIPPED, load

from . import jackson, machine, peers
from .table import Row, markdown, write_between_markers

PAGE = jackson.ROOT / "docs" / "benchmarks.md"
SCENARIO = SHIPPED / "jackson.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"rewrite the table of {PAGE.name}")
    write = parser.parse_args().write
    measured = []
    for row in rows():
        print(f"{row.what}: {row.measured}", flush=True)
        measured.append(row)
    text = f"Measured on: {machine.description()}.\n\n{markdown(measured)}"
    print(f"\n{text}")
    if write:
        write_between_markers(PAGE, text)


def rows() -> Iterator[Row]:
    loaded = load(SCENARIO)
    yield from jackson.rows(SCENARIO, loaded)
    yield from peers.rows(loaded)


if __name__ == "__main__":
    main()
