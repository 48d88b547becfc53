"""Settlement of a scenario's contracts from the claims of a replication.

What is counted stands in attribution.py and claims_years.py, the clauses in finance/contracts.py,
its rules are explained in docs/claims-and-luck.md. In `run`:

    keep = partial(settled, case, loaded=loaded, seed=seed)
    many = list(run(case, replications, seed, keep, claims=("usual", "strategy"), workers=2))

and claims_contract.distribution(case, many, loaded) puts them beside the formula of the dynamics.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.clauses import clauses, tiers
from model.deals import loss_limits, loss_minimum_rates, minimum_rates
from model.distributions import Floats
from model.draws import Columns, central
from model.finance import contracts
from model.finance.contracts import Clauses
from model.finance.contracts import Settled as Steps
from model.finance.performance import Row
from model.finance.rules import rules_of
from model.finance.verdict import decided_by
from model.financing import ContractLine
from model.loading import Loaded

from .attribution import MONTHS, ClaimRules, Deal, deals_of
from .case import Case
from .chance import Chance
from .claims_years import Books, Ledger, books
from .run import Replication


class Settled(NamedTuple):
    """One contract-year of one replication."""

    contract: str
    year: int  # of the contract, from 1
    begins: str  # month, as in 2023-01
    members: float  # member-years
    benchmark: float  # USD
    expenditure: float  # USD, as the contract counts it
    measured_rate: float  # share of the benchmark
    true_rate: float  # share of what the same people cost in usual care, complete, without a cap
    payment: float  # USD, a loss negative
    decided_by: str
    rate_by_claims: float  # measured, without the drawn errors of trend and area
    sd_by_members: float  # of rate_by_claims, from the scatter between members
    measured_without_effect: float  # usual care settled against usual care
    payment_without_effect: float  # USD
    missing_share: float  # of cost, not yet paid when counted
    capped_share: float  # of cost, above the cap
    drawn_base_years: int  # base years before the horizon, drawn anew from usual care


def settled(
    case: Case,
    replication: Replication,
    loaded: Loaded,
    seed: int = 0,
    rules: ClaimRules | None = None,
) -> list[Settled]:
    """Each year that ends within the horizon of each contract that shares savings.

    The replication must hold the claims of both worlds; `seed` is that of the run; `rules`, where
    given, are for all contracts (attribution.deals_of).
    """
    if set(replication.claims) < {"usual", "strategy"}:
        raise ValueError('a settlement needs claims=("usual", "strategy")')
    out = []
    for deal in deals_of(loaded, case, rules):
        found = books(case, replication, deal, seed)
        out += settlements(loaded, found, errors(deal, case, replication.number, seed))
    return out


# --- the drawn errors of benchmark and area


class Errors(NamedTuple):
    """Errors that no claim holds, [performance year]."""

    trend: Floats  # ratio - 1 of the benchmark
    area: Floats  # share of the benchmark, a saving positive


def errors(deal: Deal, case: Case, replication: int, seed: int) -> Errors:
    """Drawn for each replication, as deals.benchmarks and errors_of_chance do for each draw."""
    chance = Chance(seed, replication)
    z = chance.stream(f"contracts.{deal.name}.trend").standard_normal(deal.years)
    ratio = 1.0 + deal.trend_sd * z
    for year in range(1, deal.years):
        if year % deal.agreement_years:
            ratio[year] *= ratio[year - 1]
    area = chance.stream("contracts.area").standard_normal(case.months // MONTHS + 2)
    when = np.clip((deal.first + MONTHS * np.arange(deal.years)) // MONTHS, 0, area.size - 1)
    return Errors(ratio - 1.0, deal.area_sd * area[when])


# --- from sums to a measured rate


def base_weights(deal: Deal, year: int) -> Floats:
    """Weight of every year's cost in the benchmark of a performance year (from 0), [year].

    At first those of the base years. A new agreement replaces its share of them by the last
    agreement's years, all alike (contract_years.rebase).
    """
    out = np.zeros(deal.base + deal.years)
    out[: deal.base] = deal.weights
    for begins in range(deal.agreement_years, year + 1, deal.agreement_years):
        last = np.zeros(out.size)
        last[deal.base + begins - deal.agreement_years : deal.base + begins] = 1.0
        out += deal.rebased * (last / deal.agreement_years - out)
    return out


def trends(deal: Deal, index: Floats, year: int) -> Floats:
    """What a year's cost per member is multiplied by to compare with a performance year, [year]."""
    if np.isnan(deal.trend):
        return np.asarray(index[deal.base + year] / index)
    apart = deal.base + year - np.arange(index.size)
    return np.asarray((1.0 + deal.trend) ** apart.astype(np.float64))


def benchmark(found: Books, own: Ledger, year: int) -> float:
    """USD: base years' cost per member, complete, trended, times the members of the year."""
    deal, at = found.deal, found.deal.base + year
    if found.compared is not None:
        group = found.compared
        return float(group.cost[at] / group.members[at] * own.members[at])
    weights = base_weights(deal, year)
    used = weights > 0.0
    each = own.complete[used] / own.members[used] * trends(deal, found.expected, year)[used]
    return float(weights[used] @ each * own.members[at])


def sd_by_members(found: Books, own: Ledger, year: int) -> float:
    """Standard deviation of the measured savings rate, from one replication.

    The rate is a ratio of sums over people who are independent of each other; to first order its
    variance is the sum over people of the square of what each of them moves it by: by complete
    cost as base years, then by cost as the performance year.
    """
    deal, at, width = found.deal, found.deal.base + year, own.cost.size
    move = np.zeros((2, 2 * width))
    weights = base_weights(deal, year)
    used = np.flatnonzero(weights > 0.0)
    if used.size:
        each = own.complete[used] / own.members[used] * trends(deal, found.expected, year)[used]
        part = weights[used] * each / (weights[used] @ each)
        move[:, used] = part / own.complete[used], -part / own.members[used]
    move[:, width + at] = (-1.0 / own.cost[at], 1.0 / own.members[at])
    variance = variance_of(move, own.moments)
    if found.compared is not None:
        group, aside = found.compared, np.zeros((2, 2 * width))
        aside[:, width + at] = (1.0 / group.cost[at], -1.0 / group.members[at])
        variance += variance_of(aside, group.moments)
    return float(np.sqrt(variance) * own.cost[at] / benchmark(found, own, year))


def variance_of(move: Floats, second: Floats) -> float:
    """Of a sum over people of what each one's (cost, member-years) [2, column] move it by."""
    by = move.ravel()
    used = np.flatnonzero(by)
    return max(0.0, float(by[used] @ second[np.ix_(used, used)] @ by[used]))


# --- from a measured rate to a payment


def settlements(loaded: Loaded, found: Books, drawn: Errors) -> list[Settled]:
    """The years of a contract, until it is left."""
    pay = Payer(loaded, found.deal)
    out = []
    for year in range(found.deal.years):
        if not settles(found, year):
            continue
        out.append(_year(pay, found, drawn, year))
        if not contracts.stays(max(0.0, -out[-1].payment), pay.exit_loss):
            break
    return out


def settles(found: Books, year: int) -> bool:
    """Whether there are claims to settle: a year within the horizon, with members and cost in it
    and in its base years, in both worlds.
    """
    deal = found.deal
    used, at = np.flatnonzero(base_weights(deal, year)), deal.base + year
    books_of = [found.usual, found.strategy, *([found.compared] if found.compared else [])]
    there = all(
        (x.complete[used] > 0.0).all()
        and (x.members[used] > 0.0).all()
        and min(x.members[at], x.cost[at]) > 0.0
        for x in books_of
    )
    return bool(deal.starts[at] >= 0 and there)


def _year(pay: Payer, found: Books, drawn: Errors, year: int) -> Settled:
    deal, own, at = found.deal, found.strategy, found.deal.base + year
    paid = pay.paid(found, own, drawn, year)
    without = pay.paid(found, found.usual, drawn, year)
    plain = benchmark(found, own, year)
    true = found.usual.true[at]
    whole = float(own.whole[at])
    return Settled(
        contract=deal.name,
        year=year + 1,
        begins=pay.month(year),
        members=float(own.members[at]),
        benchmark=paid.benchmark,
        expenditure=paid.expenditure,
        measured_rate=1.0 - paid.expenditure / paid.benchmark,
        true_rate=float((true - own.true[at]) / true) if true > 0.0 else 0.0,
        payment=paid.payment,
        decided_by=paid.decided_by,
        rate_by_claims=float(1.0 - own.cost[at] / plain),
        sd_by_members=sd_by_members(found, own, year),
        measured_without_effect=1.0 - without.expenditure / without.benchmark,
        payment_without_effect=without.payment,
        missing_share=float(own.late[at]) / whole if whole > 0.0 else 0.0,
        capped_share=1.0 - float(own.complete[at]) / whole if whole > 0.0 else 0.0,
        drawn_base_years=int(found.drawn.sum()),
    )


class Paid(NamedTuple):
    """One settlement."""

    benchmark: float
    expenditure: float
    payment: float
    decided_by: str


class Payer:
    """A contract's clauses at central numbers, as the dynamics read them."""

    def __init__(self, loaded: Loaded, deal: Deal) -> None:
        assert loaded.scenario.financing is not None
        self.scenario, self.deal = loaded.scenario, deal
        lines = loaded.scenario.financing.contracts
        self.line: ContractLine = lines[deal.name]
        h = list(lines).index(deal.name)
        self.get = Columns(central(loaded), slice(0, 1))
        self.clause = clauses(self.scenario, self.get)[0, h]
        self.above, self.rate = (part[0, h] for part in tiers(self.scenario, self.get))
        self.limits = loss_limits(self.get, self.line, deal.name, self.line.years)[0]
        self.exit_loss = float(self.clause["exit_loss"])

    def month(self, year: int) -> str:
        """The month in which a performance year begins."""
        first = np.datetime64(self.line.start, "M")
        return str(first + MONTHS * year)

    def clauses_at(self, members: float, benchmark: float, year: int) -> Clauses:
        """The clauses of one contract-year (contract_years.clauses_of)."""
        minimum = minimum_rates(self.get, self.line, self.deal.name, np.full((1, 1), members))
        loss = loss_minimum_rates(self.get, self.line, self.deal.name, minimum)
        terms = self.line.terms.shared_savings
        count, c = len(terms.tiers) if terms else 0, self.clause
        limit = contracts.loss_limit(benchmark, float(self.limits[year]), np.nan, np.inf)
        return Clauses(
            sharing_rate=float(c["sharing_rate"]),
            tier_above=np.ascontiguousarray(self.above[:count]),
            tier_rate=np.ascontiguousarray(self.rate[:count]),
            minimum_savings_rate=float(minimum[0, 0]),
            minimum_loss_rate=float(loss[0, 0]),
            excess_only=float(c["excess_only"]),
            below_minimum_share=float(c["below_minimum"]),
            quality_share=float(c["quality"]),
            sequestration=float(c["sequestration"]),
            payment_limit=float(c["payment_limit"]),
            capture_cap=float(c["capture_cap"]),
            loss_rate=float(c["loss_rate"]),
            loss_limit=float(limit),
        )

    def paid(self, found: Books, own: Ledger, drawn: Errors, year: int) -> Paid:
        """Benchmark and expenditure with the drawn errors, settled."""
        at = found.deal.base + year
        members = float(own.members[at])
        target = benchmark(found, own, year) * (1.0 + drawn.trend[year])
        spent = float(own.cost[at]) - drawn.area[year] * target
        return self.settle(target, spent, members, year)

    def settle(self, benchmark: float, expenditure: float, members: float, year: int) -> Paid:
        """One settlement in the clauses' own arithmetic, and the clause that decided."""
        terms = self.line.terms.shared_savings
        netted = terms is not None and terms.fee_netted_first
        fee = MONTHS * members * float(self.clause["fee"]) if netted else 0.0
        rules = self.clauses_at(members, benchmark, year)
        steps = Steps(*contracts.settlement(benchmark, expenditure + fee, rules))
        words = decided_by(
            Row(None, self.deal.name, benchmark, expenditure + fee, members=members),
            rules_of(self.line.terms),
            rules,
            steps,
            _quality(rules.quality_share),
        )
        return Paid(benchmark, expenditure, float(steps.payment - steps.repayment), words)


def _quality(share: float) -> str:
    if share <= 0.0:
        return "quality score under the gate"
    return "full sharing rate" if share == 1.0 else "sharing rate times quality score"
