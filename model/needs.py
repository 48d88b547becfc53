"""Needs: what a month costs each account: posts, costs, debts and interventions, in one draw."""

from .books import COSTS, DIRECT, INTEREST, LOANS, POSTS, PROGRAMMES, REINVESTED, REPAYMENTS
from .compiled import equation
from .finance.cash import payable
from .interventions import served_total


@equation
def expect_needs(p, n, t, b, e, v, plan, s, month):
    """Fill need [obligation] with what the month costs if nobody comes or goes."""
    for j in range(t.post.size):
        own, _ = post_price(p, n, t, j, month)
        t.obligation[p.first[POSTS] + j].need = t.post[j].filled * own
    fixed_needs(p, n, t, b, month)
    for i in range(t.programme.size):
        enrolled = served_total(s.enrolled, plan.served, i)
        cost = programme_cost(p, e, v, plan, i, month, s.staff[i], enrolled, 0.0)
        split_cost(p, t, i, cost)
    for f in range(n.fee.size):
        t.obligation[p.first[DIRECT] + f].need = 0.0


@equation
def final_needs(p, n, t, b, e, v, plan, m, month):
    """Fill need [obligation] with what the month did cost; fees' direct costs stand elsewhere."""
    for j in range(t.post.size):
        own, partner = post_price(p, n, t, j, month)
        t.obligation[p.first[POSTS] + j].need = t.post[j].months * own
        b.partner[month, j] = t.post[j].months * partner
    for c in range(n.cost.shape[1]):
        b.partner[month, t.post.size + c] = n.cost[month, c].partner
    fixed_needs(p, n, t, b, month)
    for i in range(t.programme.size):
        cost = programme_cost(p, e, v, plan, i, month, m.staff[i], m.enrolled[i], m.started[i])
        running = 1.0 if plan.running[month, i] else 0.0
        b.programme[month, i].cost = cost
        b.programme[month, i].in_kind = e.each[i].in_kind * running * e.price[month, i]
        split_cost(p, t, i, cost)


@equation
def fixed_needs(p, n, t, b, month):
    """Needs that no staffing changes: costs, loans, repayments, interest."""
    for c in range(n.cost.shape[1]):
        t.obligation[p.first[COSTS] + c].need = n.cost[month, c].own
    for x in range(n.loan_payment.shape[1]):
        t.obligation[p.first[LOANS] + x].need = n.loan_payment[month, x]
    for h in range(t.contract.size):
        t.obligation[p.first[REPAYMENTS] + h].need = b.paid[month, p.first[REPAYMENTS] + h]
    for k in range(t.account.size):
        t.obligation[p.first[INTEREST] + k].need = t.account[k].credit * n.account[k].credit_rate


# --- posts


@equation
def post_price(p, n, t, j, month):
    """USD a month of a post, for its account and for partners, who pay all that is left of it."""
    own, partner = n.post_cost[month, j].own, n.post_cost[month, j].partner
    if t.account[p.obligation[p.first[POSTS] + j].account].alive == 0.0:
        return 0.0, own + partner
    return own, partner


@equation
def partner_share(n, j, month):
    """Share of a post that partners have taken into their budgets."""
    own, partner = n.post_cost[month, j].own, n.post_cost[month, j].partner
    return partner / (own + partner) if partner > 0.0 else 0.0


# --- interventions


@equation
def programme_cost(p, e, v, plan, i, month, staff, enrolled, started):
    """USD of a month; who is still served after staff have left is served by somebody."""
    if not plan.begun[month, i]:
        return 0.0
    each = e.each[i]
    posts = max(staff, enrolled / v.caseload[i])
    cost = each.start_up if p.starting[month, i] else 0.0
    cost += each.fixed if plan.running[month, i] else 0.0
    cost += each.per_post * posts + each.per_slot * posts * v.caseload[i]
    cost += each.per_enrollment * started + each.per_enrolled * enrolled
    return cost * e.price[month, i]


@equation
def full_cost(p, e, v, plan, i, month):
    """USD of a month with all own posts filled and all their slots taken."""
    posts = v.posts[i] if plan.running[month, i] else 0.0
    enrolled = posts * v.caseload[i]
    return programme_cost(p, e, v, plan, i, month, posts, enrolled, enrolled / v.duration[i])


@equation
def split_cost(p, t, i, cost):
    """An intervention's cost falls to its funder, less what reinvestments pay."""
    own = cost
    for r in range(t.reinvestment.size):
        if p.reinvestment[r].intervention == i:
            part = cost * reinvested_share(p, t, r)
            t.obligation[p.first[REINVESTED] + r].need = part
            own -= part
    t.obligation[p.first[PROGRAMMES] + i].need = own


@equation
def reinvested_share(p, t, r):
    """Share of an intervention's cost that a reinvestment pays."""
    wanted = t.programme[p.reinvestment[r].intervention].wanted
    return t.reinvestment[r].posts / wanted if wanted > 0.0 else 0.0


# --- what all of it would cost


@equation
def add_up_needed(p, n, t, b, e, v, plan, month):
    """Payments of each account if all posts were filled, debts to others left out; and what
    restricted money would pay of them."""
    for j in range(t.post.size):
        if p.post_running[month, j]:
            cost = n.post[j].wanted * n.post_cost[month, j].own
            need_more(p, t, b, month, p.first[POSTS] + j, cost)
    for c in range(n.cost.shape[1]):
        need_more(p, t, b, month, p.first[COSTS] + c, n.cost[month, c].own)
    for x in range(n.loan_payment.shape[1]):
        need_more(p, t, b, month, p.first[LOANS] + x, n.loan_payment[month, x])
    for i in range(t.programme.size):
        cost = full_cost(p, e, v, plan, i, month)
        need_more(p, t, b, month, p.first[PROGRAMMES] + i, cost)


@equation
def need_more(p, t, b, month, o, cost):
    """Needed; restricted money is expected as far as it may pay for it."""
    k = p.obligation[o].account
    if k < 0:
        return
    b.account[month, k].needed += cost
    left = cost
    for f in range(t.fund.size):
        if p.may_pay[f, o]:
            part = payable(left, t.fund[f].planned)
            t.fund[f].planned -= part
            b.account[month, k].expected += part
            left -= part
