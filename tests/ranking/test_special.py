"""Functions that `math` does not have."""

import math
import random
from fractions import Fraction

import pytest

from ltv.ranking.special import digamma, log_gamma_ratio, sigmoid, softplus, trigamma

EULER = 0.57721566490153286


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        (1.0, -EULER),
        (0.5, -EULER - 2 * math.log(2)),
        (2.0, 1 - EULER),
        (11.0, sum(1 / k for k in range(1, 11)) - EULER),
        (1e8, math.log(1e8) - 0.5e-8),
        (1e-8, -1e8 - EULER),
    ],
)
def test_digamma(z, expected):
    assert digamma(z) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        (1.0, math.pi**2 / 6),
        (0.5, math.pi**2 / 2),
        (11.0, math.pi**2 / 6 - sum(1 / k**2 for k in range(1, 11))),
        (1e8, 1e-8 + 0.5e-16),
        (1e-8, 1e16 + math.pi**2 / 6),
    ],
)
def test_trigamma(z, expected):
    assert trigamma(z) == pytest.approx(expected, rel=1e-14)


def test_log_gamma_ratio_of_small_arguments_is_that_of_log_gammas():
    rng = random.Random(1)
    for _ in range(200):
        y, z = rng.uniform(0.01, 30), rng.uniform(0.01, 30)
        expected = math.lgamma(y + z) - math.lgamma(y) - math.lgamma(z)
        assert log_gamma_ratio(y, z) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("small", [1, 2, 7, 20])
@pytest.mark.parametrize("large", [10**3, 10**6, 10**9])
def test_log_gamma_ratio_of_large_arguments_keeps_all_digits(small, large):
    # gamma(y + n) / (gamma(y) gamma(n)), n whole: exactly a product, where log-gammas of y = 1e9
    # would have no digit after the sixth.
    product = Fraction(math.prod(range(large, large + small)), math.factorial(small - 1))
    expected = math.log(product.numerator) - math.log(product.denominator)
    assert log_gamma_ratio(large, small) == pytest.approx(expected, rel=1e-14)
    assert log_gamma_ratio(small, large) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("z", [-800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 800.0])
def test_softplus_and_sigmoid_neither_overflow_nor_lose_digits(z):
    assert softplus(z) - softplus(-z) == pytest.approx(z, rel=1e-15)
    assert sigmoid(z) + sigmoid(-z) == 1
    if abs(z) < 700:
        assert sigmoid(z) == pytest.approx(1 / (1 + math.exp(-z)), rel=1e-15)
        assert softplus(-abs(z)) == pytest.approx(math.log1p(math.exp(-abs(z))), rel=1e-15)
