"""What customers are expected to spend: both models fitted, and what of them is not to be trusted.

| found | done |
|---|---|
| fewer than 20 customers with x > 0 | TooFewRepeatersError |
| a and b, or r and alpha, are not determined | they are None; predictions stand |
| q is at or below 1 or not determined | each customer's own mean spend stands for its expectation |
| all that Gamma-Gamma takes have one mean | that is the spend |

All of it is said in the notes (SPEC, section 9).
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from ltv.errors import LTVError
from ltv.ranking.bg_nbd import (
    CELLS_AT_ONCE,
    DAYS_PER_WEEK,
    BuyingParameters,
    Likelihood,
    Predictor,
    alive,
)
from ltv.ranking.gamma_gamma import SpendingParameters, expected_spend, fit_spends, one_mean
from ltv.ranking.newton import Estimate, Fit
from ltv.ranking.purchases import Purchases, Sample
from ltv.values import MICROS_PER_UNIT, counted, shown
from LTV_Calculate import rounded_float

FEWEST_REPEATERS = 20
FEW_REPEATERS = 200

#: Of log-likelihood: what two parameters gain on data that they say nothing about.
_GAIN_BY_CHANCE = 2.0

_OUTSTANDING = 100  # times the mean number of purchase days


class TooFewRepeatersError(LTVError):
    """So few customers came back that there is no model; `repeaters` says how many."""

    def __init__(self, repeaters: int) -> None:
        super().__init__(repeaters)
        self.repeaters = repeaters

    def __str__(self) -> str:
        only = counted(self.repeaters, "customer")
        return f"only {only} came back, too few for a model; --by recent needs none"


class ShownEstimate(NamedTuple):
    """A parameter and its 95 % interval, five decimals."""

    value: Decimal
    low: Decimal
    high: Decimal


class ShownBgNbd(NamedTuple):
    """BG/NBD in the summary of a run; None is what the data does not determine."""

    r: ShownEstimate | None
    alpha: ShownEstimate | None
    a: ShownEstimate | None
    b: ShownEstimate | None
    log_likelihood: Decimal


class ShownGammaGamma(NamedTuple):
    """Gamma-Gamma in the summary of a run; None is what the data does not determine."""

    p: ShownEstimate | None
    q: ShownEstimate | None
    v: ShownEstimate | None
    log_likelihood: Decimal


class ShownModel(NamedTuple):
    """The model in the summary of a run."""

    customers: int
    repeaters: int
    bg_nbd: ShownBgNbd
    gamma_gamma: ShownGammaGamma | None
    notes: list[str]


class Model(NamedTuple):
    """Both models, fitted; `fit_model` makes it.

    `spend` says what a purchase day is expected to bring: by Gamma-Gamma, the same for all, or
    None, what those of the customer brought on average; in the unit of the currency.
    """

    customers: int  # with a purchase day
    repeaters: int
    bg_nbd: Fit
    gamma_gamma: Fit | None
    spend: SpendingParameters | float | None
    notes: list[str]

    @property
    def buying(self) -> BuyingParameters:
        """The parameters of BG/NBD, good for predictions also where they are not determined."""
        return BuyingParameters(*self.bg_nbd.parameters)

    def expected_spend(self, purchases: Purchases) -> float:
        """Return what one more purchase day is expected to bring, in the unit of the currency."""
        if isinstance(self.spend, float):
            return self.spend
        spent = purchases.micros / MICROS_PER_UNIT
        if self.spend is None:
            return spent / purchases.days
        return expected_spend(self.spend, purchases.days, spent)

    def alive(self, purchases: Purchases, end_day: int) -> float | None:
        """Return the probability that a customer still comes at the end, a day since 1970.

        None for who never came back, for whom it is 1 by definition, and where a and b are not
        determined.
        """
        if not purchases.repeats or self.bg_nbd.estimates[-1] is None:
            return None
        recency, age = (
            days / DAYS_PER_WEEK for days in (purchases.recency, purchases.age(end_day))
        )
        return alive(self.buying, purchases.repeats, recency, age)

    def shown(self) -> ShownModel:
        """Return what the summary of a run has of it."""
        return ShownModel(
            self.customers,
            self.repeaters,
            ShownBgNbd._make(_shown(self.bg_nbd)),
            self.gamma_gamma and ShownGammaGamma._make(_shown(self.gamma_gamma)),
            self.notes,
        )


class Forecast:
    """What a model expects of customers in the `horizon` weeks after `end_day`, since 1970."""

    def __init__(self, model: Model, horizon: float, end_day: int) -> None:
        self._model = model
        self._predictor = _predictor(model.buying, horizon)
        self._end_day = end_day

    def expected(self, purchases: Purchases | None) -> tuple[float, float]:
        """Return the expected purchase days and what they bring, in the unit of the currency."""
        if purchases is None:
            return 0.0, 0.0
        age = purchases.age(self._end_day)
        days = self._predictor.expected(purchases.repeats, purchases.recency, age)
        return days, days * self._model.expected_spend(purchases)


@lru_cache(maxsize=1)  # for all parts that a process has
def _predictor(parameters: BuyingParameters, horizon: float) -> Predictor:
    return Predictor(parameters, horizon)


def fit_model(sample: Sample) -> Model:
    """Return the model of all customers. Raises TooFewRepeatersError."""
    likelihood = Likelihood(sample.cells(CELLS_AT_ONCE))
    customers, repeaters = likelihood.customers, likelihood.repeaters
    if repeaters < FEWEST_REPEATERS:
        raise TooFewRepeatersError(repeaters)
    buying = likelihood.fit()
    notes = [*_notes_on_size(sample, likelihood), *_notes_on_buying(likelihood, buying)]
    del likelihood  # it takes as much memory as the sample
    r, alpha, a, b = buying.estimates
    estimates = (*_both_or_none(r, alpha), *_both_or_none(a, b))
    buying = buying._replace(estimates=estimates)
    spending, spend, note = _spending(sample)
    notes += note
    return Model(customers, repeaters, buying, spending, spend, notes)


def _both_or_none(
    one: Estimate | None, other: Estimate | None
) -> tuple[Estimate | None, Estimate | None]:
    """Return a pair of parameters that say nothing without each other."""
    return (one, other) if one and other else (None, None)


def _notes_on_size(sample: Sample, likelihood: Likelihood) -> list[str]:
    notes = []
    if likelihood.repeaters < FEW_REPEATERS:
        only = counted(likelihood.repeaters, "customer")
        notes.append(f"only {only} came back: the total may be off by a third")
    days = likelihood.customers + likelihood.all_repeats
    outstanding = [
        f"{shown(customer_id)} ({1 - falling:,} purchase days)"
        for falling, customer_id in sample.busiest
        if (1 - falling) * likelihood.customers > _OUTSTANDING * days
    ]
    if outstanding:
        named = ", ".join(outstanding)
        notes.append(
            f"more than {_OUTSTANDING} times the mean, which pulls the parameters: {named}"
        )
    return notes


def _notes_on_buying(likelihood: Likelihood, found: Fit) -> list[str]:
    parameters = BuyingParameters(*found.parameters)
    r, alpha, a, b = found.estimates
    notes = []
    if not (r and alpha):
        notes.append(
            "all customers buy at one rate, as far as the data shows"
            if parameters.r > 1
            else "the data does not tell how the rates of customers differ"
        )
    if not (a and b):
        notes.append(
            "no sign that customers leave: a, b and P(alive) are not known, predictions stand"
            if likelihood.gain_by_leaving(parameters) < _GAIN_BY_CHANCE
            else "a, b and P(alive) are not known, as far as the data shows; predictions stand"
        )
    return notes


def _spending(
    sample: Sample,
) -> tuple[Fit | None, SpendingParameters | float | None, list[str]]:
    """Return the fit of Gamma-Gamma, what a purchase day is expected to bring, and notes."""
    own = "each customer's own mean is used"
    if not sample.spends:
        return None, None, [f"no repeat purchase brought anything: {own}"]
    mean = one_mean(sample.spends)
    if mean is not None:
        spend = mean / MICROS_PER_UNIT
        text = f"{rounded_float(spend, places=2):,}"
        return None, spend, [f"all who came back spend the same on a purchase day: {text}"]
    found = fit_spends(sample.spends, MICROS_PER_UNIT)
    parameters = SpendingParameters(*found.parameters)
    p, q, v = found.estimates
    if parameters.q <= 1:
        return found, None, [f"spend is too uneven for a mean: {own}"]
    if q is None:
        return found, None, [f"the data does not tell how the spend of customers differs: {own}"]
    notes = [] if p and v else ["the spend of a customer is the same each day, as far as shown"]
    return found, parameters, notes


def _shown(found: Fit) -> Iterator[ShownEstimate | Decimal | None]:
    for estimate in found.estimates:
        yield estimate and ShownEstimate(*(rounded_float(bound, places=5) for bound in estimate))
    yield rounded_float(found.log_likelihood, places=4)
