"""Gamma-Gamma: likelihood and derivatives, expected spend."""

import math
import random
from array import array

import pytest
import slow_models

from ltv.ranking.gamma_gamma import (
    Likelihood,
    SpendingParameters,
    expected_spend,
    fit_spends,
    one_mean,
)

CDNOW = SpendingParameters(6.25, 3.74, 15.44)


def spends_of(pairs):
    made: dict[int, array[float]] = {}
    for x, spend in pairs:
        made.setdefault(x, array("d")).append(spend)
    return made


def random_spends(rng, customers):
    pairs = []
    for _ in range(customers):
        x, rate = rng.choice((1, 1, 2, 5, 40)), rng.gammavariate(3, 1 / 20)
        pairs.append((x, rng.gammavariate(4 * x, 1 / rate)))
    return spends_of(pairs)


@pytest.mark.parametrize(("x", "spend"), [(1, 8.0), (2, 100.0), (9, 900.0)])
def test_likelihood_is_the_integral_over_all_customers(x, spend):
    value = Likelihood(spends_of([(x, spend)]), 1.0)(list(map(math.log, CDNOW))).value
    expected = math.log(slow_models.spend_density(CDNOW, x, spend / x) * spend / x)
    assert value == pytest.approx(expected, rel=1e-11)


def test_gradient_and_hessian_are_those_of_differences():
    rng = random.Random(3)
    likelihood = Likelihood(random_spends(rng, 40), 30.0)
    for _ in range(5):
        logs = [rng.uniform(-1, 2) for _ in range(3)]
        point = likelihood(logs)
        for i in range(3):
            ahead, back = (
                likelihood([at + (by if i == j else 0) for j, at in enumerate(logs)])
                for by in (1e-5, -1e-5)
            )
            slope = (ahead.value - back.value) / 2e-5
            assert point.gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-5)
            for j in range(3):
                curve = (ahead.gradient[j] - back.gradient[j]) / 2e-5
                assert point.hessian[i][j] == pytest.approx(curve, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize(("days", "spend"), [(1, 0.0), (1, 8.0), (3, 100.0)])
def test_expected_spend_is_the_mean_over_all_customers(days, spend):
    expected = slow_models.expected_spend(CDNOW, days, spend)
    assert expected_spend(CDNOW, days, spend) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e9])
def test_the_unit_of_money_changes_v_alone(factor):
    spends = random_spends(random.Random(5), 300)
    scaled = {x: array("d", (factor * spend for spend in some)) for x, some in spends.items()}
    one, other = fit_spends(spends, 1.0), fit_spends(scaled, 1.0)
    assert other.parameters[:2] == pytest.approx(one.parameters[:2], rel=1e-9)
    assert other.parameters[2] == pytest.approx(factor * one.parameters[2], rel=1e-9)
    assert one.estimates[2]
    assert other.estimates[2] == pytest.approx([factor * x for x in one.estimates[2]], rel=1e-9)
    assert fit_spends(scaled, factor).parameters == pytest.approx(one.parameters, rel=1e-9)
    log_density = one.log_likelihood - 300 * math.log(factor)
    assert other.log_likelihood == pytest.approx(log_density, rel=1e-12)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(1, 7.0)], 7.0),
        ([(1, 0.1e6), (3, 0.3e6), (7, 0.7e6)], 0.1e6),
        ([(1, 7.0), (2, 14.0), (2, 14.1)], None),
        ([(1, 7.0), (2, 7.0)], None),
    ],
)
def test_one_mean(pairs, expected):
    assert one_mean(spends_of(pairs)) == expected
