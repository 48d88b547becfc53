"""Accounts: what an account receives, pays, borrows and gives back in one month of one draw.

Unrestricted money is an account's cash and what is left of its credit line; each restricted fund
pays only what it may. An insolvent account neither receives nor pays. Arithmetic: finance/cash.py.
"""

from .books import RESCUES
from .compiled import equation
from .finance.cash import borrowed, paid_back, payable, surplus

CENT = 0.01


# --- receipts


@equation
def receive(p, n, t, b, month):
    """Book what is due in the month; an insolvent account receives nothing."""
    for line in range(p.line.size):
        k = p.line[line].account
        if k >= 0:
            plan_receipt(p, t, b, month, k, line, n.due[month, line])
            if t.account[k].alive > 0.0:
                book_receipt(p, t, k, line, b.receipts[month, line])
            else:
                b.receipts[month, line] = 0.0


@equation
def plan_receipt(p, t, b, month, k, line, amount):
    """What may pay anything counts as it comes; restricted money as it is used (needs.py)."""
    f = p.line[line].fund
    if f >= 0:
        t.fund[f].planned += amount
    else:
        b.account[month, k].expected += amount


@equation
def book_receipt(p, t, k, line, amount):
    f = p.line[line].fund
    if f >= 0:
        t.fund[f].balance += amount
    else:
        t.account[k].cash += amount


@equation
def earn(p, t, b, month, lag, line, amount):
    """Earned now and received after a lag, as is expected of it."""
    fall_due(p, t, b, month, lag, line, amount)
    expect(p, b, month, lag, line, amount)


@equation
def fall_due(p, t, b, month, lag, line, amount):
    """Received after a lag, at once where there is none; beyond the horizon never."""
    k = p.line[line].account
    later = month + int(lag)
    if k >= 0 and later < b.receipts.shape[0] and t.account[k].alive > 0.0:
        b.receipts[later, line] += amount
        if later == month:
            book_receipt(p, t, k, line, amount)


@equation
def expect(p, b, month, lag, line, amount):
    k = p.line[line].account
    later = month + int(lag)
    if k >= 0 and p.line[line].fund < 0 and later < b.receipts.shape[0]:
        b.account[later, k].expected += amount


# --- payments


@equation
def set_means(n, t):
    """What may be spent: cash and what is left of the credit line, and restricted funds."""
    for k in range(t.account.size):
        account = t.account[k]
        account.means = account.cash + n.account[k].credit_limit - account.credit
    for f in range(t.fund.size):
        t.fund[f].trial = t.fund[f].balance


@equation
def pay(p, t):
    """Pay needs in their order; who has no account always pays."""
    for x in range(p.obligation.size):
        o = p.obligation[x].turn
        k = p.obligation[o].account
        owed = t.obligation[o]
        owed.unrestricted = 0.0
        owed.paid = 0.0
        if k < 0:
            owed.paid = owed.need
        elif t.account[k].alive > 0.0:
            pay_one(p, t, k, o)


@equation
def pay_one(p, t, k, o):
    """Restricted funds pay first where they may, then unrestricted means."""
    owed = t.obligation[o]
    left = owed.need
    for f in range(t.fund.size):
        if p.may_pay[f, o]:
            part = payable(left, t.fund[f].trial)
            t.fund[f].trial -= part
            left -= part
    if not p.obligation[o].only_funds:
        owed.unrestricted = payable(left, t.account[k].means)
        t.account[k].means -= owed.unrestricted
        left -= owed.unrestricted
    owed.paid = owed.need - left


# --- the month's end


@equation
def settle_account(p, n, t, b, k, month):
    """Cash after payments: what is missing is borrowed, then rescued; else insolvent."""
    t.account[k].cash -= spent_freely(p, t, k)
    use_credit(n, t, b, k, month)
    if unpaid_core(p, t, k) > CENT:
        rescue(p, t, b, k, month)
    if unpaid_core(p, t, k) > CENT:
        t.account[k].alive = 0.0


@equation
def spent_freely(p, t, k):
    """Unrestricted money that an account spent."""
    spent = 0.0
    for o in range(t.obligation.size):
        if p.obligation[o].account == k:
            spent += t.obligation[o].unrestricted
    return spent


@equation
def unpaid_core(p, t, k):
    unpaid = 0.0
    for o in range(t.obligation.size):
        if p.obligation[o].account == k and p.obligation[o].core:
            unpaid += t.obligation[o].need - t.obligation[o].paid
    return unpaid


@equation
def use_credit(n, t, b, k, month):
    """Draw what is missing on the credit line, or pay it back with cash in hand."""
    account = t.account[k]
    drawn = borrowed(account.cash, n.account[k].credit_limit - account.credit)
    account.cash += drawn
    account.credit += drawn
    back = paid_back(account.cash, account.credit)
    account.cash -= back
    account.credit -= back
    b.account[month, k].drawn = drawn - back


@equation
def rescue(p, t, b, k, month):
    """A rescue pays core obligations that cash and credit cannot."""
    account = t.account[k]
    for o in range(t.obligation.size):
        if p.obligation[o].account == k and p.obligation[o].core:
            owed = t.obligation[o]
            part = payable(owed.need - owed.paid, account.rescue)
            owed.paid += part
            account.rescue -= part
            b.receipts[month, p.first_line[RESCUES] + k] += part


@equation
def close_funds(p, n, t, b, month):
    """What is left of a restricted grant at its end goes back."""
    for f in range(t.fund.size):
        alive = t.account[p.fund_account[f]].alive > 0.0
        if 0.0 <= n.closes[f] <= month:
            t.fund[f].planned = 0.0
            if alive:
                b.returned[month, f] = t.fund[f].balance
                t.fund[f].balance = 0.0


@equation
def reinvest_surplus(p, n, t, month):
    """Once a year a share of cash above the reserve goes into each reinvestment."""
    if not p.years_end[month]:
        return
    for r in range(t.reinvestment.size):
        f = p.reinvestment[r].fund
        k = p.fund_account[f]
        if t.account[k].alive > 0.0:
            reserve = n.reinvestment[r].reserve * paid_in_all(p, t, k)
            moved = surplus(t.account[k].cash, reserve, n.reinvestment[r].surplus_share)
            t.account[k].cash -= moved
            t.fund[f].balance += moved


@equation
def paid_in_all(p, t, k):
    """What an account paid in the month."""
    paid = 0.0
    for o in range(t.obligation.size):
        if p.obligation[o].account == k:
            paid += t.obligation[o].paid
    return paid
