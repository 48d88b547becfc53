"""Treasury: one month of the accounts of one draw.

`open_month` receives what is due and decides which staff can be kept and hired; `close_month` pays
what the month cost. What a month does, in order, is stated in simulation.py. An account that cannot
pay a core obligation is insolvent: from then on it neither receives nor pays.
"""

from .accounts import close_funds, pay, receive, reinvest_surplus, set_means, settle_account
from .books import POSTS, PROGRAMMES, REINVESTED
from .compiled import equation
from .earnings import claim_back, deliver_fees, invoice_dues
from .finance.revenue import trust_gained
from .needs import add_up_needed, expect_needs, final_needs
from .staffing import allow_hiring, keep_posts, keep_staff, let_go, stop_posts, want_staff


@equation
def begin(p, n, t, v, usual_care):
    """Opening balances and staff of the first month."""
    for k in range(t.account.size):
        account = t.account[k]
        account.cash = n.account[k].opening
        account.rescue = n.account[k].rescue
        account.alive = 1.0
        account.trust = 1.0
    for j in range(t.post.size):
        t.post[j].wanted = n.post[j].wanted
        t.post[j].filled = n.post[j].wanted if p.post_running[0, j] else 0.0
        t.post[j].hiring = 1.0
    for i in range(t.programme.size):
        t.programme[i].wanted = v.posts[i]
        t.programme[i].hiring = 1.0
    for h in range(t.contract.size):
        t.contract[h].active = 0.0 if usual_care else 1.0


@equation
def open_month(p, n, t, b, e, v, plan, s, month):
    """Receive what is due; keep and hire the staff that can be paid."""
    receive(p, n, t, b, month)
    invoice_dues(p, n, t, b, month)
    stop_posts(p, t, month)
    want_staff(p, n, t, e, v, month)
    expect_needs(p, n, t, b, e, v, plan, s, month)
    set_means(n, t)
    pay(p, t)
    keep_posts(p, n, t, month)
    keep_staff(p, t, plan, s, month)
    allow_hiring(p, n, t, b, e, v, plan, month)


@equation
def close_month(p, n, t, b, e, v, plan, s, m, month):
    """Pay what the month cost; borrow, be rescued or become insolvent."""
    final_needs(p, n, t, b, e, v, plan, m, month)
    deliver_fees(p, n, t, b, month)
    set_means(n, t)
    pay(p, t)
    for f in range(t.fund.size):
        t.fund[f].balance = t.fund[f].trial
    for k in range(t.account.size):
        if t.account[k].alive > 0.0:
            settle_account(p, n, t, b, k, month)
            if t.account[k].alive == 0.0:
                let_go(p, n, t, s, k, month)
    record_payments(p, t, b, month)
    claim_back(p, n, t, b, month)
    add_up_needed(p, n, t, b, e, v, plan, month)
    close_funds(p, n, t, b, month)
    reinvest_surplus(p, n, t, month)
    record_accounts(p, n, t, b, month)
    record_posts(p, t, b, month)


# --- what is recorded


@equation
def record_payments(p, t, b, month):
    """Record what was paid; what a funder could not pay is carried by the operator."""
    for o in range(t.obligation.size):
        b.paid[month, o] = t.obligation[o].paid
    for i in range(t.programme.size):
        b.programme[month, i].carried = unpaid(t, p.first[PROGRAMMES] + i)
    for r in range(t.reinvestment.size):
        i = p.reinvestment[r].intervention
        b.programme[month, i].carried += unpaid(t, p.first[REINVESTED] + r)


@equation
def unpaid(t, o):
    return t.obligation[o].need - t.obligation[o].paid


@equation
def record_accounts(p, n, t, b, month):
    """Balances at the month's end; members' trust follows the posts that are filled."""
    for k in range(t.account.size):
        account, book = t.account[k], b.account[month, k]
        book.cash = account.cash
        book.credit = account.credit
        book.alive = account.alive
        share = staffed_share(p, n, t, k, month)
        account.trust += trust_gained(account.trust, share, n.account[k].time_to_trust)
    for f in range(t.fund.size):
        b.account[month, p.fund_account[f]].restricted += t.fund[f].balance


@equation
def staffed_share(p, n, t, k, month):
    """Share of an account's posts that is filled."""
    filled, wanted = 0.0, 0.0
    for j in range(t.post.size):
        if p.obligation[p.first[POSTS] + j].account == k and p.post_running[month, j]:
            filled += t.post[j].filled
            wanted += n.post[j].wanted
    return filled / wanted if wanted > 0.0 else 1.0


@equation
def record_posts(p, t, b, month):
    for j in range(t.post.size):
        b.posts[month, j] = t.post[j].filled
        if p.post[j].core:
            k = p.obligation[p.first[POSTS] + j].account
            b.account[month, k].core_posts += t.post[j].filled
        t.post[j].months = 0.0
