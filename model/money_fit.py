"""Do the parts of a scenario's financing fit together, and with the rest of the scenario?

Each check speaks of parts that are each valid by themselves: dates, accounts, contracts.
"""

from __future__ import annotations

from collections.abc import Iterator

from .explain import problem_at
from .financing import ContractLine, Financing
from .money_names import ACCOUNTED, MONEY
from .names import Misfit
from .problems import Location, Problem
from .scenario import Scenario, payers_of
from .terms import uncertain
from .yamlfile import Document

SPANS = ("posts", "costs", "dues", "fees")


def money_misfits(scenario: Scenario, document: Document) -> list[Problem]:
    """What is wrong between the parts of financing; nothing where there is no financing."""
    found = list(_rates(scenario))
    if scenario.financing is not None:
        for check in (_dates, _without_account, _restrictions, _same_account, _contracts):
            found += check(scenario, scenario.financing)
    return [problem_at(document, at, was, allowed, names) for at, was, allowed, names in found]


def _rates(s: Scenario) -> Iterator[Misfit]:
    """Who is paid by rates has somebody who pays them, in every segment."""
    for name, segment in s.segments.items():
        for payer in segment.payers:
            if s.parties[payer].rates is not None and not segment.financed_by:
                told = f"no financed_by, and the rates of {payer}, its payer, are re-set"
                allowed = "financed_by: who pays the rates, in shares adding up to 1"
                yield ("segments", name, "financed_by"), told, allowed, ()


# --- dates


def _dates(s: Scenario, f: Financing) -> Iterator[Misfit]:
    for part in SPANS:
        for name, thing in getattr(f, part).items():
            start, end = thing.start, thing.end
            if start and end and end < start:
                yield (MONEY, part, name, "end"), end, f"a month not before the start, {start}", ()
    for at, month in _events(f):
        if not s.clock.start <= month <= s.clock.end:
            yield at, month, f"a month from {s.clock.start} to {s.clock.end}", ()


def _events(f: Financing) -> Iterator[tuple[Location, str]]:
    """What must happen within the horizon, or not stand in the file."""
    for name, contract in f.contracts.items():
        yield (MONEY, "contracts", name, "start"), contract.start
    for name, loan in f.loans.items():
        yield (MONEY, "loans", name, "date"), loan.date
    for name, move in f.hard_wiring.items():
        yield (MONEY, "hard_wiring", name, "date"), move.date


# --- accounts


def _parts(f: Financing) -> Iterator[tuple[Location, str | None]]:
    """Place and account of everything that has one; None: the backbone's."""
    for part in ACCOUNTED:
        for name, thing in getattr(f, part).items():
            yield (MONEY, part, name), thing.account


def _without_account(s: Scenario, f: Financing) -> Iterator[Misfit]:
    """Who leaves out `account` means the backbone's: told once."""
    backbone = s.backbone.party
    silent = [at for at, account in _parts(f) if account is None]
    if backbone not in f.accounts and silent:
        told = f"no account, and {backbone}, the backbone, has none"
        allowed = f"account: one of {', '.join(f.accounts)}; or {MONEY}.accounts.{backbone}"
        yield (*silent[0], "account"), told, allowed, ()


def _accounts(s: Scenario, f: Financing) -> dict[str, str]:
    """The account of every post, cost and fund, by `posts.X`."""
    named = ((".".join(map(str, at[1:])), account) for at, account in _parts(f))
    return {name: account or s.backbone.party for name, account in named}


def _payable(s: Scenario, f: Financing, account: str) -> list[str]:
    """Posts, costs and interventions that are paid from one account."""
    parts = _movable(s, f, account)
    reinvested = {
        fund.intervention
        for fund in f.reinvestment.values()
        if (fund.account or s.backbone.party) == account
    }
    return parts + [
        f"interventions.{name}"
        for name, programme in s.interventions.items()
        if programme.funded_by == account or name in reinvested
    ]


def _movable(s: Scenario, f: Financing, account: str) -> list[str]:
    """Posts and costs of one account."""
    accounts = _accounts(s, f)
    parts = [f"posts.{name}" for name in f.posts] + [f"costs.{name}" for name in f.costs]
    return [part for part in parts if accounts[part] == account]


def _restrictions(s: Scenario, f: Financing) -> Iterator[Misfit]:
    """A grant pays what its own account pays."""
    for name, grant in f.grants.items():
        account = grant.account or s.backbone.party
        payable = _payable(s, f, account)
        for index, entry in enumerate(grant.restricted_to):
            if entry not in payable:
                at = (MONEY, "grants", name, "restricted_to", index)
                yield at, *_of_another(entry, account, payable)


def _same_account(s: Scenario, f: Financing) -> Iterator[Misfit]:
    """What moves to a partner, and who delivers for a fee, belong to the same account."""
    for name, move in f.hard_wiring.items():
        account = move.account or s.backbone.party
        movable = _movable(s, f, account)
        if move.moves is not None and move.moves not in movable:
            at: Location = (MONEY, "hard_wiring", name, "moves")
            yield at, *_of_another(move.moves, account, movable)
    for name, fee in f.fees.items():
        account = fee.account or s.backbone.party
        posts = [post for post, p in f.posts.items() if (p.account or s.backbone.party) == account]
        for index, post in enumerate(fee.delivered_by):
            if post not in posts:
                at = (MONEY, "fees", name, "delivered_by", index)
                yield at, *_of_another(post, account, posts)


def _of_another(name: str, account: str, own: list[str]) -> tuple[str, str, tuple[str, ...]]:
    told = f"`{name}`, which the account of {account} does not pay"
    return told, f"what it pays: {', '.join(own) or '(nothing)'}", ()


# --- contracts


def _contracts(s: Scenario, f: Financing) -> Iterator[Misfit]:
    for name, contract in f.contracts.items():
        at: Location = (MONEY, "contracts", name)
        yield from _payer(s, contract, at)
        yield from _benchmark(s, contract, at)
        yield from _provider(s, contract, at)
        yield from _measures(contract, at)
        yield from _companions(contract, at)
        yield from _paid_once(contract, at)
        yield from _fixed_scale(contract, at)


def _pays_in(s: Scenario, payer: str, name: str) -> bool:
    """Whether a payer bears any of a segment's care."""
    return payer in s.segments[name].payers or bool(_paid_services(s, payer, name))


def _paid_services(s: Scenario, payer: str, name: str) -> list[str]:
    """The services that a payer pays for in a segment, alone or with others."""
    segment = s.segments[name]
    return [x for x in segment.use if payer in payers_of(s.services[x].payment, segment.payers)]


def _payer(s: Scenario, contract: ContractLine, at: Location) -> Iterator[Misfit]:
    """Whoever shares savings or pays for members has some; an outcome or a case anybody buys."""
    terms, payer = contract.terms, contract.payer
    own = (terms.shared_savings, terms.member_fee, terms.withhold, terms.capitation_share)
    if all(clause is None for clause in (*own, terms.capture)):
        return
    paid = [name for name in s.segments if _pays_in(s, payer, name)]
    if not set(paid) & set(contract.covers.segments):
        told = f"segments for which {payer}, the payer, pays nothing"
        allowed = f"one or more of: {', '.join(paid) or '(it pays for none)'}"
        yield (*at, "covers", "segments"), told, allowed, ()


def _benchmark(s: Scenario, contract: ContractLine, at: Location) -> Iterator[Misfit]:
    """What is shared or captured is measured: against a benchmark, on costs that are known."""
    if contract.terms.shared_savings is None and contract.terms.capture is None:
        return
    if contract.benchmark is None:
        told = "no benchmark, and savings are shared or captured"
        yield (*at, "benchmark"), told, "benchmark: {method: ...}, how savings are measured", ()
    payer = contract.payer
    if contract.covers.other_care and s.parties[payer].other_care is None:
        allowed = f"parties.{payer}.other_care, or covers: {{other_care: false}}"
        yield (*at, "payer"), f"{payer}, whose other_care is not given", allowed, ()


def _provider(s: Scenario, contract: ContractLine, at: Location) -> Iterator[Misfit]:
    """Who is withheld from provides services that the payer pays for."""
    if contract.terms.withhold is None:
        return
    services = [
        service
        for name in contract.covers.segments
        for service in _paid_services(s, contract.payer, name)
    ]
    found = dict.fromkeys(s.services[service].provider for service in services)
    providers = [provider for provider in found if provider is not None]
    if contract.payee not in providers:
        told = f"{contract.payee}, who provides nothing that {contract.payer} pays for there"
        allowed = f"whose payment is withheld, one of: {', '.join(providers) or '(nobody)'}"
        yield (*at, "payee"), told, allowed, ()


def _measures(contract: ContractLine, at: Location) -> Iterator[Misfit]:
    """Every outcome has a measure; a reduction in per cent is one of a service's use."""
    outcomes = contract.terms.outcomes
    metrics = outcomes.metrics if outcomes is not None else {}
    for name, metric in metrics.items():
        measure = contract.measures.get(name)
        if measure is None:
            allowed = f"{name}: {{service: ...}} or {{intervention: ...}}"
            yield (*at, "measures"), f"no measure for {name}, an outcome of the terms", allowed, ()
        elif metric.bands and measure.service is None:
            told = f"`{measure.intervention}`, and {name} is paid by bands of reduction"
            yield (*at, "measures", name), told, "a service, whose use is reduced", ()


def _companions(contract: ContractLine, at: Location) -> Iterator[Misfit]:
    """Settings and clauses that mean nothing without each other."""
    pairs = (
        ("cases", contract.cases, "case_rate", contract.terms.case_rate),
        ("pays_into", contract.pays_into, "capture", contract.terms.capture),
    )
    for key, setting, clause, terms in pairs:
        if setting is None and terms is not None:
            yield (*at, key), "nothing", f"{key}: a name, for terms.{clause}", ()
        if setting is not None and terms is None:
            allowed = f"terms with {clause}, or no `{key}`"
            yield (*at, key), f"`{setting}`, and terms without {clause}", allowed, ()


def _paid_once(contract: ContractLine, at: Location) -> Iterator[Misfit]:
    """One saving is shared or captured: a contract that does both pays for it twice."""
    if contract.terms.capture is not None and contract.terms.shared_savings is not None:
        told = "capture and shared_savings, which both pay for the same saving"
        allowed = "one of the two: terms with capture, or terms with shared_savings"
        yield (*at, "terms", "capture"), told, allowed, ()


def _fixed_scale(contract: ContractLine, at: Location) -> Iterator[Misfit]:
    """A sliding scale is the same in every draw."""
    savings = contract.terms.shared_savings
    minimum = savings.minimum_rate if savings is not None else None
    if minimum is not None:
        start = (*at, "terms", "shared_savings", "minimum_rate", "scale")
        for inside in uncertain(minimum.scale):
            yield (*start, *inside), "a distribution", "a number: the scale is fixed", ()
