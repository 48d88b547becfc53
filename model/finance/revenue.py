"""Revenue: dues, fees for service and grants. Equations only, per month.

Explained in docs/money.md.
"""

import math

from model.compiled import equation


@equation
def renewed(members, renewal, trust_response, trust):
    """Members who stay: fewer, as trust is lost."""
    return members * renewal * (1.0 - trust_response * (1.0 - trust))


@equation
def trust_gained(trust, staffed_share, time_to_trust):
    """A month's gain: trust follows the share of posts that are filled (first-order delay)."""
    return (staffed_share - trust) * (1.0 - math.exp(-1.0 / time_to_trust))


@equation
def collected(invoiced, bad_debt):
    return invoiced * (1.0 - bad_debt)


@equation
def delivered(demand, hours_available, hours_each):
    """Units of work done: what is asked for, or what hours allow."""
    if hours_each <= 0.0:
        return demand
    return min(demand, max(0.0, hours_available) / hours_each)


@equation
def reimbursed(spent, ceiling):
    """A grant that pays afterwards: what was spent, up to what is left of it."""
    return min(max(0.0, spent), max(0.0, ceiling))


@equation
def unrestricted_part(amount, indirect):
    """Part of a restricted grant for overhead."""
    return amount * indirect


# --- membership


@equation
def value_of_membership(clients, hours_saved, wage, own_hours):
    """Members' time saved, less their own time in the network, at a loaded wage. Not cash."""
    return wage * (clients * hours_saved - own_hours)


@equation
def highest_dues(value, members, kept_share):
    """Most that a member would pay, if it wants to keep a share of the value."""
    if members <= 0.0:
        return 0.0
    return max(0.0, value) * (1.0 - kept_share) / members


@equation
def lowest_dues(cost, members):
    """Least that covers what membership costs."""
    if members <= 0.0:
        return 0.0
    return cost / members
