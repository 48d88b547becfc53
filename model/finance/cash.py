"""Cash: what can be paid, borrowed and kept. Equations only, USD, posts and months.

Explained in docs/money.md.
"""

from model.compiled import equation


@equation
def payable(need, available):
    """What can be paid of a need."""
    return min(need, max(0.0, available))


@equation
def borrowed(cash, undrawn):
    """Drawn on a credit line: what is missing, up to what is left of the line."""
    return min(max(0.0, -cash), undrawn)


@equation
def paid_back(cash, credit):
    """Cash in hand pays back a credit line first."""
    return min(max(0.0, cash), credit)


@equation
def affordable(posts, need, paid):
    """Posts kept: as many as are paid for."""
    if need <= 0.0:
        return posts
    return posts * min(1.0, paid / need)


@equation
def may_hire(in_hand, monthly_need, months):
    """1 where the money in hand lasts for so many months, else 0."""
    return 1.0 if in_hand >= months * monthly_need else 0.0


@equation
def annuity(amount, rate, months):
    """Equal monthly payment that pays back a loan at a monthly rate."""
    if rate == 0.0:
        return amount / months
    return amount * rate / (1.0 - (1.0 + rate) ** -months)


@equation
def surplus(cash, reserve, share):
    """Share of unrestricted cash above a reserve."""
    return share * max(0.0, cash - reserve)


@equation
def extra_posts(fund, cost, months, desired):
    """Posts that a fund can pay for so many months, up to those desired."""
    if cost <= 0.0:
        return 0.0
    return min(desired, max(0.0, fund) / (cost * months))
