"""Functions that `math` does not have, for arguments above 0.

| | |
|---|---|
| digamma, trigamma | the first two derivatives of log-gamma |
| log_gamma_ratio(y, z) | log(gamma(y + z) / (gamma(y) gamma(z))), of large y and z too |
| softplus, sigmoid | log(1 + exp(z)) and its derivative, of any z |

By recurrence up to where the asymptotic series are good to the last digit.
Source: Abramowitz, Stegun, Handbook of Mathematical Functions, 6.1.41, 6.3.18, 6.4.12.
"""

from math import exp, lgamma, log, log1p, pi

_LARGE = 10.0  # from here on, the first term left out of each series is below 1e-15

# By rising powers of 1 / z ** 2.
_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
_TRIGAMMA = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
_LOG_GAMMA = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def digamma(z: float) -> float:
    """Return the derivative of log-gamma at `z`.

    >>> round(digamma(1.0), 12)  # less Euler's constant
    -0.577215664902
    """
    below = 0.0
    while z < _LARGE:
        below -= 1 / z
        z += 1
    return below + log(z) - 0.5 / z - _series(_DIGAMMA, z) / (z * z)


def trigamma(z: float) -> float:
    """Return the second derivative of log-gamma at `z`.

    >>> round(trigamma(1.0) - pi**2 / 6, 12)
    0.0
    """
    below = 0.0
    while z < _LARGE:
        below += 1 / (z * z)
        z += 1
    return below + (1 + (0.5 + _series(_TRIGAMMA, z) / z) / z) / z


def log_gamma_ratio(y: float, z: float) -> float:
    """Return log(gamma(y + z) / (gamma(y) gamma(z))).

    Three log-gammas of large arguments would cancel each other and leave their rounding.
    """
    powers = y * log1p(z / y) + z * log1p(y / z)
    return (
        powers
        + 0.5 * log(y / (2 * pi) * (z / (y + z)))
        + (_stirling_rest(y + z) - _stirling_rest(y) - _stirling_rest(z))
    )


def _stirling_rest(z: float) -> float:
    """Return what log-gamma is above (z - 1/2) log z - z + log(2 pi) / 2."""
    if z >= _LARGE:
        return _series(_LOG_GAMMA, z) / z
    return lgamma(z) - ((z - 0.5) * log(z) - z + 0.5 * log(2 * pi))


def _series(coefficients: tuple[float, ...], z: float) -> float:
    square, total = 1 / (z * z), 0.0
    for coefficient in reversed(coefficients):
        total = total * square + coefficient
    return total


def softplus(z: float) -> float:
    """Return log(1 + exp(z))."""
    return z + log1p(exp(-z)) if z > 0 else log1p(exp(z))


def sigmoid(z: float) -> float:
    """Return 1 / (1 + exp(-z))."""
    return 1 / (1 + exp(-z)) if z > 0 else exp(z) / (1 + exp(z))
