"""Gamma-Gamma: what a purchase day of a customer brings on average, given what its days brought.

A day brings an amount from a gamma distribution (shape p, rate of the customer's own); the rates
are gamma-distributed over the customers (shape q, rate v). The mean over all customers is
p v / (q - 1), so there is none unless q is above 1.

Source: Fader, Hardie, "The Gamma-Gamma Model of Monetary Value" (2013).
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from math import exp, fsum, log, log1p
from operator import mul, truediv
from typing import NamedTuple

from ltv.ranking.newton import Estimate, Fit, Point, fit
from ltv.ranking.special import digamma, log_gamma_ratio, trigamma

#: By x: what the x repeat days of each customer brought, above 0; in any one unit.
Spends = Mapping[int, "array[float]"]

_HESSIAN = ((4, 5, 6), (5, 7, 8), (6, 8, 9))


class SpendingParameters(NamedTuple):
    """Of the model: `v` is an amount."""

    p: float
    q: float
    v: float


def expected_spend(parameters: SpendingParameters, days: int, spend: float) -> float:
    """Return the expected spend of one more day of who spent `spend` in all on so many days."""
    p, q, v = parameters
    return p * (v + spend) / (p * days + q - 1)


def one_mean(spends: Spends) -> float | None:
    """Return the mean spend of a repeat day if all customers have the same one."""
    means = (spend / repeats for repeats, group in spends.items() for spend in group)
    first = next(means, None)
    return first if all(mean == first for mean in means) else None


def fit_spends(spends: Spends, unit: float) -> Fit:
    """Return the parameters p, q, v of greatest likelihood.

    `spends` holds one customer at least; v and the density are to be by `unit` of what is in it.
    """
    customers = sum(map(len, spends.values()))
    log_means = fsum(
        log(spend / repeats / unit) for repeats, group in spends.items() for spend in group
    )
    scale = exp(log_means / customers)  # the geometric mean
    found = fit(Likelihood(spends, scale * unit), [log(4), log(3), log(0.75)])  # a mean of 1.5
    p, q, v = found.parameters
    by_p, by_q, by_v = found.estimates
    scaled = by_v and Estimate(*(scale * bound for bound in by_v))
    return Fit((p, q, v * scale), (by_p, by_q, scaled), found.log_likelihood - log_means)


class Likelihood:
    """The log-likelihood of spends that are divided by `scale`, their geometric mean."""

    def __init__(self, spends: Spends, scale: float) -> None:
        self._spends = sorted(spends.items())
        self._scale = scale

    def __call__(self, logs: Sequence[float]) -> Point:
        """Return the log-likelihood at the logarithms of p, q, v."""
        terms = self._terms(SpendingParameters(*map(exp, logs)))
        sums = [fsum(column) for column in zip(*terms, strict=True)]
        return Point(sums[0], sums[1:4], [[sums[i] for i in row] for row in _HESSIAN])

    def _terms(self, parameters: SpendingParameters) -> Iterator[tuple[float, ...]]:
        """Yield the log-likelihood and its derivatives by the logarithms, of each x."""
        p, q, v = parameters
        digamma_q, trigamma_q = digamma(q), trigamma(q)
        for repeats, spends in self._spends:
            n, y = len(spends), p * repeats
            ratios = array("d", map(truediv, repeat(v * self._scale), spends))
            of_spend = fsum(map(log1p, ratios))  # -log(spend / (v + spend))
            of_v = fsum(map(log1p, map(truediv, repeat(1.0), ratios)))  # -log(v / (v + spend))
            shares = array("d", (ratio / (1 + ratio) for ratio in ratios))  # v / (v + spend)
            share, squares = fsum(shares), fsum(map(mul, shares, shares))
            digamma_sum, trigamma_sum = digamma(y + q), trigamma(y + q)
            by_p = y * (n * (digamma_sum - digamma(y)) - of_spend)
            by_q = q * (n * (digamma_sum - digamma_q) - of_v)
            yield (
                n * log_gamma_ratio(y, q) - y * of_spend - q * of_v,
                by_p,
                by_q,
                n * q - (y + q) * share,
                by_p + y * y * n * (trigamma_sum - trigamma(y)),
                y * q * n * trigamma_sum,
                -y * share,
                by_q + q * q * n * (trigamma_sum - trigamma_q),
                q * (n - share),
                -(y + q) * (share - squares),
            )
