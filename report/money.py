"""The money of a run in rows: accounts, sources of revenue, contracts, and who gains.

A run without financing has none of it: then `accounts` is empty and so is everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .rundata import DIFFERENCE, DUST, STRATEGY, USUAL, Run, Spread
from .wording import months_of

WORLDS = (USUAL, STRATEGY)
KINDS = {
    "grants": "grants",
    "dues": "dues",
    "fees": "fees",
    "contracts": "contracts",
    "hard_wiring": "hard-wiring",
    "loans": "loans",
    "rescue": "rescue",
}
SOCIETY = "society"
PERSPECTIVES = {
    "perspective.federal": "Federal level",
    "perspective.state": "State level",
    "perspective.local": "Local level",
    SOCIETY: "Society: resource cost only; health and lives are not priced",
}
# What decides whether the strategy changes the cash of an account.
CASH_METRICS = ("p_insolvent", "runway_months", "closing_gap", "lowest_cash")
# A rate or a month that fewer draws have would tell of the lucky ones only.
MOST = 0.5
# A payment of which less is received is told in the conditional.
RECEIVED = 0.95


# --- accounts


class Account(NamedTuple):
    """An account in one world."""

    party: str
    name: str
    world: str
    start: str
    months: int
    insolvent: Spread
    runway: Spread
    first_short: Spread | None
    closing_gap: Spread | None
    first_year: Spread | None
    below_core: Spread | None
    posts_filled: Spread | None
    lowest: Spread | None
    by_luck: Spread | None

    @property
    def lasts(self) -> bool:
        """Whether it is solvent in every draw."""
        return self.insolvent.mean <= 0.0


def accounts(run: Run) -> list[str]:
    """Parties with an account, the backbone first."""
    found = run.subjects("p_insolvent")
    backbone = backbone_of(run)
    return sorted(found, key=lambda party: party != backbone)


def backbone_of(run: Run) -> str:
    about = run.scenario.get("backbone")
    return str(about.get("party", "")) if isinstance(about, dict) else ""


def account(run: Run, party: str, world: str) -> Account | None:
    insolvent = run.spread("p_insolvent", party, world)
    runway = run.spread("runway_months", party, world)
    if insolvent is None or runway is None:
        return None
    return Account(
        party,
        run.name(party),
        world,
        run.summary["start"],
        months_of(run.summary["start"], run.summary["end"]),
        insolvent,
        runway,
        run.spread("first_short_month", party, world),
        run.spread("closing_gap", party, world),
        run.spread("gap_first_year", party, world),
        run.spread("below_core_staff", party, world),
        run.spread("posts_filled", party, world),
        run.spread("lowest_cash", party, world),
        run.spread("solvent_by_luck", party, world),
    )


def differs(run: Run, party: str) -> bool:
    """Whether the strategy changes anything for the cash of an account."""
    pairs = ([run.spread(m, party, w) for w in WORLDS] for m in CASH_METRICS)
    return any(a is not None and b is not None and _apart(a, b) for a, b in pairs)


def _apart(a: Spread, b: Spread) -> bool:
    size = max(abs(a.mean), abs(b.mean), 1.0)
    return any(abs(x - y) > 1e-6 * size for x, y in zip(a[:6], b[:6], strict=True))


class Credit(NamedTuple):
    """An account's line of credit; `most` is what is owed at the end of `month`, when most is."""

    lender: str
    limit: float
    month: str
    most: Spread
    left: float
    last: float


def credit_line(run: Run, party: str, world: str) -> Credit | None:
    """The line of credit of an account in one world, means over draws; None without one."""
    listed = (run.scenario.get("financing") or {}).get("accounts") or {}
    said = (listed.get(party) or {}).get("credit")
    limit = run.parameter(f"financing.accounts.{party}.credit.limit")
    owed = run.series("credit", party, world)
    if not isinstance(said, dict) or limit is None or owed is None:
        return None
    k = int(owed.mean.argmax())
    low, mid, high = (float(x[k]) if x.size else 0.0 for x in (owed.p05, owed.p50, owed.p95))
    most = float(owed.mean[k])
    return Credit(
        run.name(str(said.get("lender", ""))),
        limit,
        owed.months[k],
        Spread(most, high - low, 0.0, low, mid, high, "USD"),
        limit - most,
        float(owed.mean[-1]),
    )


def insolvent_by(run: Run, party: str, world: str) -> list[tuple[str, float]]:
    """Share of draws insolvent at the end of: the year it begins, the next, and the horizon."""
    series = run.series("insolvent", party, world)
    if series is None:
        return []
    begun = [month for month, p in zip(series.months, series.mean, strict=True) if p > MOST / 10]
    by_month = dict(zip(series.months, series.mean.tolist(), strict=True))
    last = series.months[-1]
    if not begun:
        return [(last, by_month[last])]
    year = int(begun[0][:4])
    dates = [f"{y}-12" for y in (year, year + 1) if f"{y}-12" in by_month and f"{y}-12" < last]
    return [(month, by_month[month]) for month in (*dates, last)]


def financing_name(run: Run, kind: str, key: str) -> str:
    """What the scenario calls a grant, a tier of dues, a contract."""
    listed = (run.scenario.get("financing") or {}).get(kind) or {}
    said = listed.get(key)
    name = said.get("name") if isinstance(said, dict) else None
    return str(name) if name else key.replace("_", " ")


# --- contracts


class Contract(NamedTuple):
    """What a contract that shares savings measured and paid; `chances` is its contracts.json."""

    key: str
    name: str
    payer: str
    payment: Spread
    yearly: Spread | None
    on_truth: Spread | None
    beyond: Spread | None
    by_error: Spread | None
    by_luck: Spread | None
    received: Spread | None
    paid: Spread | None
    without_effect: Spread | None
    real: Spread | None
    unpaid: Spread | None
    members: Spread | None
    true_rate: Spread | None
    largest_rate: Spread | None
    payer_net: Spread | None
    chances: dict[str, Any]

    @property
    def beyond_share(self) -> float | None:
        """Of the expected payment, the part that is error and luck; None where none is expected."""
        if self.beyond is None or self.payment.mean <= DUST:
            return None
        return self.beyond.mean / self.payment.mean

    @property
    def arrives(self) -> bool:
        """Whether (nearly) all of it is received; else it is what would be paid."""
        return self.received is None or self.received.mean >= RECEIVED * self.payment.mean

    @property
    def unpaid_given_real(self) -> float | None:
        """Chance of no payment in a year with a real saving."""
        if self.real is None or self.unpaid is None or self.real.mean <= 0.0:
            return None
        return self.unpaid.mean / self.real.mean

    @property
    def needed(self) -> str:
        """Members for 80 % power: a number, none, or nothing known."""
        if "members_needed" not in self.chances:
            return ""
        number = self.chances["members_needed"]
        return "none" if number is None else f"{number:,.0f}"


def contracts(run: Run) -> list[Contract]:
    found = (contract(run, key) for key in run.subjects("contract_payment"))
    return [c for c in found if c is not None]


def contract(run: Run, key: str) -> Contract | None:
    payment = run.spread("contract_payment", key)
    if payment is None:
        return None
    said = ((run.scenario.get("financing") or {}).get("contracts") or {}).get(key) or {}
    names = (
        "contract_payment_yearly", "payment_on_truth", "payment_by_error_and_luck",
        "payment_by_benchmark_error", "payment_by_luck", "contract_received", "p_paid",
        "p_paid_without_effect", "p_real_saving", "p_not_paid_though_real", "contract_members",
        "true_savings_rate", "largest_savings_rate", "payer_net_of_contract",
    )  # fmt: skip
    about = (key, financing_name(run, "contracts", key), run.name(str(said.get("payer", ""))))
    spreads = (run.spread(name, key) for name in names)
    return Contract._make((*about, payment, *spreads, run.contracts.get(key, {})))


# --- who gains


class Gain(NamedTuple):
    """What the strategy is worth to a party or perspective, and on what it put in."""

    key: str
    name: str
    net_cash: Spread
    npv: Spread
    p_gain: float
    outlay: Spread | None
    benefit: Spread | None
    roi_gross: Spread | None
    roi_net: Spread | None
    roi_known: float
    irr: Spread | None
    irr_known: float
    payback: Spread | None
    pays_back: float

    @property
    def gets_out(self) -> Spread | None:
        """Present value of all but what it puts in; who puts in nothing gets its net out."""
        return self.npv if self.outlay is None else self.benefit


def gains(run: Run) -> list[Gain]:
    """Parties for which anything changes, the largest present value first whatever its sign.

    Accounts stand apart (`own_cash`): one that goes bankrupt leaves bills unpaid, so that its net
    cash tells when it goes under, not what the strategy is worth to it.
    """
    apart = {*PERSPECTIVES, *accounts(run)}
    parties = [k for k in run.subjects("npv") if k not in apart]
    found = [g for key in parties if (g := gain(run, key, run.name(key)))]
    return sorted(found, key=lambda g: -abs(g.npv.mean))


def own_cash(run: Run) -> list[tuple[str, Spread]]:
    """Of each account its name and net cash, strategy less usual care, up to insolvency."""
    found = (
        (run.name(party), run.spread("net_cash", party, DIFFERENCE)) for party in accounts(run)
    )
    return [(name, s) for name, s in found if s is not None]


def perspectives(run: Run) -> list[Gain]:
    there = set(run.subjects("npv"))
    named = ((key, name) for key, name in PERSPECTIVES.items() if key in there)
    return [g for key, name in named if (g := gain(run, key, name))]


def gain(run: Run, key: str, name: str) -> Gain | None:
    net, npv = (run.spread(m, key, DIFFERENCE) for m in ("net_cash", "npv"))
    if net is None or npv is None or max(map(abs, (*net[:6], *npv[:6]))) < DUST:
        return None
    pays_back = run.spread("pays_back", key)
    return Gain(
        key,
        name,
        net_cash=net,
        npv=npv,
        p_gain=run.share_above_zero("npv", key),
        outlay=run.spread("outlay", key),
        benefit=run.spread("benefit", key),
        roi_gross=run.spread("roi_gross", key),
        roi_net=run.spread("roi_net", key),
        roi_known=run.share_known("roi_gross", key),
        irr=run.spread("irr", key),
        irr_known=run.share_known("irr", key),
        payback=run.spread("payback_month", key),
        pays_back=pays_back.mean if pays_back is not None else 0.0,
    )


class Step(NamedTuple):
    """A step of a waterfall; `month` is the one around which it falls, where most draws have it."""

    name: str
    amount: Spread
    month: Spread | None


def waterfall(run: Run, owner: str) -> Iterator[Step]:
    """Steps of a party, from avoided to net cash, or of a contract, from saving to receipt."""
    for subject in run.subjects("waterfall"):
        whose, _, step = subject.rpartition(".")
        amount = run.spread("waterfall", subject)
        if whose == owner and amount is not None:
            often = run.share_known("waterfall_month", subject) >= MOST
            month = run.spread("waterfall_month", subject) if often else None
            yield Step(step.partition("_")[2], amount, month)


def contract_steps(run: Run, key: str) -> list[Step]:
    """A contract's steps, what is chance side by side, and at the end what is received."""
    found = {step.name: step for step in waterfall(run, key)}
    received = run.spread("contract_received", key)
    if not found or received is None:
        return []
    names = [name for name in found if name != "losses_not_owed"]
    if "losses_not_owed" in found:
        names.insert(names.index("luck") + 1 if "luck" in names else 0, "losses_not_owed")
    return [*(found[name] for name in names), Step("received", received, None)]
