"""Staffing: which posts can be kept and hired with the money at hand, in one month of one draw.

Posts of an account and staff of the interventions that it funds stay as far as they can be paid;
core posts always stay while the account is solvent. Posts that partners have taken into their
budgets are theirs to keep and to hire. Arithmetic: finance/cash.py.
"""

from .accounts import CENT, spent_freely
from .books import POSTS, PROGRAMMES, REINVESTED
from .compiled import equation
from .finance.cash import affordable, extra_posts, may_hire
from .interventions import hires, quits
from .needs import full_cost, partner_share

# --- who is wanted


@equation
def stop_ended(s, plan, month):
    """An intervention past its end keeps no staff: intake stops, who is enrolled finishes."""
    for i in range(s.staff.size):
        if not plan.running[month, i]:
            s.staff[i] = 0.0


@equation
def stop_posts(p, t, month):
    """A post before its start or past its end has nobody."""
    for j in range(t.post.size):
        if not p.post_running[month, j]:
            t.post[j].filled = 0.0


@equation
def want_staff(p, n, t, e, v, month):
    """Posts wanted of each intervention: its own, and those that a reinvestment can pay."""
    for i in range(t.programme.size):
        t.programme[i].wanted = v.posts[i]
    for r in range(t.reinvestment.size):
        i, f = p.reinvestment[r].intervention, p.reinvestment[r].fund
        each = (e.each[i].per_post + v.caseload[i] * e.each[i].per_slot) * e.price[month, i]
        terms = n.reinvestment[r]
        posts = extra_posts(t.fund[f].balance, each, terms.spread_over, terms.desired)
        if t.account[p.fund_account[f]].alive == 0.0:
            posts = 0.0
        t.reinvestment[r].posts = posts
        t.reinvestment[r].full_cost = terms.desired * each
        t.programme[i].wanted += posts


# --- who is kept


@equation
def keep_posts(p, n, t, month):
    """Posts that are not core stay as far as they can be paid; partners keep their part."""
    for j in range(t.post.size):
        if not p.post[j].core:
            post, owed = t.post[j], t.obligation[p.first[POSTS] + j]
            theirs = post.filled * partner_share(n, j, month)
            post.filled = theirs + affordable(post.filled - theirs, owed.need, owed.paid)


@equation
def keep_staff(p, t, plan, s, month):
    """Staff of interventions stay as far as funder and reinvestment can pay them."""
    for i in range(t.programme.size):
        if plan.running[month, i]:
            o = p.first[PROGRAMMES] + i
            need, paid = t.obligation[o].need, t.obligation[o].paid
            for r in range(t.reinvestment.size):
                if p.reinvestment[r].intervention == i:
                    need += t.obligation[p.first[REINVESTED] + r].need
                    paid += t.obligation[p.first[REINVESTED] + r].paid
                    s.staff[i] = min(s.staff[i], t.programme[i].wanted)
            if paid < need - CENT:
                s.staff[i] = affordable(s.staff[i], need, paid)


@equation
def let_go(p, n, t, s, k, month):
    """An account that has become insolvent employs nobody; what partners pay for goes on."""
    for j in range(t.post.size):
        if p.obligation[p.first[POSTS] + j].account == k:
            t.post[j].filled *= partner_share(n, j, month)
            t.post[j].wanted *= partner_share(n, j, month)
    for i in range(t.programme.size):
        if p.obligation[p.first[PROGRAMMES] + i].account == k:
            s.staff[i] = 0.0
            t.programme[i].hiring = 0.0


# --- who is hired


@equation
def allow_hiring(p, n, t, b, e, v, plan, month):
    """Hiring goes on where money in hand and promised lasts for the months asked for.

    In the last month nothing is known of what comes after: what was allowed before stands.
    """
    if month + 1 == b.receipts.shape[0]:
        return
    for k in range(t.account.size):
        look_ahead(p, n, t, b, k, month)
    for j in range(t.post.size):
        full = t.post[j].wanted * n.post_cost[month, j].own
        allowed = hiring_allowed(p, n, t, b, p.first[POSTS] + j, full, month)
        theirs = partner_share(n, j, month)
        t.post[j].hiring = theirs + (1.0 - theirs) * allowed
    for i in range(t.programme.size):
        full = full_cost(p, e, v, plan, i, month)
        allowed = hiring_allowed(p, n, t, b, p.first[PROGRAMMES] + i, full, month)
        t.programme[i].hiring = allowed


@equation
def hiring_allowed(p, n, t, b, o, full, month):
    """1 if money lasts with all the obligation's posts filled, beside what is paid already.

    Restricted money may cover it alone; what it does not cover is left to unrestricted money.
    """
    k = p.obligation[o].account
    if k < 0:
        return 1.0
    account, ahead = t.account[k], months_ahead(n, b, k, month)
    if account.alive == 0.0:
        return 0.0
    uncovered = max(0.0, ahead * full - restricted_ahead(p, t, b, o, int(ahead), month))
    if uncovered == 0.0 and full > 0.0:
        return 1.0
    others = account.spending - t.obligation[o].unrestricted
    return may_hire(account.promised - uncovered, others, ahead)


@equation
def look_ahead(p, n, t, b, k, month):
    """Unrestricted money in hand and promised, and a month's unrestricted spending."""
    account, ahead = t.account[k], int(months_ahead(n, b, k, month))
    account.promised = account.means
    for line in range(p.line.size):
        if p.line[line].account == k and p.line[line].fund < 0:
            for later in range(month + 1, month + 1 + ahead):
                account.promised += b.receipts[later, line]
    account.spending = spent_freely(p, t, k)


@equation
def restricted_ahead(p, t, b, o, ahead, month):
    """Restricted money in hand and promised that may pay an obligation."""
    tied = 0.0
    for f in range(t.fund.size):
        if p.may_pay[f, o]:
            tied += t.fund[f].trial
    if t.fund.size > 0:
        for line in range(p.line.size):
            f = p.line[line].fund
            if f >= 0 and p.may_pay[f, o]:
                for later in range(month + 1, month + 1 + ahead):
                    tied += b.receipts[later, line]
    return tied


@equation
def months_ahead(n, b, k, month):
    """Months that money must last before anybody is hired: none beyond the horizon."""
    return min(n.account[k].freeze_below, b.receipts.shape[0] - 1.0 - month)


@equation
def advance_posts(p, n, t, month, dt):
    """One Euler step of the posts filled."""
    for j in range(t.post.size):
        post = t.post[j]
        post.months += dt * post.filled
        if p.post_running[month, j]:
            hired = post.hiring * hires(post.wanted, post.filled, n.post[j].time_to_hire)
            post.filled += dt * (hired - quits(post.filled, n.post[j].turnover))
