"""The money of a run in sentences: how long cash lasts, what is missing, who gains.

Terminal and page tell the same. Medians and 90 % of draws for months, means for amounts.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import money, reasons
from . import sources as revenue
from .money import Account, Contract, Gain
from .rundata import DUST, STRATEGY, USUAL, Run, Spread
from .story import between, is_nothing, years
from .wording import (
    chance,
    interval,
    listed,
    month_at,
    number,
    of_hundred,
    percent,
    plural,
)
from .wording import money as dollars

# From this share of a payment on, luck and error are more than a remark.
MOSTLY = 0.5
# What the gap is: the amount that keeps planned money at or above zero in every month.
NEEDED = "needed so as never to be short"
# A chance of insolvency that is so much lower than that of missing core staff misleads.
APART = 0.05
# Shares of draws that differ by less are the same.
SAME = 1e-9


def topics(run: Run) -> list[tuple[str, str]]:
    """(topic, what there is to say), in the order in which a board asks."""
    parties = money.accounts(run)
    if not parties:
        return []
    found = [*account_topics(run, parties[0])]
    for party in parties[1:]:
        other = account(run, party, STRATEGY)
        words = (cash(run, other), risk(run, other), luck(run, other), credit(run, other))
        found.append(("Cash", " ".join(filter(None, words))))
    found.append(("Sources", sources(run)))
    found += [("Contract", contract(run, c)) for c in money.contracts(run)]
    found.append(("Who gains", who_gains(run)))
    return [(topic, words) for topic, words in found if words]


def headline(run: Run) -> str:
    """The answer in a few sentences: cash, and what of it is luck; the gap; who gains."""
    now = account(run, money.accounts(run)[0], STRATEGY)
    gains = gaining([g for g in money.gains(run) if g.npv.p05 > DUST]) if run.enough else ""
    return " ".join(filter(None, (cash(run, now), luck(run, now), gap(run, now), gains)))


def account(run: Run, party: str, world: str) -> Account:
    found = money.account(run, party, world)
    assert found is not None
    return found


def account_topics(run: Run, party: str) -> Iterator[tuple[str, str]]:
    now = account(run, party, STRATEGY)
    yield "Cash", " ".join(filter(None, (cash(run, now), risk(run, now), luck(run, now))))
    yield "Credit", credit(run, now)
    yield "Staff", staff(run, now)
    yield "Gap", " ".join(filter(None, (gap(run, now), meaning(run, now), caution(run))))
    yield "Usual care", beside_usual_care(run, party)


# --- cash


def cash(run: Run, a: Account) -> str:
    """Jackson Network runs out of cash in December 2022 (90 %: November 2022 to January 2023)."""
    end = month_at(a.start, a.months - 1)
    if a.lasts:
        return f"{a.name} stays solvent to the end ({end}) in every draw."
    if not run.enough:
        return f"{a.name} is insolvent by the end ({end}) in {percent(a.insolvent.mean)} of draws."
    if a.runway.p50 < a.months:
        when = month_at(a.start, a.runway.p50)
        return f"{a.name} runs out of cash in {when}{months(run, a, a.runway)}."
    told = f"{a.name} stays solvent to the end ({end}) in most draws"
    if a.runway.p05 < a.months:
        early = month_at(a.start, a.runway.p05)
        return f"{told}; in the worst 5 of 100 it runs out of cash by {early}."
    return f"{told}."


def months(run: Run, a: Account, s: Spread) -> str:
    """(90 %: November 2022 to January 2023); a draw in which it never happens says so."""
    if not run.enough or round(s.p05) == round(s.p95):
        return ""
    never = f"after {month_at(a.start, a.months - 1)}, if at all"
    first, last = (never if x >= a.months else month_at(a.start, x) for x in (s.p05, s.p95))
    return f" (90 %: {first} to {last})"


def risk(run: Run, a: Account) -> str:
    """It is insolvent by December 2022 in 63 of 100 draws, by December 2023 in every draw."""
    if not run.enough or a.lasts:
        return ""
    dates = money.insolvent_by(run, a.party, a.world) or [(run.summary["end"], a.insolvent.mean)]
    last = dates[-1][0]
    told: list[str] = []
    before = ""
    for month, share in dates:
        words = chance(share)
        if words != before or month == last:
            told.append(f"by {month_at(month, 0)} {words}")
        before = words
        if share >= a.insolvent.mean:
            break
    return f"It is insolvent {', '.join(told)}."


def luck(run: Run, a: Account) -> str:
    """Of the 12 in 100 draws that stay solvent, 9 were paid settlements by luck or error."""
    if a.by_luck is None or a.by_luck.mean <= 0.0:
        return ""
    if not run.enough:
        return "Some of the draws that stay solvent were paid settlements by luck or error."
    left = 1.0 - a.insolvent.mean
    lucky = "all" if a.by_luck.mean >= left - SAME else of_hundred(a.by_luck.mean)
    told = f"Of the {of_hundred(left)} in 100 draws that stay solvent, "
    return told + f"{lucky} were paid settlements by luck or error."


def credit(run: Run, a: Account) -> str:
    """How much of a line of credit is drawn when most is, and how much of it is left then."""
    line = money.credit_line(run, a.party, a.world)
    if line is None:
        return ""
    told = f"The line of credit is {dollars(line.limit)}"
    told += f", from {line.lender}" if line.lender else ""
    if line.most.mean <= DUST:
        return f"{told}; it is never drawn."
    low_high = between(run, line.most)
    return (
        f"{told}. When most of it is drawn, at the end of {month_at(line.month, 0)}, "
        f"{dollars(line.most.mean)}{low_high} is owed and {dollars(line.left)} is left undrawn; at "
        f"the end of the horizon {dollars(line.last)} is owed. The gap is counted without it: "
        "credit is not income."
    )


def staff(run: Run, a: Account) -> str:
    """Whether it lasts only by shrinking."""
    if a.below_core is None or not run.enough:
        return ""
    below, filled = a.below_core.mean, a.posts_filled
    told = f"ore staff is below its minimum for three months or more {chance(below)}"
    if filled is not None:
        told += f"; {percent(filled.mean)} of the wanted post-months are filled"
    if below - a.insolvent.mean > APART:
        least = chance(a.insolvent.mean)
        return f"It lasts by shrinking, which is failure too: insolvent {least}, but c{told}."
    return f"C{told}."


# --- the gap


def gap(run: Run, a: Account) -> str:
    """What is needed a year from the first short month on, and in the first year."""
    short, closing, first = a.first_short, a.closing_gap, a.first_year
    if short is None or closing is None or first is None:
        return ""
    if is_nothing(closing):
        return "Planned receipts cover all that is needed, in every draw."
    since = f"from {month_at(a.start, short.p50)} on{months(run, a, short)}"
    if short.p50 >= a.months:
        since = "in fewer than half of the draws"
    return (
        f"{dollars(closing.mean)} a year{between(run, closing)} is {NEEDED}, beyond all listed "
        f"sources, {since}; in the first year {dollars(first.mean)}{between(run, first)}."
    )


def meaning(run: Run, a: Account) -> str:
    """The gap by paying member, and by a payer's member and month."""
    if a.closing_gap is None or is_nothing(a.closing_gap):
        return ""
    s = revenue.shares(run, a.closing_gap.mean)
    parts = []
    if s.covered:
        parts.append(
            f"{dollars(s.per_member_month)} a month for each of {number(s.covered)} members of "
            f"{run.name(s.payer)}"
        )
    if s.members:
        parts.append(
            f"{dollars(s.per_member)} a year for each of the {number(s.members)} members that are "
            "assumed to pay dues"
        )
    return f"That is {' or '.join(parts)}." if parts else ""


def caution(run: Run) -> str:
    """What contracts pay by luck is left out of the plan: say so where it is most of it."""
    lucky = [c for c in money.contracts(run) if (c.beyond_share or 0.0) > MOSTLY]
    if not lucky:
        return ""
    yearly = sum(c.yearly.mean for c in lucky if c.yearly is not None)
    return (
        f"Settlements would pay {dollars(yearly)} a contract year if the network survived, mostly "
        "by luck and error: nobody can plan on that part, and it is left out here."
    )


def beside_usual_care(run: Run, party: str) -> str:
    """The same account without the strategy, where that makes a difference."""
    if not money.differs(run, party):
        return "The same cash, staff and gap: the strategy changes nothing in them."
    usual = account(run, party, USUAL)
    told = f"Without the strategy {cash(run, usual)}"
    if run.enough and not usual.lasts:
        told += f" It is insolvent by the end {chance(usual.insolvent.mean)}."
    if usual.closing_gap is not None and not is_nothing(usual.closing_gap):
        told += f" {dollars(usual.closing_gap.mean)} a year{between(run, usual.closing_gap)} is "
        told += f"{NEEDED}."
    return told


# --- sources


def sources(run: Run) -> str:
    """What each kind brings, and what it costs in staff time."""
    found = revenue.sources(run)
    total = run.spread("revenue_total", money.accounts(run)[0], STRATEGY)
    if not found or total is None:
        return ""
    parts = []
    for kind in revenue.kinds(found):
        words = f"{kind.name} {dollars(kind.revenue)}"
        if kind.relieves > DUST:
            words = f"{kind.name} takes over cost of {dollars(kind.relieves)}"
        parts.append(f"{words} ({dollars(kind.time)})")
    return (
        f"{dollars(total.mean)}{between(run, total)} is received over {years(run)}. By kind, in "
        f"brackets the staff time that it takes: {listed(parts)}."
    )


# --- contracts


def contract(run: Run, c: Contract) -> str:
    told = f"{c.name}: {expected(run, c)}."
    if c.on_truth is not None and c.beyond is not None and c.beyond_share is not None:
        told += (
            f" Of what it {'pays' if c.arrives else 'would pay'} {dollars(c.on_truth.mean)} is for "
            f"true savings and {dollars(c.beyond.mean)} ({percent(c.beyond_share)}) is luck and "
            "error."
        )
    if run.enough and c.paid is not None and c.without_effect is not None:
        told += (
            f" A payment comes out in {of_hundred(c.paid.mean)} of 100 contract years, and in "
            f"{of_hundred(c.without_effect.mean)} without any effect"
        )
        if c.unpaid_given_real is not None:
            told += f"; {of_hundred(c.unpaid_given_real)} of 100 years with a real saving go unpaid"
        told += "."
    return told


def expected(run: Run, c: Contract) -> str:
    """What it would pay, and what arrives of it; alike where nearly all does."""
    whole = f"{dollars(c.payment.mean)}{between(run, c.payment)}"
    if c.arrives or c.received is None:
        return f"expected payment {whole}"
    return (
        f"it would pay {whole} if the network survived; {dollars(c.received.mean)} is received, "
        "the rest comes too late, goes to others, or finds the network insolvent"
    )


# --- who gains


def who_gains(run: Run) -> str:
    """Whose interval lies above zero, below it, and across; nobody is left out."""
    found = money.gains(run)
    if not found:
        return "The strategy changes nothing for any payer, provider or funder."
    if not run.enough:
        return ""
    up = [g for g in found if g.npv.p05 > DUST]
    down = [g for g in found if g.npv.p95 < -DUST]
    lost = losing(down, len(found) - len(up) - len(down))
    return " ".join(filter(None, (gaining(up), lost, unpaid(run, down), apart(run))))


def unpaid(run: Run, down: list[Gain]) -> str:
    """Why parties lose that put nothing in."""
    names = reasons.without_putting_in(run, down)
    if not names:
        return ""
    one = len(names) == 1
    verb, who = (
        ("puts nothing in and loses", "it is") if one else ("put nothing in and lose", "they are")
    )
    return f"{listed(names)} {verb} by back-fill: {who} charged for others who use freed capacity."


def gaining(up: list[Gain]) -> str:
    if not up:
        told = "No payer, provider or funder gains: none has a net present value whose 90 % "
        return f"{told}interval lies above zero."
    parts = [f"{g.name} ({worth(g)})" for g in up]
    return f"A net present value with a 90 % interval above zero goes to {listed(parts)}."


def apart(run: Run) -> str:
    """Accounts are none of those who gain or lose."""
    names = [name for name, _ in money.own_cash(run)]
    if not names:
        return ""
    verb = "is" if len(names) == 1 else "are"
    return f"{listed(names)} {verb} not counted: runway, chance and gap are told above."


def losing(down: list[Gain], unsure: int) -> str:
    told = ""
    if down:
        most = max(down, key=lambda g: -g.npv.mean)
        verb = "loses" if len(down) == 1 else "lose"
        told = f"{plural(len(down), 'party', 'parties')} {verb} (interval below zero), most of all "
        told += f"{most.name}, {dollars(-most.npv.mean)}"
        if unsure:
            told += f"; for {plural(unsure, 'party', 'parties')} the interval reaches zero"
        told += "."
    return told


def worth(g: Gain) -> str:
    return f"{dollars(g.npv.mean)}, 90 %: {interval(g.npv.p05, g.npv.p95)}"
