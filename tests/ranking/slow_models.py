"""The models by plain numerical integrals over what a customer is like: slow, and nothing else.

Both integrals are sums over a fine grid in log(rate) and logit(p), which leave out no mass.
"""

import math


def rates(r, alpha):
    """Pairs of a rate and its weight, gamma-distributed with shape r and rate alpha."""
    logs = [-180 + 0.05 * i for i in range(4000)]
    return [(math.exp(y), math.exp(r * y - alpha * math.exp(y))) for y in logs]


def probabilities(a, b):
    """Triples of p, 1 - p and its weight, beta-distributed."""
    logits = [-90 + 0.05 * i for i in range(3600)]
    pairs = [(1 / (1 + math.exp(-y)), 1 / (1 + math.exp(y))) for y in logits]
    return [(p, stay, p**a * stay**b) for p, stay in pairs]


def likelihood(parameters, x, recency, age):
    """Of a customer's purchases, alive or left."""
    alive, left = _alive_and_left(parameters, x, recency, age)
    return alive + left


def alive(parameters, x, recency, age):
    """The probability of being alive."""
    alive, left = _alive_and_left(parameters, x, recency, age)
    return alive / (alive + left)


def _alive_and_left(parameters, x, recency, age):
    r, alpha, a, b = parameters
    of_rate, of_p = rates(r, alpha), probabilities(a, b)
    rate_mass = math.fsum(w for _, w in of_rate)
    p_mass = math.fsum(w for _, _, w in of_p)
    buys_until_end = math.fsum(w * rate**x * math.exp(-rate * age) for rate, w in of_rate)
    buys_until_last = math.fsum(w * rate**x * math.exp(-rate * recency) for rate, w in of_rate)
    stays = math.fsum(w * stay**x for _, stay, w in of_p)
    leaves = math.fsum(w * p * stay ** (x - 1) for p, stay, w in of_p) if x else 0.0
    scale = rate_mass * p_mass
    return buys_until_end * stays / scale, buys_until_last * leaves / scale


def expected_purchases(parameters, x, recency, age, horizon):
    """Of who buys at a rate until it leaves with p: (1 - exp(-rate p horizon)) / p."""
    r, alpha, a, b = parameters
    of_rate = [(rate, w * rate**x * math.exp(-rate * age)) for rate, w in rates(r, alpha)[::5]]
    of_p = [(p, w * stay**x) for p, stay, w in probabilities(a, b)[::5]]
    mass = math.fsum(w for _, w in of_rate) * math.fsum(w for _, w in of_p)
    some = math.fsum(
        w * v * -math.expm1(-rate * p * horizon) / p
        for p, w in of_p
        if w > 1e-30
        for rate, v in of_rate
        if v > 1e-30
    )
    return some / mass * alive(parameters, x, recency, age)


def spend_density(parameters, x, mean):
    """Of a mean spend of x days."""
    p, q, v = parameters
    of_rate = rates(q, v)
    some = (
        w * math.exp(p * x * math.log(x * rate * mean) - x * rate * mean) for rate, w in of_rate
    )
    return math.fsum(some) / math.fsum(w for _, w in of_rate) / math.gamma(p * x) / mean


def expected_spend(parameters, days, spend):
    """Of one more day: p / rate, given the days until now."""
    p, q, v = parameters
    of_rate = rates(q + p * days, v + spend)
    return math.fsum(w * p / rate for rate, w in of_rate) / math.fsum(w for _, w in of_rate)
