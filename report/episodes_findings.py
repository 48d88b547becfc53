"""What contracts would measure, evaluations report and estimates write: words, and when too few."""

from __future__ import annotations

from pathlib import Path

from . import wording
from .episodes_data import FEWEST, Episodes, Row
from .wording import count, money, of_hundred, plural, points

PRE_POST, TRUTH = "before and after", "truth"
YEARS = 20  # contract-years from which a chance of payment is told
SERVED = 30  # people in all, from which a saving a person is told


def titled(words: str) -> str:
    """The words with a capital at their beginning."""
    return words[:1].upper() + words[1:]


# --- contracts


def contract_years(e: Episodes, row: Row) -> int:
    """Of all replications, behind one row."""
    years = sum(r["contract"] == row["contract"] and r["year"] > 0 for r in e.contracts)
    return int(row["replications"]) * (years if row["year"] == 0 else 1)


def too_few(e: Episodes, row: Row) -> bool:
    """To say how often a contract pays."""
    return e.few or contract_years(e, row) < YEARS


def contract(e: Episodes, row: Row) -> str:
    """What the contract would measure and pay, beside the truth."""
    name = f"the contract “{titled(e.name(row['contract']))}”"
    if too_few(e, row):
        return (
            f"What {name} would measure, and how often it would pay: too few replications to say "
            f"({plural(e.replications, 'replication')}, "
            f"{plural(contract_years(e, row), 'contract-year')}; {FEWEST} and {YEARS} are needed)."
        )
    sd = row["sd"]["value"]
    chance = "" if sd is None else f", give or take {points(sd)} (standard deviation) by chance"
    return (
        f"Where the truth is {_rate(row['true_rate'])} saved a year, {name} measures "
        f"{_rate(row['measured_rate'])} in the mean{chance}; it pays in {_chance(row['p_paid'])} "
        f"of 100 years, and in {_chance(row['p_paid_without_effect'])} with no effect at all (in "
        f"brackets: 90 % intervals of the estimates, from {e.replications} replications)."
    )


def _rate(x: Row) -> str:
    between = "" if x["low"] is None else f" ({points(x['low'])} to {points(x['high'])})"
    return f"{points(x['value'])}{between}"


def _chance(x: Row) -> str:
    between = "" if x["low"] is None else f" ({of_hundred(x['low'])} to {of_hundred(x['high'])})"
    return f"{of_hundred(x['value'])}{between}"


def contract_name(e: Episodes, row: Row) -> str:
    """Medicaid plan savings, 2024; of all its years together no year is said."""
    return f"{titled(e.name(row['contract']))}, {contract_year(row)}"


def contract_year(row: Row) -> str:
    """2024; 2023-07 to 2024-06; all years"""
    if not row["year"]:
        return "all years"
    year, month = map(int, row["begins"].split("-"))
    return str(year) if month == 1 else f"{row['begins']} to {year + 1}-{month - 1:02}"


# --- people picked for much use


def scarce(row: Row) -> bool:
    """Too few were served to tell a saving a person."""
    return bool(row["served_in_all"] < SERVED)


def selection(row: Row) -> str:
    """What evaluations would report of people whom a rule picks, beside the truth."""
    many = (
        f"Of {count(row['selected'])} people whom “{row['rule']}” picks in a replication, "
        f"{count(row['served'])} are {'called ' if row['placebo'] else ''}served "
        f"({row['served_in_all']:,} in all)"
    )
    if not row["reported"] or scarce(row):
        return f"{many}: too few to say what evaluations would report ({SERVED} are needed)."
    found = {r["design"]: r["mean"] for r in row["reported"] if r["measure"] == "usd"}
    parts = [f"{design}: {signed(x)}" for design, x in found.items() if design != TRUTH]
    return (
        f"{many}. Evaluations would report of these, a person and month: {'; '.join(parts)}. "
        f"{_truth(row, found.get(TRUTH, 0.0))}"
    )


def _truth(row: Row, usd: float) -> str:
    if row["placebo"]:
        return "The truth is $0: nothing was done for anybody."
    if abs(usd) < wording.CENT:
        months = f"{row['months_after']:g} months"
        return (
            f"In truth the programmes changed none of these people's counted use in the {months} "
            "after; what they do for others and later is not in it."
        )
    return f"The truth is {signed(usd)}."


def signed(x: float) -> str:
    """A saving; a rise is told as one."""
    return f"{money(-x)} more spending" if x < -0.5 else money(x)


def people_of(e: Episodes, row: Row) -> str:
    """Whom the rule picks, when, and what becomes of them, a replication; all parts add up."""
    served = f"served within {row['reach']:g} months"
    called = "called served, though nothing is done"
    parts = [
        f"{count(row['served'])} {called if row['placebo'] else served}",
        f"{count(row['compared'])} not served up to the end of the period after (compared)",
    ]
    if not row["placebo"]:
        parts.append(f"{count(row['later'])} served later, in no group")
        parts.append(f"{count(row['already'])} already served before, in no group")
    segments = wording.listed(e.name(name) for name in row["segments"])
    whom = "" if row["placebo"] else ", the segments that an intervention serves"
    return (
        f"Considered: {segments}{whom}, in the community for the whole period before. Picked "
        f"{when(row)}. Of {count(row['selected'])} picked in a replication {'; '.join(parts)}. "
        f"{row['months_before']:g} months before are compared with {row['months_after']:g} after."
    )


def when(row: Row) -> str:
    """once, in 2025-07; at the first month's start that qualifies, 2025-07 to 2027-06"""
    if row["when"] == "once":
        return f"once, at the start of {row['from']}"
    span = f"{row['from']} to {row['to']}"
    if row["when"] == "at events":
        return f"at the first event that qualifies, {span}"
    return f"at the first month's start that qualifies, {span}"


# --- what --estimate-variation wrote


def estimate(e: Episodes, folder: Path | None = None) -> list[str]:
    """What was written and what to do next; nothing where it was not asked for.

    folder: where the files are, as a screen says it; a page says that it is in this folder.
    """
    done = e.summary.get("estimate")
    if done is None:
        return []
    if not done["file"]:
        return ["Variation: no contract shares savings, so that nothing was written."]
    path = folder / done["file"] if done["inside"] and folder else done["file"]
    where = f"{done['file']} in this folder" if done["inside"] and not folder else path
    told = [f"Variation: {where} was written; it extends {done['extends']}."]
    told.append(f"Next: headwater run {path}")
    if done["cut"]:
        told.append(f"It keeps what was asked of the episodes: {done['cut']}.")
    return told
