"""A starter scenario under a name of the user's own."""

import re
from pathlib import Path

from .loading import SHIPPED
from .problems import BadInput, Mark, Problem
from .schema import SCHEMA_FILE

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def write_starter(name: str, folder: Path) -> Path:
    """Write NAME.yaml into the folder; an existing file is left alone."""
    spot = Mark("init", 0, 0)
    stem = name.removesuffix(".yaml")
    if not NAME.fullmatch(stem):
        allowed = "small letters, digits and _, beginning with a letter, as in our_county"
        raise BadInput([Problem(spot, "NAME", f"`{name}`", allowed)])
    path = folder / f"{stem}.yaml"
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(starter_text(stem))
    except FileExistsError:
        found = f"`{path.name}`, which is there already"
        raise BadInput([Problem(spot, "NAME", found, "a name not taken in this folder")]) from None
    except OSError as error:
        found = f"a folder that cannot be written to ({error.strerror})"
        raise BadInput([Problem(spot, "NAME", found, "a folder you may write to")]) from None
    return path


def starter_text(name: str) -> str:
    """The shipped starter with its own name, and the schema where it is on this machine."""
    text = (SHIPPED / "starter.yaml").read_text(encoding="utf-8")
    text = text.replace("$schema=schema/scenario.schema.json", f"$schema={SCHEMA_FILE.as_posix()}")
    return text.replace("\nname: starter\n", f"\nname: {name}\n")
