"""Headwater's command line: one command is one line of the pipeline.

Imports are lazy, so that --help is instant. Exit codes: 0 done, 1 a finding under --strict,
2 bad input, 3 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from model.loading import Loaded

FILE = click.Path(path_type=Path)
SETTING = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a number of the scenario, as in interventions.X.staff.posts=12; repeatable.",
)
DRAWS = click.option("--draws", default=1000, show_default=True, type=click.IntRange(1, 1_000_000))
SEED = click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**63 - 1))
METHOD = click.option(
    "--sampling", "method", type=click.Choice(["lhs", "plain", "sobol"]), default="lhs",
    show_default=True, help="How the draws are spread.",
)  # fmt: skip
FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
QUIET = click.option("--quiet", is_flag=True, help="No progress bar and no table.")
CLUSTER = click.option(
    "--cluster", metavar="ADDRESS",
    help="Share the work out on a Dask cluster, as in tcp://scheduler:8786.",
)  # fmt: skip
CHUNK = click.option(
    "--chunk", type=click.IntRange(1, 100_000),
    help="Draws that are kept, or sent to a worker, at a time; 2048 where a run is large.",
)  # fmt: skip
RESUME = click.option("--resume", is_flag=True, help="Go on with what a killed run has finished.")


class Commands(click.Group):
    """Commands in the order of the work, and every mistake told without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        from model.problems import BadInput, Unfinished

        try:
            return super().invoke(ctx)
        except BadInput as error:
            click.echo(str(error), err=True)
            ctx.exit(2)
        except Unfinished as error:
            click.echo(str(error), err=True)
            ctx.exit(3)
        except KeyboardInterrupt:
            click.echo("Interrupted: nothing was written.", err=True)
            ctx.exit(3)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value:
        from importlib.metadata import version

        click.echo(f"headwater {version('headwater')}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Show the version and exit.",
)  # fmt: skip
def main() -> None:
    """What upstream community work saves in rescue services, who saves it, and how sure that is.

    Begin with:  headwater run scenarios/jackson.yaml
    """


@main.command()
@click.argument("scenario", type=FILE)
@DRAWS
@SEED
@SETTING
@METHOD
@click.option(
    "--luck", default=1, show_default=True, type=click.IntRange(1, 1000),
    help="Replicates of chance for each draw: from two on, what share of the spread is chance.",
)  # fmt: skip
@click.option("--out", type=FILE, help="Run folder; default runs/NAME-HASH.")
@CLUSTER
@CHUNK
@RESUME
@FORMAT
@QUIET
def run(
    scenario: Path,
    draws: int,
    seed: int,
    settings: tuple[str, ...],
    method: Any,
    luck: int,
    out: Path | None,
    cluster: str | None,
    chunk: int | None,
    resume: bool,
    form: str,
    quiet: bool,
) -> None:
    """Project a scenario: what it costs, what it avoids, for whom, with intervals."""
    from report import renderer

    renderer.warm_up()
    from report import progress, terminal

    _refuse_unreachable(cluster)
    loaded = _load(scenario, settings)
    folder = _run_folder(out, loaded, draws, seed, method, luck)
    title = f"{loaded.scenario.name}: {draws:,} draws" + f" x {luck:,}" * (luck > 1)
    with progress.bar(title, draws * luck, quiet) as advance:
        summary = _project(
            loaded, draws, seed, method, folder, advance, cluster, chunk, resume, luck
        )
    if form == "json":
        _print_json(terminal.run_json(summary, folder))
    elif not quiet:
        terminal.show_run(summary, folder)


def _refuse_unreachable(cluster: str | None) -> None:
    """A cluster that cannot be reached is told before any work."""
    if cluster is not None:
        from model.cluster import refuse_unreachable

        refuse_unreachable(cluster)


def _load(path: Path, settings: tuple[str, ...] = ()) -> Loaded:
    from model.loading import load

    return load(path, settings)


def _run_folder(
    out: Path | None, loaded: Loaded, draws: int, seed: int, method: Any, luck: int = 1
) -> Path:
    """Where the run goes; a folder that is not a run folder is never replaced."""
    from model.problems import BadInput, Mark, Problem
    from model.runfolder import default_folder, is_run_folder, refuse_uncreatable

    folder = out if out is not None else default_folder(loaded, draws, seed, method, luck)
    refuse_uncreatable(folder)
    taken = folder.exists() and not is_run_folder(folder)
    if taken and not (folder.is_dir() and not any(folder.iterdir())):
        found = f"`{folder}`, which is there and is no run folder"
        allowed = "a new folder, an empty one, or an earlier run"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)])
    return folder


def _project(
    loaded: Loaded, draws: int, seed: int, method: Any, folder: Path, advance: Any,
    cluster: str | None = None, chunk: int | None = None, resume: bool = False,
    luck: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Run the ensemble and leave its folder, whole; returns the summary."""
    import time
    from contextlib import nullcontext

    from model import checkpoints, ensemble, runfolder
    from report import html

    began = time.perf_counter()
    if checkpoints.wanted(draws * luck, cluster, chunk, resume):
        _tell_of_dropped(folder, resume)
        asked = checkpoints.Asked(loaded, draws, seed, method, luck, chunk or checkpoints.CHUNK)
        ready: Any = checkpoints.kept_run(asked, folder, resume, cluster, advance)
    else:
        ran = ensemble.run(loaded, draws, seed, method, progress=advance, luck=luck)
        ready = nullcontext(ran)
    with ready as result, runfolder.written_whole(folder) as filling:
        summary = runfolder.write(result, filling, time.perf_counter() - began)
        html.write_run_page(filling)
    return summary


def _tell_of_dropped(folder: Path, resume: bool) -> None:
    """Chunks that were kept, and are not gone on with, are not dropped in silence."""
    from model.workfolder import left_over

    if not resume and (dropped := left_over(folder)):
        told = f"Begins anew: {dropped:,} chunks of an earlier run are dropped; --resume"
        click.echo(f"{told} goes on with them.", err=True)


def _print_json(data: Any) -> None:
    import json

    click.echo(json.dumps(data, indent=1, allow_nan=False))


@main.command()
@click.argument("scenario", type=FILE)
@SETTING
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 where a number has no source or something is too good to be true.",
)
@FORMAT
def check(scenario: Path, settings: tuple[str, ...], strict: bool, form: str) -> None:
    """Validate a scenario: every number with its source, and what is too good to be true."""
    from model.runfolder import inputs_of
    from report import progress, terminal

    loaded = _load(scenario, settings)
    with progress.bar("what is too good to be true", 1, form == "json"):
        from model import lint

        found = lint.findings(loaded)
    if form == "json":
        _print_json(inputs_of(loaded) | {"findings": [finding.as_json() for finding in found]})
        unsourced = terminal.count_unsourced(loaded)
    else:
        unsourced = terminal.show_check(loaded, scenario, found=found)
    if strict and (unsourced or found):
        sys.exit(1)


@main.command()
@click.argument("scenarios", type=FILE, nargs=-1, required=True)
@DRAWS
@SEED
@SETTING
@METHOD
@click.option("--out", type=FILE, help="Folder of the comparison; default runs/compare-NAMES.")
@FORMAT
@QUIET
def compare(
    scenarios: tuple[Path, ...],
    draws: int,
    seed: int,
    settings: tuple[str, ...],
    method: Any,
    out: Path | None,
    form: str,
    quiet: bool,
) -> None:
    """Compare scenarios with the first one, on the same draws."""
    from report import renderer

    renderer.warm_up()
    from model import comparison, runfolder
    from report import html, progress, terminal

    if len(scenarios) < 2:
        raise click.UsageError("compare needs two scenarios or more")
    runfolder.refuse_uncreatable(out if out is not None else Path("runs") / "compare")
    if out is not None:
        html.refuse_foreign(out)
    loaded = comparison.distinct([_load(path, settings) for path in scenarios], scenarios)
    total = draws * len(loaded)
    with progress.bar(f"{len(loaded)} scenarios: {draws:,} draws", total, quiet) as advance:
        compared = comparison.compare(loaded, draws, seed, method, advance)
    folder = out if out is not None else comparison.default_folder(compared)
    html.write_comparison(compared, folder)
    if form == "json":
        _print_json(compared.as_json() | {"folder": str(folder)})
    elif not quiet:
        terminal.show_comparison(compared, folder)


@main.command()
@click.argument("evidence_id", required=False, metavar="[ID]")
@click.option("--service", help="Only effects on this service, as in ed_visit.")
@click.option("--intervention", help="Only effects of interventions like this.")
def evidence(evidence_id: str | None, service: str | None, intervention: str | None) -> None:
    """List the published effects, or show one (or a unit cost or base rate) as a card."""
    from model.evidence import EvidenceError, load_registry
    from report.evidence import evidence_card, evidence_table
    from report.terminal import console

    registry = load_registry()
    try:
        if evidence_id:
            shown = evidence_card(registry, evidence_id.upper())
        else:
            shown = evidence_table(registry, service, intervention)
    except EvidenceError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    console().print(shown)


@main.command()
@click.argument("performance", type=FILE, required=False, metavar="[PERFORMANCE.csv]")
@click.option("--terms", type=FILE, help="Terms of the contract: a file, or a shipped name.")
@click.option("--output", type=FILE, help="Result file for a performance file.")
@click.option("--benchmark", type=float, help="USD a year, to settle your own figures.")
@click.option("--expenditure", type=float, help="USD a year.")
@click.option("--members", type=float, help="Attributed members.")
@click.option("--quality-score", type=click.FloatRange(0, 1))
@click.option("--minimum-savings-rate", type=click.FloatRange(0, 1), help="Where you elect it.")
@click.option("--revenue", type=click.FloatRange(0), help="USD of participants, limits losses.")
@click.option("--year", type=click.IntRange(1980, 2100), help="Performance year.")
@FORMAT
@click.option("--quiet", is_flag=True, help="Only say what is wrong.")
def settle(
    performance: Path | None,
    terms: Path | None,
    output: Path | None,
    form: str,
    quiet: bool,
    **figures: Any,
) -> None:
    """Settle contract-years: a CSV row by row, or one contract on your own figures."""
    from report.settle import refuse_no_file, settle_figures, settle_file

    if performance is not None:
        refuse_no_file(performance)
        if output is None:
            raise click.UsageError("settling a file needs --output RESULT.csv")
        if any(value is not None for value in figures.values()):
            raise click.UsageError("give PERFORMANCE.csv or your own figures, not both")
        result = settle_file(performance, terms, output)
        if not quiet:
            click.echo(result.summary)
        if result.problems:
            click.echo(result.complaint, err=True)
        sys.exit(result.exit_code)
    if figures["benchmark"] is None or figures["expenditure"] is None:
        raise click.UsageError("give PERFORMANCE.csv, or --benchmark and --expenditure")
    settled = settle_figures(terms, **figures)
    if form == "json":
        _print_json(settled.as_json())
    elif not quiet:
        click.echo("\n".join(settled.lines))


@main.command()
@click.argument("scenario", type=FILE)
@click.option("--contract", help="Name of the contract; not needed where there is one.")
@click.option("--power", default=0.8, show_default=True, type=click.FloatRange(0.5, 0.999))
@click.option("--alpha", default=0.05, show_default=True, type=click.FloatRange(0.0001, 0.5))
@DRAWS
@SEED
@SETTING
@click.option("--out", "--output", type=FILE, help="Folder of the plan; default runs/plan-NAMES.")
@FORMAT
@QUIET
def plan(
    scenario: Path,
    contract: str | None,
    power: float,
    alpha: float,
    draws: int,
    seed: int,
    settings: tuple[str, ...],
    out: Path | None,
    form: str,
    quiet: bool,
) -> None:
    """Plan a measurement: people and months needed to tell a contract's effect from chance."""
    from report import plan as words
    from report import plan_page, progress, terminal

    loaded, asked = _load(scenario, settings), words.Asked(power, alpha)
    name, folder = plan_page.prepared(loaded, contract, draws, seed, asked, out)
    with progress.bar(f"{loaded.scenario.name}: {draws:,} draws", draws, quiet) as advance:
        made = plan_page.made(loaded, name, draws, seed, asked, folder, advance)
    if form == "json":
        _print_json(words.as_json(made) | {"folder": str(folder)})
    elif not quiet:
        words.show(made, folder, terminal.console())


@main.command()
@click.argument("scenario", type=FILE)
@click.option("--replications", default=20, show_default=True, type=click.IntRange(1, 100_000))
@click.option(
    "--workers", type=click.IntRange(1, 256),
    help="Processes; default: as many as cores and memory allow. They change no number.",
)  # fmt: skip
@CLUSTER
@SEED
@SETTING
@click.option("--until", metavar="MONTH", help="End the scenario with this month, as in 2027-12.")
@click.option(
    "--draw", type=click.IntRange(0, 999), metavar="DRAW",
    help="Use the numbers of one draw of `headwater run` with this seed; default: central ones.",
)  # fmt: skip
@click.option(
    "--tables", type=click.Choice(["first", "all", "none"]), default="first", show_default=True,
    help="Replications whose claims and pathways are kept; about 6 MB a million claims.",
)  # fmt: skip
@click.option(
    "--worlds", type=click.Choice(["strategy", "both"]), default="strategy", show_default=True,
    help="Whose claims are kept: with the interventions, or those of usual care as well.",
)  # fmt: skip
@click.option(
    "--select", multiple=True, metavar="RULE",
    help="What evaluations of people picked for much use would report, as in "
    '"inpatient_stay >= 2 in 6 months, rolling"; repeatable.',
)  # fmt: skip
@click.option(
    "--estimate-variation", "variation", is_flag=False, flag_value="", metavar="[FILE]",
    help="Write a scenario that gives contracts the variation found; default: in the folder.",
)  # fmt: skip
@click.option("--out", "--output", type=FILE, help="Folder; default runs/NAME-episodes.")
@FORMAT
@QUIET
def episodes(
    scenario: Path,
    settings: tuple[str, ...],
    until: str | None,
    variation: str | None,
    out: Path | None,
    form: str,
    quiet: bool,
    **asked: Any,
) -> None:
    """Follow people one at a time: waits, full programmes, claims, and what luck alone does."""
    from report import renderer

    if asked["cluster"] and asked["workers"]:
        raise click.UsageError("give --workers, which are here, or --cluster, not both")
    renderer.warm_up()
    from model.episode_runs import Options
    from report import episodes as lens
    from report import episodes_terminal, progress

    _refuse_unreachable(asked["cluster"])
    loaded = lens.loaded_until(_load, scenario, settings, until)
    folder = lens.folder_for(out, loaded)
    overlay = lens.overlay_file(variation, folder, scenario)
    said = lens.command(scenario, settings, until, variation, asked)
    cut = lens.cut(settings, until)
    options = Options(**asked, estimate=variation is not None, command=said, cut=cut)
    total = options.replications
    title = f"{loaded.scenario.name}: {total:,} replications"
    with progress.bar(title, total, quiet, "replications") as advance:
        made = lens.made(loaded, options, folder, overlay, scenario, advance)
    if form == "json":
        _print_json(episodes_terminal.as_json(made.folder))
    elif not quiet:
        episodes_terminal.show_episodes(made.folder)
    if made.interrupted:
        click.echo(made.words, err=True)
        sys.exit(3)


@main.command()
def schema() -> None:
    """Print the JSON Schema of scenario files (editors complete and check with it)."""
    from model.schema import scenario_schema_text

    click.echo(scenario_schema_text(), nl=False)


@main.command()
@click.argument("name")
def init(name: str) -> None:
    """Write NAME.yaml: a commented starter scenario that runs."""
    from model.starter import write_starter

    path = write_starter(name, Path.cwd())
    click.echo(
        f"Wrote {path.name}. Next:\n  headwater check {path.name}\n  headwater run {path.name}"
    )


SCALE = click.option("--scale", is_flag=True, help="Multiply by a factor instead of setting.")
FOLDER = click.option("--out", type=FILE, help="Folder; default runs/COMMAND-NAME-HASH.")


@main.command()
@click.argument("scenario", type=FILE)
@click.option("--vary", required=True, metavar="PATH", help="A number, or a pattern with *.")
@click.option("--low", type=float, help="Lower end of the values tried.")
@click.option("--high", type=float, help="Upper end of the values tried.")
@click.option("--target", required=True, metavar='"METRIC OP VALUE"', help="What is to be reached.")
@click.option("--also", multiple=True, metavar="METRIC", help="Told beside it; repeatable.")
@SCALE
@DRAWS
@SEED
@SETTING
@FOLDER
@FORMAT
@QUIET
def solve(
    scenario: Path, vary: str, low: float | None, high: float | None, target: str,
    also: tuple[str, ...], scale: bool, draws: int, seed: int, settings: tuple[str, ...],
    out: Path | None, form: str, quiet: bool,
) -> None:  # fmt: skip
    """Find the value of a number at which a target is reached, and how sure that is."""
    from report import answer_page, progress, solved, solved_files

    loaded = _load(scenario, settings)
    asked = solved.question(loaded, vary, low, high, target, scale, also)
    words = (vary, asked.low, asked.high, asked.target, scale, also)
    folder = solved_files.folder_for(out, "solve", loaded, draws, seed, words)
    total = draws * solved.ABOUT
    if not quiet and (told := asked.cost(draws)):
        click.echo(told, err=True)
    with progress.bar(f"{vary}: {draws:,} draws", total, quiet) as advance:
        found = solved.answered(asked, draws, seed, lambda done: advance(min(done, total)))
        page = solved.write(found, folder)
    if form == "json":
        _print_json(solved.as_json(found, folder))
    elif not quiet:
        answer_page.show(page, folder)


@main.command()
@click.argument("scenario", type=FILE)
@click.option("--vary", multiple=True, metavar="PATH=LOW:HIGH:N", help="Give it twice.")
@click.option("--output", metavar="METRIC", help="What is told: METRIC, p05(METRIC) ...")
@click.option("--target", metavar='"METRIC OP VALUE"', help="Instead: the contour to draw.")
@SCALE
@DRAWS
@SEED
@SETTING
@FOLDER
@FORMAT
@QUIET
def grid(
    scenario: Path, vary: tuple[str, ...], output: str | None, target: str | None, scale: bool,
    draws: int, seed: int, settings: tuple[str, ...], out: Path | None, form: str, quiet: bool,
) -> None:  # fmt: skip
    """Tell an outcome over two numbers at once, with its break-even line."""
    from report import answer_page, progress, solved_files
    from report import grid as grids

    loaded = _load(scenario, settings)
    asked = grids.question(loaded, vary, output, target, scale)
    words = (*vary, output, target, scale)
    folder = solved_files.folder_for(out, "grid", loaded, draws, seed, words)
    title = f"{asked.variants} pairs of values: {draws:,} draws"
    if not quiet and (told := asked.cost(draws)):
        click.echo(told, err=True)
    with progress.bar(title, draws * asked.variants, quiet) as advance:
        found = grids.answered(asked, draws, seed, advance)
        page = grids.write(asked, found, seed, folder)
    if form == "json":
        _print_json(grids.as_json(asked, found, seed, folder))
    elif not quiet:
        answer_page.show(page, folder)


@main.command()
@click.argument("scenario", type=FILE)
@click.option("--dues", default="0,1,2,4,6,8", show_default=True, help="Factors on all dues.")
@click.option("--shares", default="0.25,0.5,0.75", show_default=True, help="Sharing rates.")
@click.option(
    "--loss", type=click.Choice(["largest", "each", "none"]), default="largest",
    show_default=True, help="Grants that are lost, one at a time.",
)  # fmt: skip
@click.option("--most-dues", type=click.FloatRange(0), help="Limit: USD a member and year.")
@click.option("--most-contracts", type=click.IntRange(0), help="Limit: contracts signed.")
@click.option("--most-cost", type=click.FloatRange(0), help="Limit: USD of payers and partners.")
@click.option("--least-sustainable", type=click.FloatRange(0, 1), help="Limit: P(sustainable).")
@DRAWS
@SEED
@SETTING
@FOLDER
@FORMAT
@QUIET
def frontier(
    scenario: Path, draws: int, seed: int, settings: tuple[str, ...], out: Path | None, form: str,
    quiet: bool, **options: Any,
) -> None:  # fmt: skip
    """Search mixes of revenue: which keep the backbone alive, at whose cost, with what regret."""
    from report import answer_page, progress, solved_files
    from report import frontier as frontiers

    loaded = _load(scenario, settings)
    asked = frontiers.question(loaded, **options)
    words = sorted(options.items())
    folder = solved_files.folder_for(out, "frontier", loaded, draws, seed, words)
    total = draws * asked.variants
    if not quiet and (told := asked.cost(draws)):
        click.echo(told, err=True)
    with progress.bar(f"{asked.variants} variants: {draws:,} draws", total, quiet) as advance:
        found = frontiers.answered(asked, draws, seed, advance)
        page = frontiers.write(asked, found, folder)
    if form == "json":
        _print_json(frontiers.as_json(asked, found, folder))
    elif not quiet:
        answer_page.show(page, folder)


@main.command()
@click.argument("scenario", type=FILE)
@click.argument("words", nargs=-1)
@SETTING
@FORMAT
def outcomes(scenario: Path, words: tuple[str, ...], settings: tuple[str, ...], form: str) -> None:
    """What can be asked for by --output or --target; WORDS narrow it down, as in "insolvent"."""
    from model.wanted import known
    from report import outcome_names, terminal

    loaded = _load(scenario, settings)
    names = outcome_names.names_of(loaded)
    found = outcome_names.matching(known(loaded), words, names)
    if form == "json":
        _print_json({"outcomes": [one._asdict() for one in found]})
    elif found:
        terminal.show(terminal.console(), outcome_names.listed(found, names, bool(words)))
    else:
        click.echo(f"No outcome is called anything like: {' '.join(words)}.")


@main.command()
@click.argument("scenario", type=FILE)
@click.option(
    "--method", default="tornado", show_default=True,
    type=click.Choice(["tornado", "sobol", "morris", "pawn", "delta", "regional"]),
    help="tornado: one number at a time; sobol: shares of the variance; morris: screening.",
)  # fmt: skip
@click.option(
    "--output", "names", multiple=True, required=True, metavar="METRIC",
    help="An outcome, as in npv:backbone or p_insolvent:backbone@2027-12; repeatable.",
)  # fmt: skip
@click.option(
    "--samples", type=click.IntRange(1, 1_000_000),
    help="Draws of each bar (tornado, 100), base samples (sobol, 512, a power of two), "
    "trajectories (morris, 40), draws (2,000).",
)  # fmt: skip
@click.option("--groups", is_flag=True, help="Sobol by meaning: a few groups, far fewer runs.")
@SEED
@SETTING
@click.option("--out", type=FILE, help="Folder of the study; default runs/sensitivity-NAME.")
@CLUSTER
@RESUME
@FORMAT
@QUIET
def sensitivity(
    scenario: Path,
    method: Any,
    names: tuple[str, ...],
    samples: int | None,
    groups: bool,
    seed: int,
    settings: tuple[str, ...],
    out: Path | None,
    cluster: str | None,
    resume: bool,
    form: str,
    quiet: bool,
) -> None:
    """What matters to an outcome: shares and bars of every uncertain number, levers apart."""
    from model.checkpoints import wanted
    from model.sensitivity import study
    from report import progress, sensitivity_page, terminal
    from report import sensitivity as words

    _refuse_unreachable(cluster)
    loaded = _load(scenario, settings)
    size = study.sized(method, samples)
    if samples and size != samples and not quiet:
        click.echo(f"--samples {samples}: rounded up to {size}, a power of two.", err=True)
    total = study.runs(loaded, method, size, groups)
    question = sensitivity_page.Question(method, names, size, groups, seed)
    folder = sensitivity_page.prepared(loaded, question, out)
    asked = (loaded, method, names, size, seed, groups)
    if wanted(total, cluster, None, resume):
        _tell_of_dropped(folder, resume)
    with (
        progress.bar(f"{loaded.scenario.name}: {method}", total, quiet, "runs") as advance,
        study.resumable(*asked, folder, resume, cluster) as kept,
    ):
        told = words.told(loaded, study.run(*asked, advance, cluster, kept))
        sensitivity_page.write(told, loaded, folder)
    if form == "json":
        _print_json({"folder": str(folder), "studies": [words.as_json(t) for t in told]})
    elif not quiet:
        words.show(told, loaded.scenario.name, terminal.console())
        click.echo(f"Page: {folder / 'sensitivity.html'}")


@main.command()
@click.argument("scenario", type=FILE)
@click.option("--decision", help="sign:CONTRACT, fund:INTERVENTION, or fund:ONE,OTHER.")
@click.option("--option", "others", type=FILE, multiple=True, help="Another scenario to choose.")
@click.option("--value", required=True, help="Whose value: npv:PARTY; more with + or -.")
@click.option("--pilot", "pilots", multiple=True, help="effect=NAME,people=N[,months=M ...].")
@click.option("--draws", default=1000, show_default=True, help="100 to 20,000.")
@click.option("--luck", default=1, show_default=True, type=click.IntRange(1, 100),
              help="Lucks of each draw: more part facts from luck better.")  # fmt: skip
@SEED
@SETTING
@click.option("--out", type=FILE, help="Folder of the answer; default runs/voi-NAME.")
@FORMAT
@QUIET
def voi(scenario: Path, settings: tuple[str, ...], form: str, quiet: bool, **asked: Any) -> None:
    """Tell what it is worth to know more before a decision, and whom to ask for what."""
    from report import asking

    files = (scenario, *asked.pop("others"))
    if (asked["decision"] is None) == (len(files) == 1):
        raise click.UsageError("give either --decision, or --option with another scenario")
    told = asking.value_of_information([_load(f, settings) for f in files], quiet, **asked)
    if form == "json":
        _print_json(told.data)
    elif not quiet:
        told.show()


@main.command()
@click.argument("scenario", type=FILE)
@click.option("--fails", required=True, help='METRIC OP VALUE: "p_insolvent:backbone@2027-12 > 0".')
@click.option("--vary", multiple=True, metavar="PATH=LOW:HIGH", help="Only this lever; repeatable.")
@click.option("--levers/--no-levers", default=True, help="Vary levers by half if none are given.")
@click.option("--conditions", default=3, show_default=True, type=click.IntRange(1, 6))
@click.option("--draws", default=2000, show_default=True, type=click.IntRange(100, 100_000))
@SEED
@SETTING
@click.option("--out", type=FILE, help="Folder of the answer; default runs/discovery-NAME.")
@FORMAT
@QUIET
def discover(
    scenario: Path, settings: tuple[str, ...], form: str, quiet: bool, **asked: Any
) -> None:
    """Find the simplest conditions under which the network fails."""
    from report import asking

    told = asking.discovery(_load(scenario, settings), quiet, **asked)
    if form == "json":
        _print_json(told.data)
    elif not quiet:
        told.show()


@main.command()
@click.argument("first", type=FILE, metavar="A")
@click.argument("second", type=FILE, metavar="B")
@click.option(
    "--output", "names", multiple=True, required=True, metavar="METRIC",
    help="An outcome, as in npv:backbone or p_insolvent:backbone@2027-12; repeatable.",
)  # fmt: skip
@click.option("--draws", default=200, show_default=True, type=click.IntRange(2, 100_000))
@click.option("--lever", "levers", multiple=True, metavar="KEY", help="Take a key for a lever.")
@click.option("--fact", "facts", multiple=True, metavar="KEY", help="Take one for an assumption.")
@click.option(
    "--exact", "most_exact", default=8, show_default=True, type=click.IntRange(1, 12),
    help="Keys of one kind up to which every order is counted (2^keys runs).",
)  # fmt: skip
@click.option("--orders", default=20, show_default=True, type=click.IntRange(4, 1000),
              help="Orders sampled where there are more keys.")  # fmt: skip
@SEED
@SETTING
@click.option("--out", type=FILE, help="Folder of the answer; default runs/explain-A-B-HASH.")
@FORMAT
@QUIET
def explain(
    first: Path, second: Path, settings: tuple[str, ...], out: Path | None, form: str, quiet: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Split the difference between two scenarios: what is assumed, what is decided, key by key."""
    from model import what_changed
    from report import answer_page, changes, progress

    loaded = (_load(first, settings), _load(second, settings))
    asked = what_changed.Asked(*loaded, **options)
    folder = changes.folder_for(out, asked)
    total = what_changed.about(asked)
    title = f"{asked.draws:,} draws, variant by variant"
    with progress.bar(title, total, quiet, "runs") as advance:
        told = changes.as_json(what_changed.explain(asked, lambda k: advance(min(k, total))))
        page = changes.write(told, folder)
    if form == "json":
        _print_json(told | {"folder": str(folder)})
    elif not quiet:
        answer_page.show(page, folder)


if __name__ == "__main__":
    main()
