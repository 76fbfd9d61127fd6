"""BG/NBD: likelihood and derivatives, predictions, P(alive)."""

import math
import random
from array import array
from itertools import groupby

import pytest
import slow_models

from ltv.ranking import bg_nbd
from ltv.ranking.bg_nbd import BuyingParameters, Likelihood, Predictor
from ltv.ranking.purchases import Cells

CDNOW = BuyingParameters(0.24, 4.41, 0.79, 2.43)

SOME = [  # parameters; x, recency and T in days
    (CDNOW, 0, 0, 100),
    (CDNOW, 2, 60, 100),
    (CDNOW, 7, 100, 100),
    (BuyingParameters(1.5, 3.0, 1.0, 2.0), 1, 30, 70),  # a = 1: a 0 / 0 in the closed form
    (BuyingParameters(1.5, 3.0, 0.4, 0.6), 0, 0, 70),  # a + b = 1 with x = 0: a pole there
    (BuyingParameters(1.5, 3.0, 2.0, 0.5), 0, 0, 0),
]


def cells_of(rows):
    """Of rows (x, recency, age, customers): cells of one x each."""
    return [
        Cells(x, *(array("I", column) for column in list(zip(*some, strict=True))[1:]))
        for x, some in groupby(sorted(rows), key=lambda row: row[0])
    ]


def random_rows(rng):
    rows = {(0, 0, rng.randrange(400)) for _ in range(5)}
    for _ in range(20):
        age = rng.randrange(1, 400)
        rows.add((rng.choice((1, 1, 2, 3, 9, 60)), rng.randrange(1, age + 1), age))
    return [(*row, rng.randrange(1, 4)) for row in rows]


@pytest.mark.parametrize(("parameters", "x", "recency", "age"), SOME)
def test_likelihood_is_the_integral_over_all_customers(parameters, x, recency, age):
    value = Likelihood(cells_of([(x, recency, age, 3)]))(list(map(math.log, parameters))).value
    # A customer's rate to the power of x, less the times of purchases that no parameter is in.
    expected = slow_models.likelihood(parameters, x, recency / 7, age / 7)
    assert value == pytest.approx(3 * math.log(expected), rel=1e-12)


def test_gradient_and_hessian_are_those_of_differences():
    rng = random.Random(3)
    for _ in range(5):
        likelihood = Likelihood(cells_of(random_rows(rng)))
        logs = [rng.uniform(-1, 2) for _ in range(4)]
        point = likelihood(logs)
        for i in range(4):
            ahead, back = (
                likelihood([at + (by if i == j else 0) for j, at in enumerate(logs)])
                for by in (1e-5, -1e-5)
            )
            slope = (ahead.value - back.value) / 2e-5
            assert point.gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-6)
            for j in range(4):
                curve = (ahead.gradient[j] - back.gradient[j]) / 2e-5
                assert point.hessian[i][j] == pytest.approx(curve, rel=1e-6, abs=1e-6)
                assert point.hessian[i][j] == point.hessian[j][i]


def test_cells_cut_in_pieces_give_the_same():
    rows = random_rows(random.Random(4))
    logs = [0.1, 1.0, -0.2, 0.8]
    whole = Likelihood(cells_of(rows))(logs)
    pieces = [piece for row in sorted(rows) for piece in cells_of([row])]
    for one, other in zip(whole.gradient, Likelihood(pieces)(logs).gradient, strict=True):
        assert one == pytest.approx(other, rel=1e-14)


@pytest.mark.parametrize(("parameters", "x", "recency", "age"), SOME)
def test_predictions_are_the_integral_over_all_customers(parameters, x, recency, age):
    predictor = Predictor(parameters, 39.0)
    expected = slow_models.expected_purchases(parameters, x, recency / 7, age / 7, 39.0)
    assert predictor.expected(x, recency, age) == pytest.approx(expected, rel=1e-9)
    alive = bg_nbd.alive(parameters, x, recency / 7, age / 7)
    assert alive == pytest.approx(slow_models.alive(parameters, x, recency / 7, age / 7), rel=1e-12)
    assert alive == 1 or x


def by_fine_grid(parameters, x, age, horizon):
    """The same expectation of who is alive as a sum over many p, with no series at the ends."""
    r, alpha, a, b = parameters
    mode, reach = math.log(a / (b + x)), 60 + 60 / min(a, b + x)
    some, mass = [], []
    for i in range(-20_000, 20_001):
        y = mode + reach * i / 20_000
        soft = math.log1p(math.exp(-abs(y)))
        weight = math.exp(-a * (soft + max(-y, 0)) - (b + x) * (soft + max(y, 0)) + _top(a, b + x))
        p = 1 / (1 + math.exp(-y))
        mass.append(weight)
        some.append(-weight * math.expm1(-(r + x) * math.log1p(p * horizon / (alpha + age))) / p)
    return math.fsum(some) / math.fsum(mass)


def _top(a, b):
    return -(a * math.log(a / (a + b)) + b * math.log(b / (a + b)))


@pytest.mark.parametrize(
    ("parameters", "x"),
    [
        (CDNOW, 5_000),  # scipy's 2F1 is infinite here
        (BuyingParameters(100.0, 300.0, 300.0, 500.0), 2),
        (BuyingParameters(0.01, 0.02, 0.3, 0.2), 0),
        (BuyingParameters(20.0, 9.0, 3.0, 5_000.0), 1),
    ],
)
@pytest.mark.parametrize("horizon", [0.01, 39.0, 1000.0])
def test_predictions_where_closed_forms_fail(parameters, x, horizon):
    age = 30
    predicted = Predictor(parameters, horizon).expected(x, 7 * age, 7 * age)
    alive = bg_nbd.alive(parameters, x, age, age)
    expected = by_fine_grid(parameters, x, age, horizon) * alive
    assert predicted == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("log_a", [-3.0, -8.0, -12.5])
def test_who_never_leaves_goes_on_buying(log_a):
    # a to 0 with b to infinity: a quadrature that looks for p about its mean finds no mass.
    a, b = math.exp(log_a), math.exp(-log_a)
    predicted = Predictor(BuyingParameters(0.5, 4.0, a, b), 39.0).expected(3, 70, 140)
    assert predicted == pytest.approx(3.5 * 39 / (4 + 20), rel=2 * a * 39)
    assert predicted < 3.5 * 39 / (4 + 20)


def test_who_has_left_for_certain_is_expected_to_bring_nothing():
    assert Predictor(CDNOW, 39.0).expected(5_000, 5_000, 80_000) == 0
    assert bg_nbd.alive(CDNOW, 5_000, 5_000 / 7, 80_000 / 7) == 0
