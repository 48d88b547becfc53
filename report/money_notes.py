"""What stands behind the money of a run: dollars, insolvency, the gap, what is left out."""

from __future__ import annotations

from . import money
from .rundata import ALL, DIFFERENCE, DUST, USUAL, Run
from .story import counts, years
from .wording import money as dollars
from .wording import month_at, percent, plural


def discount(run: Run) -> str:
    """6 % a year (stated source)"""
    return _rate(run, "financing.discount_rate")


def inflation(run: Run) -> str:
    return _rate(run, "financing.inflation")


def _rate(run: Run, name: str) -> str:
    for p in run.inputs["parameters"]:
        if p["name"] == name:
            return f"{percent(p['value'])} a year ({STATUS.get(p['status'], p['status'])})"
    return "0 % a year (the scenario says nothing of it)"


def dollars_note(run: Run) -> str:
    return (
        f"nominal, summed over {years(run)}, undiscounted; who gains and loses is told in present "
        f"values at {discount(run)}. Means over draws, medians for months."
    )


STATUS = {
    "assumption": "an assumption",
    "stated": "a stated source",
    "verified": "verified in its source",
    "unverified": "a source not verified yet",
}


INSOLVENT = (
    "unrestricted cash and undrawn credit do not pay core staff and core costs of a month. The "
    "model lets nobody come back from it unless the scenario names a rescue, and stops all "
    "receipts: an amount received is never more than an insolvent network would have lived to "
    "receive. Before that, posts that are not core are left empty and let go."
)
PLANNED = (
    "needed: payments with all posts filled. Planned: receipts if the network stayed solvent and "
    "fully staffed. The gap is counted in planned money, so that neither shrinking nor insolvency "
    "hides it, less what settlements pay by luck and error: it is what is needed so as never to "
    "be short."
)
SOCIETY = (
    "resource cost only: payments between parties cancel. Health, wages and lives are not priced. "
    "Levels of government are sums of their own parties. A party stands in several perspectives: "
    "never add them up."
)
NOT_COUNTED = (
    "value to members and all that is not cash; what a programme is worth to those whom it "
    "serves; taxes; any payment after the horizon."
)


def notes(run: Run) -> list[tuple[str, str]]:
    """What stands behind every number of the money part."""
    c = counts([p for p in run.inputs["parameters"] if p["name"].startswith("financing.")])
    dollars_are = (
        "nominal, as they move, unless a column says present value: then discounted at "
        f"{discount(run)} to the beginning of {month_at(run.summary['start'], 0)}. Real amounts, "
        f"in summary.json as real_net, are deflated at {inflation(run)}."
    )
    inputs = (
        f"{c.assumptions + c.no_source} of the {plural(c.numbers, 'number')} of the financing are "
        "assumptions or have no source; all of them are listed below."
    )
    return [
        ("Dollars", dollars_are),
        ("Insolvent", INSOLVENT),
        ("Needed, planned", PLANNED),
        ("Society", SOCIETY),
        ("Not counted", NOT_COUNTED),
        ("Inputs", inputs),
    ]


def usual_care(run: Run) -> str:
    """What the world without the strategy holds: what is there already, and nothing that is new."""
    revenue = (run.spread("revenue", key, USUAL) for key in run.subjects("revenue"))
    kept = sum(s is not None and s.mean > DUST for s in revenue)
    told = "the network with its posts, costs and opening balance"
    if kept:
        told += f", and the {plural(kept, 'source')} of revenue that it has without the strategy"
    return f"{told}; no interventions and no new sources."


def two_nets(run: Run) -> str:
    """How the net result of care and programmes differs from net cash, with the largest case."""
    apart = [
        (abs(cash.mean - saving.mean), party, saving.mean, cash.mean)
        for party in run.subjects("net_saving")
        if party != ALL and party not in money.accounts(run)
        if (saving := run.spread("net_saving", party)) is not None
        if (cash := run.spread("net_cash", party, DIFFERENCE)) is not None
    ]
    told = (
        "the net result here is of care and programmes alone. Net cash, under Who gains, is all "
        "that reaches or leaves a party's account: it adds contracts, grants, dues and functions "
        "taken over, premiums that are re-set, and the revenue of providers; its present value "
        "is what to quote for a party."
    )
    if not apart or max(apart)[0] < DUST:
        return told
    _, party, saving_usd, cash_usd = max(apart)
    return (
        f"{told} They lie furthest apart for {run.name(party)}: net result {dollars(saving_usd)}, "
        f"net cash {dollars(cash_usd)} (both nominal)."
    )
