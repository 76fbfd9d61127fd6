"""BG/NBD: how often customers come back, and whether they still do.

While alive, a customer buys at a rate of its own, gamma-distributed over the customers (r, alpha);
after each repeat purchase it leaves with a probability p of its own, beta-distributed (a, b).
Customers alike in x repeat purchase days, t_x weeks from the first to the last and T weeks from the
first to the end are one cell.

Source: Fader, Hardie, Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005).
Their gamma functions are taken as products over whole x, and their 2F1 as the expectation over p
that it is: what cancels or overflows there has no counterpart here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import accumulate, chain
from itertools import count as naturals
from math import exp, expm1, fsum, log, log1p, sqrt
from operator import mul
from typing import NamedTuple

from ltv.ranking.newton import Fit, Point, fit
from ltv.ranking.purchases import Cells
from ltv.ranking.special import sigmoid, softplus

DAYS_PER_WEEK = 7

#: Cells looked at together: their terms are in memory at once.
CELLS_AT_ONCE = 4096

_CERTAIN = 700.0  # log odds; exp of 710 overflows

_MOST_KEPT = 100_000  # expectations by x and T

_LONGEST_STEP = 0.3  # of the trapezoid rule in logit p
_STEP_IN_DEVIATIONS = 0.4
_LOG_NEGLIGIBLE = -30.0  # twice as many digits as shown


class BuyingParameters(NamedTuple):
    """Of the model: `alpha` is in weeks."""

    r: float
    alpha: float
    a: float
    b: float


def log_odds_of_left(
    parameters: BuyingParameters, repeats: int, recency: float, age: float
) -> float:
    """Return the logarithm of the odds that a customer with x > 0 has left.

    `recency` (t_x) and `age` (T) are in weeks.
    """
    r, alpha, a, b = parameters
    silence = log1p((age - recency) / (alpha + recency))
    return log(a / (b + repeats - 1)) + (r + repeats) * silence


def alive(parameters: BuyingParameters, repeats: int, recency: float, age: float) -> float:
    """Return the probability that a customer still comes: 1 with x = 0; t_x and T in weeks."""
    return sigmoid(-log_odds_of_left(parameters, repeats, recency, age)) if repeats else 1.0


# --- The fit -----------------------------------------------------------------------------------

#: The log-likelihood, its first and its second derivatives by the logarithms of the parameters.
_Terms = tuple[float, ...]
_HESSIAN = ((5, 6, 7, 8), (6, 9, 10, 11), (7, 10, 12, 13), (8, 11, 13, 14))


class Likelihood:
    """The log-likelihood of cells, which come by rising x.

    It is the sum of what depends on the number of a repeat purchase, on T, and on all of a cell.
    """

    def __init__(self, cells: Iterable[Cells]) -> None:
        self._cells = list(cells)
        self._by_age: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        with_repeats: Counter[int] = Counter()
        for repeats, _, ages, counts in self._cells:
            with_repeats[repeats] += sum(counts)
            for age, count in zip(ages, counts, strict=True):
                sums = self._by_age[age]
                sums[0] += count
                sums[1] += count * repeats
        self.customers = with_repeats.total()
        self.repeaters = self.customers - with_repeats[0]
        self.all_repeats = sum(repeats * n for repeats, n in with_repeats.items())
        falling = (with_repeats[repeats] for repeats in range(max(with_repeats, default=0), 0, -1))
        self._went_beyond = list(accumulate(falling))[::-1]  # by i: customers with x > i

    def fit(self) -> Fit:
        """Return the parameters r, alpha, a, b of greatest likelihood."""
        days = sum(age * count for age, (count, _) in self._by_age.items())
        mean = days / DAYS_PER_WEEK / self.customers
        return fit(self, [-1.0, log(mean) - 1.0, 0.0, 1.0])  # one purchase in the mean T

    def __call__(self, logs: Sequence[float]) -> Point:
        """Return the log-likelihood at the logarithms of r, alpha, a, b."""
        parameters = BuyingParameters(*map(exp, logs))
        terms = chain(
            self._terms_of_repeats(parameters),
            self._terms_of_ages(parameters),
            self._terms_of_leaving(parameters),
        )
        sums = [fsum(column) for column in zip(*terms, strict=True)]
        return Point(sums[0], sums[1:5], [[sums[i] for i in row] for row in _HESSIAN])

    def gain_by_leaving(self, parameters: BuyingParameters) -> float:
        """Return what log-likelihood is lost when no customer ever leaves."""
        _, _, a, b = parameters
        stayed = (-n * log1p(a / (b + i)) for i, n in enumerate(self._went_beyond))
        left = (
            count
            * softplus(
                log_odds_of_left(
                    parameters, cells.repeats, recency / DAYS_PER_WEEK, age / DAYS_PER_WEEK
                )
            )
            for cells in self._cells
            if cells.repeats
            for recency, age, count in zip(*cells[1:], strict=True)
        )
        return fsum(chain(stayed, left))

    def _terms_of_repeats(self, parameters: BuyingParameters) -> Iterator[_Terms]:
        """Yield log(r + i) - log(1 + a / (b + i)), of each purchase that i repeats came before."""
        r, _, a, b = parameters
        zero = 0.0
        for i, n in enumerate(self._went_beyond):
            share, stayed, both = r / (r + i), b + i, a + b + i
            a_b = n * a * b / (both * both)
            b_slope = n * a * b / (stayed * both)
            yield (
                n * (log(r + i) - log1p(a / stayed)),
                n * share,
                zero,
                -n * a / both,
                b_slope,
                n * (share - share * share),
                zero,
                zero,
                zero,
                zero,
                zero,
                zero,
                -n * a * stayed / (both * both),
                a_b,
                b_slope - a_b * b * (a + 2 * stayed) / (stayed * stayed),
            )

    def _terms_of_ages(self, parameters: BuyingParameters) -> Iterator[_Terms]:
        """Yield -r log(1 + T / alpha) - x log(alpha + T), of all customers with a T."""
        r, alpha, _, _ = parameters
        zero = 0.0
        for age, (n, repeats) in sorted(self._by_age.items()):
            weeks = age / DAYS_PER_WEEK
            before, after = alpha / (alpha + weeks), weeks / (alpha + weeks)
            none = -n * r * log1p(weeks / alpha)
            yield (
                none - repeats * log(alpha + weeks),
                none,
                n * r * after - repeats * before,
                zero,
                zero,
                none,
                n * r * after,
                zero,
                zero,
                -(n * r + repeats) * before * after,
                *(zero,) * 5,
            )

    def _terms_of_leaving(self, parameters: BuyingParameters) -> Iterator[_Terms]:
        """Yield log(1 + the odds that a customer has left), of all customers with x > 0."""
        alpha = parameters.alpha
        span = range(max(self._by_age) + 1)
        logs = [log(alpha + day / DAYS_PER_WEEK) for day in span]
        shares = [alpha / (alpha + day / DAYS_PER_WEEK) for day in span]
        for cells in self._cells:
            if cells.repeats:
                rows = _leaving(cells, parameters, logs, shares)
                sums = [fsum(column) for column in zip(*rows, strict=True)]
                yield _of_parameters(sums, cells.repeats, parameters)


def _leaving(
    cells: Cells, parameters: BuyingParameters, logs: list[float], shares: list[float]
) -> Iterator[_Terms]:
    """Yield of each cell its terms by the log odds z of having left and what z consists of.

    z = log(a / (b + x - 1)) + (r + x) d, where d is log((alpha + T) / (alpha + t_x)), with the
    derivatives e and f by log(alpha). `logs` has log(alpha + day), `shares` alpha / (alpha + day).
    """
    r, _, a, b = parameters
    exponent = r + cells.repeats
    at_once = log(a / (b + cells.repeats - 1))
    for recency, age, n in zip(*cells[1:], strict=True):
        d = logs[age] - logs[recency]
        late, early = shares[age], shares[recency]
        e = late - early
        z = at_once + exponent * d
        odds = exp(z if z < _CERTAIN else _CERTAIN)
        value = log1p(odds) if z < _CERTAIN else z
        whole = 1 + odds
        first = n * odds / whole
        second = first / whole
        d2, e2 = second * d, second * e
        f = first * (e - late * late + early * early)
        yield n * value, first, first * d, first * e, f, second, d2, e2, d2 * d, d2 * e, e2 * e


def _of_parameters(sums: list[float], repeats: int, parameters: BuyingParameters) -> _Terms:
    """Return terms by the logarithms of the parameters, from those by z of cells of one x."""
    value, first, d, e, f, second, d2, e2, dd, de, ee = sums
    r, _, _, b = parameters
    k = r + repeats
    by_b = -b / (b + repeats - 1)
    return (
        value,
        r * d,
        k * e,
        first,
        by_b * first,
        r * (d + r * dd),
        r * (e + k * de),
        r * d2,
        by_b * r * d2,
        k * (f + k * ee),
        k * e2,
        by_b * k * e2,
        second,
        by_b * second,
        by_b * (first * (1 + by_b) + second * by_b),
    )


# --- Predictions -------------------------------------------------------------------------------


class Predictor:
    """Expected repeat purchase days in the `horizon` weeks after the end.

    Of a customer who is alive they are the expectation, over p in Beta(a, b + x), of

        (1 - (1 + p h / (alpha + T)) ** -(r + x)) / p

    by the trapezoid rule in logit p, which converges as fast as the terms fall; all are positive.
    At both ends the terms become a geometric series, whose sum stands at p = 0 and at p = 1: the
    smaller a is, the more of p lies there.
    """

    def __init__(self, parameters: BuyingParameters, horizon: float) -> None:
        self._parameters = parameters
        self._horizon = horizon
        self._weights = cache(self._weights_of)
        self._if_alive = lru_cache(maxsize=_MOST_KEPT)(self._expected_if_alive)

    def expected(self, repeats: int, recency_days: int, age_days: int) -> float:
        """Return the expectation given x and, in days, t_x and T."""
        expected = self._if_alive(repeats, age_days)
        if repeats:
            recency, age = recency_days / DAYS_PER_WEEK, age_days / DAYS_PER_WEEK
            expected *= alive(self._parameters, repeats, recency, age)
        return expected

    def _expected_if_alive(self, repeats: int, age_days: int) -> float:
        exponent = -(self._parameters.r + repeats)
        reach = self._horizon / (self._parameters.alpha + age_days / DAYS_PER_WEEK)
        at_zero, probabilities, weights = self._weights(repeats)
        powers = [expm1(exponent * log1p(p * reach)) for p in probabilities]
        return fsum(chain([-exponent * reach * at_zero], map(mul, weights, powers)))

    def _weights_of(self, repeats: int) -> tuple[float, list[float], list[float]]:
        """Return the weight of p = 0, the other p, and their weights divided by -p."""
        a, b = self._parameters.a, self._parameters.b + repeats
        step = min(_LONGEST_STEP, _STEP_IN_DEVIATIONS * sqrt(1 / a + 1 / b))
        mode = log(a / b)
        most = log((self._parameters.r + repeats) * self._horizon / self._parameters.alpha)
        down, up = (
            list(_log_densities(mode, direction * step, a, b, most)) for direction in (-1, 1)
        )
        points = [*down[:0:-1], *up]
        weights = [exp(height) for _, height in points]
        at_zero = weights[0] * _geometric_sum(a * step)
        at_one = weights[-1] * _geometric_sum(b * step)
        total = fsum([at_zero, *weights, at_one])
        odds = [exp(-at) for at, _ in points]
        return (
            at_zero / total,
            [*(1 / (1 + one) for one in odds), 1.0],
            [
                *(-weight / total * (1 + one) for weight, one in zip(weights, odds, strict=True)),
                -at_one / total,
            ],
        )


def _geometric_sum(fall: float) -> float:
    """Return q + q**2 + q**3 + ..., of q = exp(-`fall`)."""
    return exp(-fall) / -expm1(-fall)


def _log_density(logit: float, a: float, b: float) -> float:
    """Return the log density of logit p, p in Beta(a, b), but for a constant."""
    return -a * softplus(-logit) - b * softplus(logit)


def _log_densities(
    mode: float, step: float, a: float, b: float, most: float
) -> Iterator[tuple[float, float]]:
    """Yield logits from the mode on, with the log density, until a geometric series is near enough.

    What is integrated is at most min(1 / p, exp(`most`)), and changes there by less than what is
    negligible: of itself, by p or 1 - p times its steepness.
    """
    top = _log_density(mode, a, b)
    steepness = log(a + b + exp(most))
    for number in naturals():
        logit = mode + number * step
        height = _log_density(logit, a, b) - top
        yield logit, height
        growth = max(0.0, min(most, -logit) - min(most, -mode))
        if height + growth + min(0.0, steepness - abs(logit)) < _LOG_NEGLIGIBLE:
            return
