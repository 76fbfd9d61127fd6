"""Shops whose customers behave as the models say, with parameters that are known.

python tests/ranking/simulated_shops.py [SHOPS]      how often each parameter is in its interval

By hand, of 100 shops (the default): each in 90 to 99 of them. The tests take five.
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ltv.ranking.by import sample_of
from ltv.ranking.model import Model, fit_model
from ltv.ranking.newton import Estimate
from ltv.times import DAY, pack
from LTV_Calculate import end_of_data
from LTV_Classes import Customer

# So few purchases that hardly any two of a customer are on one day: 12 weeks between two.
TRUE = {"r": 0.9, "alpha": 11.0, "a": 0.8, "b": 2.4, "p": 4.0, "q": 3.5, "v": 20.0}
FIRST_DAY, DAYS = 15_000, 1_400
CUSTOMERS = 1_000


def rate(rng: random.Random) -> float:
    """Purchases a week of one customer."""
    return rng.gammavariate(TRUE["r"], 1 / TRUE["alpha"])


def leaving(rng: random.Random) -> float:
    """With what probability one customer leaves after a repeat purchase."""
    return rng.betavariate(TRUE["a"], TRUE["b"])


def spending(rng: random.Random) -> Callable[[], float]:
    """What gives the amounts of one customer."""
    scale = 1 / rng.gammavariate(TRUE["q"], 1 / TRUE["v"])
    return lambda: rng.gammavariate(TRUE["p"], scale)


def purchase_days(rng: random.Random, rate: float, leaving: float) -> list[float]:
    """The days on which one customer buys; the first is in the first year."""
    days = [rng.uniform(0, 365)]
    while (day := days[-1] + 7 * rng.expovariate(rate)) < DAYS:
        days.append(day)
        if rng.random() < leaving:
            break
    return days


def shop(
    seed: int,
    customers: int = CUSTOMERS,
    *,
    rate: Callable[[random.Random], float] = rate,
    leaving: Callable[[random.Random], float] = leaving,
    spending: Callable[[random.Random], Callable[[], float]] = spending,
) -> dict[str, Customer]:
    """A shop as a D; its data ends with the visit of somebody who never buys."""
    rng = random.Random(seed)
    visitor = Customer("visitor")
    visitor.see(pack((FIRST_DAY + DAYS) * DAY))
    D = {"visitor": visitor}
    for number in range(customers):
        D[f"c{number}"] = customer = Customer(f"c{number}")
        spend = spending(rng)
        for order, day in enumerate(purchase_days(rng, rate(rng), leaving(rng))):
            time = pack(int((FIRST_DAY + day) * DAY))
            customer.see(time)
            customer.add_order(f"o{order}", time, False, round(100 * spend()) * 10_000)
    return D


def model_of(D: dict[str, Customer]) -> Model:
    return fit_model(sample_of(D, end_of_data(D)))


def estimates_of(model: Model) -> dict[str, Estimate | None]:
    assert model.gamma_gamma is not None
    return dict(zip(TRUE, model.bg_nbd.estimates + model.gamma_gamma.estimates, strict=True))


def in_their_intervals(seed: int) -> dict[str, bool]:
    """Of each parameter whether its interval has the true value."""
    estimates = estimates_of(model_of(shop(seed)))
    return {
        name: estimate is not None and estimate.low <= TRUE[name] <= estimate.high
        for name, estimate in estimates.items()
    }


def main() -> None:
    shops = int(sys.argv[1]) if sys.argv[1:] else 100
    found = [in_their_intervals(seed) for seed in range(shops)]
    for name in TRUE:
        print(f"{name}: in {sum(one[name] for one in found)} of {shops}")


if __name__ == "__main__":
    main()
