"""The repository keeps its own promises: what is pinned, what is shipped, what the README says."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
CONSTRAINTS = ROOT / "constraints.txt"

# Put together here, so that this file does not hold what it forbids.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "anaconda" + ".org",
    "npm" + "js.org",
    "npm" + "js.com",
    "deb." + "debian.org",
]


def normalized(name: str) -> str:
    """The name of a distribution as packaging tools compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, f"no name in {requirement!r}"
    return normalized(found.group())


def requirements() -> list[str]:
    """All that pyproject.toml asks for: to build, to run, and in every extra."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = pyproject["project"]["optional-dependencies"].values()
    return [
        *pyproject["build-system"]["requires"],
        *pyproject["project"]["dependencies"],
        *(requirement for extra in extras for requirement in extra),
    ]


def pins() -> list[str]:
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def repository_files() -> list[Path]:
    """What git tracks or would add; ignored files are no part of the repository."""
    listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        git = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", *listing],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("needs git and a clone: only git knows which files are part of the repository")
    return [path for name in git.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def shipped_scenarios() -> list[Path]:
    return sorted(SCENARIOS.glob("*.yaml"))


def test_no_file_names_a_package_registry() -> None:
    files = repository_files()
    assert Path(__file__).resolve() in files
    named = [
        f"{path.relative_to(ROOT)} names {host}"
        for path in files
        for host in REGISTRY_HOSTS
        if host.encode() in path.read_bytes().lower()
    ]
    assert named == []


def test_constraints_pin_one_exact_version_each() -> None:
    loose = [line for line in pins() if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.]*", line)]
    assert loose == []
    names = [requirement_name(line) for line in pins()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("requirement", requirements())
def test_constraints_pin_every_requirement(requirement: str) -> None:
    assert requirement_name(requirement) in {requirement_name(line) for line in pins()}


def test_shipped_yaml_names_its_schema_in_the_first_line() -> None:
    start = "# yaml-language-server: $schema="
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted(SCENARIOS.rglob("*.yaml"))
        if not path.read_text(encoding="utf-8").startswith(start)
    ]
    assert silent == []


def test_the_reference_case_is_shipped() -> None:
    assert SCENARIOS / "jackson.yaml" in shipped_scenarios()


def test_every_scenario_ships_its_answer() -> None:
    without = [p.name for p in shipped_scenarios() if not p.with_suffix(".expected.csv").is_file()]
    assert without == []


@pytest.mark.parametrize("command", ["make run", "make test"])
def test_readme_gives_the_command(command: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^\W*{command}\b", readme, flags=re.MULTILINE)
