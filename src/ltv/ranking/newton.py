"""Maximum likelihood in the logarithms of positive parameters, by damped Newton.

The likelihoods of the models here may rise for ever along a ridge (all customers buy at one rate:
r and alpha to infinity). So the logarithms are limited, the search stops when the step that comes
next promises no gain, and what the data does not determine is found by the Hessian.
"""

from collections.abc import Callable, Sequence
from math import copysign, exp, fsum, sqrt
from typing import NamedTuple

Vector = list[float]
Matrix = list[list[float]]

FARTHEST_DETERMINED = 12.0  # of a logarithm, either way: farther out is "towards" 0 or infinity
LARGEST_VARIANCE = 9.0  # of a logarithm: with more, the data does not determine it

_LIMIT = 15.0  # of a logarithm: what is beyond changes next to nothing
_AT_LIMIT = _LIMIT - 1e-6
_LONGEST_STEP = 2.0  # of a logarithm: farther, the second derivatives no longer hold
_GAIN_TO_STOP = 1e-12  # of log-likelihood; far below the last digit shown
_ROUNDING = 1e-13  # of a log-likelihood or a pivot, in parts of it
_MOST_STEPS = 100
_MOST_HALVINGS = 20

_NORMAL_95 = 1.959963984540054  # the standard normal's 97.5 % quantile


class Point(NamedTuple):
    """A log-likelihood with its derivatives by the logarithms of the parameters."""

    value: float
    gradient: Vector
    hessian: Matrix


class Estimate(NamedTuple):
    """A parameter; `low` to `high` is its 95 % interval, made from the logarithm's."""

    value: float
    low: float
    high: float


class Fit(NamedTuple):
    """The parameters of greatest likelihood; estimates are None where the data gives none."""

    parameters: tuple[float, ...]
    estimates: tuple[Estimate | None, ...]
    log_likelihood: float


def fit(evaluate: Callable[[Vector], Point], start: Sequence[float]) -> Fit:
    """Return the parameters of greatest likelihood.

    `evaluate` takes the logarithms of the parameters; the search begins at those in `start`.
    """
    logs, point = _climb(evaluate, list(start))
    variances = determined_variances(logs, point.hessian)
    estimates = [
        None if variance is None else _estimate(at, variance)
        for at, variance in zip(logs, variances, strict=True)
    ]
    return Fit(tuple(map(exp, logs)), tuple(estimates), point.value)


def _estimate(at: float, variance: float) -> Estimate:
    reach = _NORMAL_95 * sqrt(variance)
    return Estimate(exp(at), exp(at - reach), exp(at + reach))


def _climb(evaluate: Callable[[Vector], Point], logs: Vector) -> tuple[Vector, Point]:
    point = evaluate(logs)
    for _ in range(_MOST_STEPS):
        step = _newton_step(logs, point)
        promised = sum(map(float.__mul__, point.gradient, step)) / 2
        if promised < _GAIN_TO_STOP:
            break
        climbed = _damped(evaluate, logs, point, step)
        if climbed is None:
            break
        logs, point = climbed
    return logs, point


def _damped(
    evaluate: Callable[[Vector], Point], logs: Vector, point: Point, step: Vector
) -> tuple[Vector, Point] | None:
    """Return where the likelihood is no less: after the step or a half, a quarter, ... of it.

    A step that would lead out ends at the limit: to cut it to the limit would change its direction.
    """
    share = min(1.0, _LONGEST_STEP / max(map(abs, step)))
    for at, by in zip(logs, step, strict=True):
        if abs(at + share * by) > _LIMIT:
            share = (copysign(_LIMIT, by) - at) / by
    for _ in range(_MOST_HALVINGS):
        there = [at + share * by for at, by in zip(logs, step, strict=True)]
        candidate = evaluate(there)
        if candidate.value >= point.value - _ROUNDING * abs(point.value):
            return there, candidate
        share /= 2
    return None


def _newton_step(logs: Vector, point: Point) -> Vector:
    """Return the step to the top of the parabola, made to open downwards where it does not.

    Parameters at the limit that would step over it stay where they are.
    """
    free = list(range(len(logs)))
    while True:
        inverse = inverse_made_positive([[-point.hessian[i][j] for j in free] for i in free])
        step = [0.0] * len(logs)
        for i, row in zip(free, inverse, strict=True):
            step[i] = fsum(entry * point.gradient[j] for entry, j in zip(row, free, strict=True))
        inside = [i for i in free if abs(logs[i]) < _AT_LIMIT or logs[i] * step[i] < 0]
        if inside == free:
            return step
        free = inside


def inverse_made_positive(matrix: Matrix) -> Matrix:
    """Return the inverse of a symmetric matrix, with as much added to its diagonal as it takes."""
    diagonal = [abs(row[i]) for i, row in enumerate(matrix)]
    added = 0.0
    while (inverse := _inverse_if_positive(matrix, added)) is None:
        added = max(10 * added, 1e-9 * max(diagonal), 1e-12)
    return inverse


def _inverse_if_positive(matrix: Matrix, added: float) -> Matrix | None:
    """Return the inverse, with so much added to the diagonal, if that is positive definite."""
    size = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        rows[i][i] += added
    for i, row in enumerate(rows):  # Gauss and Jordan; the pivots of a positive one are positive
        if not row[i] > _ROUNDING * abs(matrix[i][i]):
            return None
        rows[i] = pivot = [entry / row[i] for entry in row]
        for j, other in enumerate(rows):
            if i != j:
                factor = other[i]
                rows[j] = [mine - factor * its for mine, its in zip(other, pivot, strict=True)]
    return [row[size:] for row in rows]


def determined_variances(logs: Vector, hessian: Matrix) -> list[float | None]:
    """Return the variance of each logarithm, None where the data does not determine it.

    What is not determined is taken as given for the variances of the others.
    """
    block = list(range(len(logs)))
    while block:
        inverse = inverse_made_positive([[-hessian[i][j] for j in block] for i in block])
        found = {i: inverse[k][k] for k, i in enumerate(block)}
        determined = [
            i
            for i in block
            if 0 < found[i] <= LARGEST_VARIANCE and abs(logs[i]) <= FARTHEST_DETERMINED
        ]
        if determined == block:
            return [found.get(i) for i in range(len(logs))]
        block = determined
    return [None] * len(logs)
