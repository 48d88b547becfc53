"""Earnings: dues, fees for service and claims on grants, in one month of one draw.

Arithmetic: finance/revenue.py. Everything is received after its own lag (accounts.earn). What is
expected is what would come if the account stayed solvent and its posts filled.
"""

from .accounts import earn, expect, fall_due
from .books import DIRECT, DUES, FEES, GRANTS, INDIRECT
from .compiled import equation
from .finance.revenue import collected, delivered, reimbursed, renewed

# --- dues


@equation
def invoice_dues(p, n, t, b, month):
    """Members join and, in the month of the invoice, renew and are invoiced."""
    for d in range(t.dues.size):
        join(p, n, t, d, month)
        if p.invoiced[month, d]:
            renew(p, n, t, d)
            invoice(p, n, t, b, d, month)
        b.members[month, d] = t.dues[d].members


@equation
def join(p, n, t, d, month):
    """All members at the start of a tier, then those who join; an insolvent party has none."""
    dues = t.dues[d]
    if not p.joins[month, d]:
        dues.members, dues.likely = 0.0, 0.0
    elif month == 0 or not p.joins[month - 1, d]:
        dues.members, dues.likely = n.dues[d].members, n.dues[d].members
    else:
        dues.members += n.dues[d].joining
        dues.likely += n.dues[d].joining
    if t.account[p.line[p.first_line[DUES] + d].account].alive == 0.0:
        dues.members, dues.invoiced = 0.0, 0.0


@equation
def renew(p, n, t, d):
    """Who was invoiced before stays or leaves; who has joined since is invoiced first."""
    dues, terms = t.dues[d], n.dues[d]
    trust = t.account[p.line[p.first_line[DUES] + d].account].trust
    stay = renewed(dues.invoiced, terms.renewal, terms.trust_response, trust)
    dues.members += stay - dues.invoiced
    dues.invoiced = dues.members
    dues.likely += renewed(dues.likely_invoiced, terms.renewal, 0.0, 1.0) - dues.likely_invoiced
    dues.likely_invoiced = dues.likely


@equation
def invoice(p, n, t, b, d, month):
    line, terms = p.first_line[DUES] + d, n.dues[d]
    each = collected(n.invoice[month, d], terms.bad_debt)
    fall_due(p, t, b, month, terms.lag, line, t.dues[d].members * each)
    expect(p, b, month, terms.lag, line, t.dues[d].likely * each)


# --- fees for service


@equation
def deliver_fees(p, n, t, b, month):
    """Work done for a fee, and what it costs beside staff."""
    for f in range(n.fee.size):
        t.obligation[p.first[DIRECT] + f].need = 0.0
        if p.offered[month, f]:
            deliver(p, n, t, b, f, month)


@equation
def deliver(p, n, t, b, f, month):
    """What is asked for, or what the hours of staff allow."""
    line, terms, now = p.first_line[FEES] + f, n.fee[f], n.fee_month[month, f]
    hours, all_hours = 0.0, 0.0
    for j in range(t.post.size):
        if p.delivers[f, j] and p.post_running[month, j]:
            hours += t.post[j].months * terms.billable
            all_hours += n.post[j].wanted * terms.billable
    alive = t.account[p.line[line].account].alive
    done = alive * delivered(now.demand, hours, terms.hours)
    b.delivered[month, f] = done
    t.obligation[p.first[DIRECT] + f].need = done * now.direct
    each = collected(now.price, terms.bad_debt)
    fall_due(p, t, b, month, terms.lag, line, done * each)
    likely = delivered(now.demand, all_hours, terms.hours)
    expect(p, b, month, terms.lag, line, likely * each)


# --- grants paid afterwards


@equation
def claim_back(p, n, t, b, month):
    """Reimbursing grants pay afterwards what was spent on what they allow, while they run."""
    for g in range(t.ceiling.size):
        if n.ceiling[month, g] > 0.0:
            t.ceiling[g] += n.ceiling[month, g]
            claimed = claim(p, t, g)
            grant = n.grant[g]
            earn(p, t, b, month, grant.lag, p.first_line[GRANTS] + g, claimed)
            overhead = claimed * grant.indirect
            earn(p, t, b, month, grant.lag, p.first_line[INDIRECT] + g, overhead)


@equation
def claim(p, t, g):
    """What a grant owes for the month's spending; nothing is claimed from two grants."""
    claimed = 0.0
    for o in range(t.obligation.size):
        if p.may_claim[g, o]:
            part = reimbursed(t.obligation[o].unrestricted, t.ceiling[g])
            t.obligation[o].unrestricted -= part
            t.ceiling[g] -= part
            claimed += part
    return claimed
