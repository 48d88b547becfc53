"""Treasury: one month of the accounts of one draw.

`open_month` receives what is due and decides which staff can be kept and hired; `close_month` pays
what the month cost. What a month does, in order, is stated in simulation.py; the arithmetic is in
finance/cash.py and finance/revenue.py. An account that cannot pay a core obligation is insolvent:
from then on it neither receives nor pays.
"""

from .books import (
    BORROWED,
    COSTS,
    DIRECT,
    DUES,
    FEES,
    GRANTS,
    INTEREST,
    LOANS,
    POSTS,
    PROGRAMMES,
    REINVESTED,
    REPAYMENTS,
    RESCUES,
)
from .compiled import equation
from .finance.cash import affordable, borrowed, extra_posts, may_hire, paid_back, payable, surplus
from .finance.revenue import collected, delivered, reimbursed, renewed, trust_gained
from .interventions import hires, quits

CENT = 0.01


@equation
def begin(p, n, t, v, usual_care):
    """Opening balances and staff of the first month."""
    for k in range(t.account.size):
        t.account[k].cash = n.account[k].opening
        t.account[k].rescue = n.account[k].rescue
        t.account[k].alive = 1.0
        t.account[k].trust = 1.0
    for j in range(t.post.size):
        t.post[j].hiring = 1.0
        if p.post_running[0, j]:
            t.post[j].filled = n.post[j].wanted
    for i in range(t.programme.size):
        t.programme[i].wanted = v.posts[i]
        t.programme[i].hiring = 1.0
    for h in range(t.contract.size):
        t.contract[h].active = 0.0 if usual_care else 1.0


# --- the month's beginning


@equation
def open_month(p, n, t, b, e, v, plan, s, month):
    """Receive what is due; keep and hire the staff that can be paid."""
    invoice_dues(p, n, t, b, month)
    receive(p, t, b, month)
    want_posts(p, n, t, e, v, month)
    expect_needs(p, n, t, b, e, v, plan, s, month)
    set_means(n, t)
    pay(p, t)
    keep_posts(p, t)
    keep_staff(p, t, plan, s, month)
    allow_hiring(p, n, t, b, month)


@equation
def invoice_dues(p, n, t, b, month):
    first = p.first_line[DUES]
    for d in range(t.dues.size):
        k = p.line[first + d].account
        if not p.joins[month, d]:
            t.dues[d].members = 0.0
            t.dues[d].likely = 0.0
            continue
        if month == 0 or not p.joins[month - 1, d]:
            t.dues[d].members = n.dues[d].members
            t.dues[d].likely = n.dues[d].members
            t.dues[d].renewing = 0.0
        t.dues[d].members += n.dues[d].joining
        t.dues[d].likely += n.dues[d].joining
        if p.invoiced[month, d]:
            if t.dues[d].renewing > 0.0:
                t.dues[d].members = renewed(
                    t.dues[d].members,
                    n.dues[d].renewal,
                    n.dues[d].trust_response,
                    t.account[k].trust,
                )
                t.dues[d].likely = renewed(t.dues[d].likely, n.dues[d].renewal, 0.0, 1.0)
            t.dues[d].renewing = 1.0
            if t.account[k].alive == 0.0:
                t.dues[d].members = 0.0
            lag = int(n.dues[d].lag)
            whole = collected(t.dues[d].members * n.invoice[month, d], n.dues[d].bad_debt)
            likely = collected(t.dues[d].likely * n.invoice[month, d], n.dues[d].bad_debt)
            if month + lag < b.receipts.shape[0]:
                b.receipts[month + lag, first + d] += whole
                b.account[month + lag, k].expected += likely
        b.members[month, d] = t.dues[d].members


@equation
def receive(p, t, b, month):
    """Book the receipts of the month; an insolvent account receives nothing."""
    for line in range(p.line.size):
        k = p.line[line].account
        if k >= 0:
            if t.account[k].alive > 0.0:
                book_receipt(p, t, k, line, b.receipts[month, line])
            else:
                b.receipts[month, line] = 0.0


@equation
def book_receipt(p, t, k, line, amount):
    f = p.line[line].fund
    if f >= 0:
        t.fund[f].balance += amount
    else:
        t.account[k].cash += amount


@equation
def earn(p, t, b, month, lag, line, amount):
    """Earned now, received after a lag; at once where there is none."""
    k = p.line[line].account
    if k < 0 or amount == 0.0:
        return
    later = month + int(lag)
    if later >= b.receipts.shape[0]:
        return
    b.account[later, k].expected += amount
    if t.account[k].alive > 0.0:
        b.receipts[later, line] += amount
        if later == month:
            book_receipt(p, t, k, line, amount)


@equation
def want_posts(p, n, t, e, v, month):
    """Posts wanted of each intervention: its own, and those that a reinvestment can pay."""
    for i in range(t.programme.size):
        t.programme[i].wanted = v.posts[i]
    for r in range(t.extra.size):
        i, f = p.reinvestment[r].intervention, p.reinvestment[r].fund
        each = (e.each[i].per_post + v.caseload[i] * e.each[i].per_slot) * e.price[month, i]
        t.extra[r] = extra_posts(
            t.fund[f].balance, each, n.reinvestment[r].spread_over, n.reinvestment[r].desired
        )
        t.programme[i].wanted += t.extra[r]


@equation
def reinvested_share(p, t, r):
    """Share of an intervention's cost that a reinvestment pays."""
    i = p.reinvestment[r].intervention
    return t.extra[r] / t.programme[i].wanted if t.programme[i].wanted > 0.0 else 0.0


@equation
def expect_needs(p, n, t, b, e, v, plan, s, month):
    """Fill need [obligation] with what the month costs if nobody comes or goes."""
    for j in range(t.post.size):
        t.obligation[p.first[POSTS] + j].need = t.post[j].filled * n.post_cost[month, j].own
    fixed_needs(p, n, t, b, month)
    for i in range(t.programme.size):
        cost = 0.0
        if plan.begun[month, i]:
            enrolled = 0.0
            for g in range(plan.served.shape[1]):
                if plan.served[i, g]:
                    enrolled += s.enrolled[i, g, 0] + s.enrolled[i, g, 1] + s.enrolled[i, g, 2]
            running = 1.0 if plan.running[month, i] else 0.0
            starting = 1.0 if p.starting[month, i] else 0.0
            cost = programme_cost(e, v, i, month, starting, running, s.staff[i], enrolled, 0.0)
        split_cost(p, t, i, cost)
    for f in range(n.fee.size):
        t.obligation[p.first[DIRECT] + f].need = 0.0


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


@equation
def split_cost(p, t, i, cost):
    """An intervention's cost falls to its funder, less what reinvestments pay."""
    own = cost
    for r in range(t.extra.size):
        if p.reinvestment[r].intervention == i:
            part = cost * reinvested_share(p, t, r)
            t.obligation[p.first[REINVESTED] + r].need = part
            own -= part
    t.obligation[p.first[PROGRAMMES] + i].need = own


@equation
def programme_cost(e, v, i, month, starting, running, staff, enrolled, started):
    """USD of a month; who is still served after staff have left is served by somebody."""
    posts = max(staff, enrolled / v.caseload[i])
    cost = e.each[i].start_up * starting + e.each[i].fixed * running
    cost += e.each[i].per_post * posts + e.each[i].per_slot * posts * v.caseload[i]
    cost += e.each[i].per_enrollment * started + e.each[i].per_enrolled * enrolled
    return cost * e.price[month, i]


@equation
def set_means(n, t):
    """What may be spent: cash and what is left of the credit line, and restricted funds."""
    for k in range(t.account.size):
        t.account[k].means = t.account[k].cash + n.account[k].credit_limit - t.account[k].credit
    for f in range(t.fund.size):
        t.fund[f].trial = t.fund[f].balance


@equation
def pay(p, t):
    """Pay needs in order: restricted funds first where they may, then unrestricted means."""
    for x in range(p.obligation.size):
        o = p.obligation[x].turn
        k = p.obligation[o].account
        t.obligation[o].unrestricted = 0.0
        t.obligation[o].paid = 0.0
        if k < 0:
            t.obligation[o].paid = t.obligation[o].need
            continue
        if t.account[k].alive == 0.0:
            continue
        left = t.obligation[o].need
        for f in range(t.fund.size):
            if p.may_pay[f, o] and left > 0.0:
                part = payable(left, t.fund[f].trial)
                t.fund[f].trial -= part
                left -= part
        if not p.obligation[o].only_funds:
            part = payable(left, t.account[k].means)
            t.account[k].means -= part
            t.obligation[o].unrestricted = part
            left -= part
        t.obligation[o].paid = t.obligation[o].need - left


@equation
def keep_posts(p, t):
    """Posts that are not core stay as far as they can be paid."""
    for j in range(t.post.size):
        if not p.post[j].core:
            o = p.first[POSTS] + j
            t.post[j].filled = affordable(
                t.post[j].filled, t.obligation[o].need, t.obligation[o].paid
            )


@equation
def keep_staff(p, t, plan, s, month):
    """Staff of interventions stay as far as funder and reinvestment can pay them."""
    for i in range(t.programme.size):
        if plan.running[month, i]:
            need = t.obligation[p.first[PROGRAMMES] + i].need
            paid = t.obligation[p.first[PROGRAMMES] + i].paid
            for r in range(t.extra.size):
                if p.reinvestment[r].intervention == i:
                    need += t.obligation[p.first[REINVESTED] + r].need
                    paid += t.obligation[p.first[REINVESTED] + r].paid
            if paid < need - CENT:
                s.staff[i] = affordable(s.staff[i], need, paid)


@equation
def allow_hiring(p, n, t, b, month):
    """Hiring goes on where money in hand and promised lasts for the months asked for."""
    for j in range(t.post.size):
        o = p.first[POSTS] + j
        k = p.obligation[o].account
        t.post[j].hiring = hiring_allowed(
            p, n, t, b, month, o, k, n.post[j].wanted * n.post_cost[month, j].own
        )
    for i in range(t.programme.size):
        o = p.first[PROGRAMMES] + i
        k = p.obligation[o].account
        t.programme[i].hiring = 1.0
        if k >= 0:
            t.programme[i].hiring = hiring_allowed(p, n, t, b, month, o, k, t.obligation[o].need)


@equation
def hiring_allowed(p, n, t, b, month, o, k, own):
    """1 if unrestricted money covers the account, or restricted money the obligation itself."""
    if t.account[k].alive == 0.0:
        return 0.0
    ahead = min(int(n.account[k].freeze_below), b.receipts.shape[0] - 1 - month)
    free, tied = t.account[k].means, 0.0
    for f in range(t.fund.size):
        if p.may_pay[f, o]:
            tied += t.fund[f].trial
    for line in range(p.line.size):
        if p.line[line].account == k:
            f = p.line[line].fund
            for later in range(month + 1, month + 1 + ahead):
                if f < 0:
                    free += b.receipts[later, line]
                elif p.may_pay[f, o]:
                    tied += b.receipts[later, line]
    unrestricted = 0.0
    for x in range(t.obligation.size):
        if p.obligation[x].account == k:
            unrestricted += t.obligation[x].unrestricted
    own_hand = may_hire(tied, own, n.account[k].freeze_below)
    return max(
        may_hire(free, unrestricted, n.account[k].freeze_below), own_hand if own > 0.0 else 0.0
    )


# --- within the month


@equation
def advance_posts(p, n, t, month, dt):
    """One Euler step of the posts filled."""
    for j in range(t.post.size):
        t.post[j].months += dt * t.post[j].filled
        if p.post_running[month, j]:
            hired = t.post[j].hiring * hires(
                n.post[j].wanted, t.post[j].filled, n.post[j].time_to_hire
            )
            t.post[j].filled += dt * (hired - quits(t.post[j].filled, n.post[j].turnover))
        else:
            t.post[j].filled = 0.0


# --- the month's end


@equation
def close_month(p, n, t, b, e, v, plan, s, m, month):
    """Pay what the month cost; borrow, be rescued or become insolvent."""
    for j in range(t.post.size):
        t.obligation[p.first[POSTS] + j].need = t.post[j].months * n.post_cost[month, j].own
        b.partner[month, j] = t.post[j].months * n.post_cost[month, j].partner
    for c in range(n.cost.shape[1]):
        b.partner[month, t.post.size + c] = n.cost[month, c].partner
    fixed_needs(p, n, t, b, month)
    for i in range(t.programme.size):
        running = 1.0 if plan.running[month, i] else 0.0
        starting = 1.0 if p.starting[month, i] else 0.0
        cost = 0.0
        if plan.begun[month, i]:
            cost = programme_cost(
                e, v, i, month, starting, running, m.staff[i], m.enrolled[i], m.started[i]
            )
        b.programme[month, i].cost = cost
        b.programme[month, i].in_kind = e.each[i].in_kind * running * e.price[month, i]
        split_cost(p, t, i, cost)
    deliver_fees(p, n, t, b, month)
    set_means(n, t)
    pay(p, t)
    for f in range(t.fund.size):
        t.fund[f].balance = t.fund[f].trial
    settle_accounts(p, n, t, b, month)
    book_payments_made(p, t, b, month)
    claim_back(p, n, t, b, month)
    close_funds(p, n, t, b, month)
    reinvest_surplus(p, n, t, month)
    stop_insolvent(p, n, t, s, month)
    record_accounts(p, n, t, b, e, v, plan, month)


@equation
def deliver_fees(p, n, t, b, month):
    """Work done for a fee, and what it costs beside staff."""
    for f in range(n.fee.size):
        o = p.first[DIRECT] + f
        t.obligation[o].need = 0.0
        line = p.first_line[FEES] + f
        k = p.line[line].account
        if not p.offered[month, f]:
            continue
        free, whole = 0.0, 0.0
        for j in range(t.post.size):
            if p.delivers[f, j]:
                free += t.post[j].months * n.fee[f].billable
                whole += n.post[j].wanted * n.fee[f].billable
        each = collected(n.fee_month[month, f].price, n.fee[f].bad_debt)
        likely = delivered(n.fee_month[month, f].demand, whole, n.fee[f].hours)
        done = (
            delivered(n.fee_month[month, f].demand, free, n.fee[f].hours)
            if t.account[k].alive > 0.0
            else 0.0
        )
        b.delivered[month, f] = done
        t.obligation[o].need = done * n.fee_month[month, f].direct
        before = 0.0
        later = month + int(n.fee[f].lag)
        if later < b.receipts.shape[0]:
            before = b.account[later, k].expected
        earn(p, t, b, month, n.fee[f].lag, line, done * each)
        if later < b.receipts.shape[0]:
            b.account[later, k].expected = before + likely * each


@equation
def book_payments_made(p, t, b, month):
    """Record what was paid; what a funder could not pay is carried by the operator."""
    for o in range(t.obligation.size):
        b.paid[month, o] = t.obligation[o].paid
    for i in range(t.programme.size):
        o = p.first[PROGRAMMES] + i
        b.programme[month, i].carried = t.obligation[o].need - t.obligation[o].paid
        for r in range(t.extra.size):
            if p.reinvestment[r].intervention == i:
                o = p.first[REINVESTED] + r
                b.programme[month, i].carried += t.obligation[o].need - t.obligation[o].paid


@equation
def settle_accounts(p, n, t, b, month):
    """Cash after payments; what is missing is borrowed, then a rescue; else insolvent."""
    for k in range(t.account.size):
        if t.account[k].alive == 0.0:
            continue
        spent, unpaid = 0.0, 0.0
        for o in range(t.obligation.size):
            if p.obligation[o].account == k:
                spent += t.obligation[o].unrestricted
                if p.obligation[o].core:
                    unpaid += t.obligation[o].need - t.obligation[o].paid
        t.account[k].cash -= spent
        drawn = borrowed(t.account[k].cash, n.account[k].credit_limit - t.account[k].credit)
        t.account[k].cash += drawn
        t.account[k].credit += drawn
        back = paid_back(t.account[k].cash, t.account[k].credit)
        t.account[k].cash -= back
        t.account[k].credit -= back
        b.account[month, k].drawn = drawn - back
        if unpaid > CENT:
            unpaid -= rescue(p, t, b, k, month)
        if unpaid > CENT:
            t.account[k].alive = 0.0


@equation
def rescue(p, t, b, k, month):
    """A rescue pays what cash and credit cannot; returns how much."""
    rescued = 0.0
    for o in range(t.obligation.size):
        if p.obligation[o].account == k and p.obligation[o].core:
            part = payable(t.obligation[o].need - t.obligation[o].paid, t.account[k].rescue)
            t.obligation[o].paid += part
            t.account[k].rescue -= part
            rescued += part
    b.receipts[month, p.first_line[RESCUES] + k] += rescued
    return rescued


@equation
def claim_back(p, n, t, b, month):
    """Reimbursing grants pay afterwards what was spent on what they allow."""
    for g in range(t.ceiling.size):
        t.ceiling[g] += n.ceiling[month, g]
        if t.ceiling[g] <= 0.0:
            continue
        claimed = 0.0
        for o in range(t.obligation.size):
            if p.may_claim[g, o]:
                part = reimbursed(t.obligation[o].unrestricted, t.ceiling[g])
                t.obligation[o].unrestricted -= part
                t.ceiling[g] -= part
                claimed += part
        earn(p, t, b, month, n.grant_lag[g], p.first_line[GRANTS] + g, claimed)


@equation
def close_funds(p, n, t, b, month):
    """What is left of a restricted grant at its end goes back."""
    for f in range(t.fund.size):
        k = p.fund_account[f]
        if n.closes[f] >= 0.0 and month >= n.closes[f] and t.account[k].alive > 0.0:
            b.returned[month, f] = t.fund[f].balance
            t.fund[f].balance = 0.0


@equation
def reinvest_surplus(p, n, t, month):
    """Once a year a share of cash above the reserve goes into each reinvestment."""
    if not p.years_end[month]:
        return
    for r in range(t.extra.size):
        f = p.reinvestment[r].fund
        k = p.fund_account[f]
        if t.account[k].alive > 0.0:
            monthly = 0.0
            for o in range(t.obligation.size):
                if p.obligation[o].account == k:
                    monthly += t.obligation[o].paid
            moved = surplus(
                t.account[k].cash,
                n.reinvestment[r].reserve * monthly,
                n.reinvestment[r].surplus_share,
            )
            t.account[k].cash -= moved
            t.fund[f].balance += moved


@equation
def stop_insolvent(p, n, t, s, month):
    """An insolvent account employs nobody, but what partners pay for goes on."""
    for j in range(t.post.size):
        if t.account[p.obligation[p.first[POSTS] + j].account].alive == 0.0:
            own, partner = n.post_cost[month, j].own, n.post_cost[month, j].partner
            t.post[j].filled = (
                t.post[j].filled * partner / (own + partner) if partner > 0.0 else 0.0
            )
    for i in range(t.programme.size):
        k = p.obligation[p.first[PROGRAMMES] + i].account
        if k >= 0 and t.account[k].alive == 0.0:
            s.staff[i] = 0.0


@equation
def record_accounts(p, n, t, b, e, v, plan, month):
    for k in range(t.account.size):
        tied = 0.0
        for f in range(t.fund.size):
            if p.fund_account[f] == k:
                tied += t.fund[f].balance
        b.account[month, k].cash = t.account[k].cash
        b.account[month, k].restricted = tied
        b.account[month, k].credit = t.account[k].credit
        b.account[month, k].alive = t.account[k].alive
        filled, wanted, core, needed = 0.0, 0.0, 0.0, 0.0
        for j in range(t.post.size):
            if p.obligation[p.first[POSTS] + j].account == k and p.post_running[month, j]:
                filled += t.post[j].filled
                wanted += n.post[j].wanted
                needed += n.post[j].wanted * n.post_cost[month, j].own
                if p.post[j].core:
                    core += t.post[j].filled
        for c in range(n.cost.shape[1]):
            if p.obligation[p.first[COSTS] + c].account == k:
                needed += n.cost[month, c].own
        for x in range(n.loan_payment.shape[1]):
            if p.obligation[p.first[LOANS] + x].account == k:
                needed += n.loan_payment[month, x]
        for i in range(t.programme.size):
            if p.obligation[p.first[PROGRAMMES] + i].account == k and plan.begun[month, i]:
                running = 1.0 if plan.running[month, i] else 0.0
                starting = 1.0 if p.starting[month, i] else 0.0
                posts = v.posts[i] * running
                full = posts * v.caseload[i]
                started = full / v.duration[i]
                needed += programme_cost(e, v, i, month, starting, running, posts, full, started)
        b.account[month, k].core_posts = core
        b.account[month, k].needed = needed
        share = filled / wanted if wanted > 0.0 else 1.0
        t.account[k].trust += trust_gained(t.account[k].trust, share, n.account[k].time_to_trust)
    for j in range(t.post.size):
        b.posts[month, j] = t.post[j].filled
        t.post[j].months = 0.0
    for line in range(p.line.size):
        k = p.line[line].account
        scheduled = line < p.first_line[DUES] or (
            p.first_line[FEES + 1] <= line < p.first_line[BORROWED + 1]
        )
        if k >= 0 and scheduled:
            b.account[month, k].expected += n.due[month, line]
