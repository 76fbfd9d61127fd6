"""What rankings gave customers by what was known of them, beside what they brought later.

| | |
|---|---|
| `outcomes_of` | of some customers: a row for each, by column |
| `joined` | of all parts, in the order of the ids |
| `tested` | a D that remembers -> the model, the half-life, the values -> the backtest |

A D that remembers gives what was known before an instant, and what came later (`Remembers`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple, Protocol

from ltv.ranking.backtest import (
    BacktestRun,
    BeganLater,
    Period,
    Scores,
    backtest_of,
    best_values,
    period_of,
)
from ltv.ranking.bg_nbd import DAYS_PER_WEEK
from ltv.ranking.by import PARTS, ExpectedRevenue, RecentRevenue, Revenue, sample_of
from ltv.ranking.model import Model, TooFewRepeatersError, fit_model
from ltv.ranking.purchases import Sample
from ltv.times import DAY
from ltv.values import MICROS_PER_UNIT
from LTV_Calculate import (
    LONGEST_SPAN,
    SIMPLE,
    Bought,
    Method,
    Ranking,
    Threshold,
    Totals,
    sort_keys,
)

#: Weeks; the one that would have been best is taken.
HALF_LIVES = (2, 4, 8, 13, 26, 52)

_FEWEST_TRIAL_DAYS = 28

Known = Mapping[str, Bought]


class Past(NamedTuple):
    """What is known is what came before an instant; what came later, until another or the end.

    In microseconds since 1970.
    """

    known_before: int
    until: int | None = None

    @property
    def end(self) -> int:
        """The end of what is known."""
        return self.known_before - 1


class Remembers(Protocol):
    """A D in parts, which gives what was known of their customers at any time."""

    def totals(self) -> Totals:
        """Return what all customers add up to."""

    def past(
        self, past: Past, function: Callable[..., Any], /, *arguments: object
    ) -> Iterator[Any]:
        """Yield `function(known, later, *arguments)` of each part, which can be pickled.

        `later` maps who brought something later, also who was not known, to how much, in micros: by
        orders of which nothing was known.
        """


class Values(NamedTuple):
    """What a ranking gave customers, in parts of which 2 ** `shift` are one of the method's own."""

    values: list[int]
    shift: int

    def total(self, customers: Iterable[int]) -> int:
        """Return the sum of some, in the method's own parts."""
        return sum(self.values[customer] for customer in customers) << self.shift


class Outcomes(NamedTuple):
    """Customers by column: what they brought later, in micros, and what each ranking gave them."""

    ids: list[str]
    weeks: list[int]
    later: list[int]
    values: list[Values]
    known: int  # customers, ranked or not
    others_later: int  # what who was not known brought later


def sample_of_known(known: Known, _: Mapping[str, int], end: int) -> Sample:
    """Return what is known gives to the model; `end` is in microseconds since 1970."""
    return sample_of(known, end).pack()


def outcomes_of(
    known: Known, later: Mapping[str, int], least: Ranking, methods: Sequence[Method], end: int
) -> Outcomes:
    """Return what simple lifetime value, and then each of the methods, gave at `end`.

    `known` and `later` are as `Remembers.past` gives them; `least` says who is ranked.
    """
    keys = list(sort_keys(known, least, Threshold(end)))
    ids = [customer_id for _, customer_id, _, _ in keys]
    customers = [known[customer_id] for customer_id in ids]
    columns = [[method.value(customer)[0] for customer in customers] for method in methods]
    return Outcomes(
        ids,
        [weeks for _, _, weeks, _ in keys],
        [later.get(customer_id, 0) for customer_id in ids],
        list(map(_in_few_bits, [[-falling for falling, *_ in keys], *columns])),
        len(known),
        sum(micros for customer_id, micros in later.items() if customer_id not in known),
    )


def _in_few_bits(values: list[int]) -> Values:
    """Return the same without the zeros that all end with, which most of a float's parts are."""
    shift = min(((value & -value).bit_length() - 1 for value in values if value), default=0)
    return Values([value >> shift for value in values], shift)


def joined(parts: Iterable[Outcomes]) -> Outcomes:
    """Return the outcomes of parts that share no customer, in the order of the ids."""
    some = list(parts)
    ids = [customer_id for part in some for customer_id in part.ids]
    order = sorted(range(len(ids)), key=ids.__getitem__)

    def by_id(columns: Iterable[Sequence[Any]]) -> list[Any]:
        column = [value for part in columns for value in part]
        return [column[number] for number in order]

    values = []
    for of_parts in zip(*(part.values for part in some), strict=True):
        shift = min(each.shift for each in of_parts)
        shifted = ([value << each.shift - shift for value in each.values] for each in of_parts)
        values.append(Values(by_id(shifted), shift))
    return Outcomes(
        by_id(part.ids for part in some),
        by_id(part.weeks for part in some),
        by_id(part.later for part in some),
        values,
        sum(part.known for part in some),
        sum(part.others_later for part in some),
    )


def tested(D: Remembers, x: int, date: int, half_life: str, least: Ranking) -> BacktestRun | int:
    """Return how well each method would have done for the first `x` customers of `D`.

    `date` is the begin of DATE, `half_life` in weeks; `least` says what customers need to be
    ranked. Where none has that, returns how many were known. Raises BacktestError.
    """
    totals = D.totals()
    period = period_of(date, totals)
    past = Past(period.known_before)
    model = _model(D, past)
    methods: dict[str, Method | str] = {
        "revenue": Revenue(),
        "recent": RecentRevenue(past.end, half_life),
        "recent-fitted": _fitted(D, period),
        "expected": model if isinstance(model, str) else _expected(model, past.end, period),
    }
    had = {name: method for name, method in methods.items() if not isinstance(method, str)}
    outcomes = joined(D.past(past, outcomes_of, least, list(had.values()), past.end))
    if not outcomes.ids:
        return outcomes.known
    simple, *others = outcomes.values
    values = dict(zip(had, others, strict=True))
    by_weeks = partial(_predicted_by_weeks, values["revenue"], outcomes.weeks, period.days_after)
    scores = [Scores("ltv", simple.values, predicted=by_weeks)]
    for name, method in methods.items():
        if isinstance(method, str):
            scores.append(Scores(name, why_not=method))
        else:
            scores.append(_scores(name, method, values[name]))
    began_later = BeganLater(totals.customers - outcomes.known, outcomes.others_later)
    result = backtest_of(x, period, outcomes.later, began_later, scores)
    return result._replace(model=None if isinstance(model, str) else model)


def _scores(name: str, method: Method, values: Values) -> Scores:
    half_life = Decimal(method.half_life) if isinstance(method, RecentRevenue) else None
    predicted = partial(_predicted, values) if isinstance(method, ExpectedRevenue) else None
    return Scores(name, values.values, half_life, predicted)


def _predicted(expected: Values, customers: Iterable[int]) -> Fraction:
    """Return what the model expected of some customers, in the unit of the currency."""
    return Fraction(expected.total(customers), PARTS)


def _predicted_by_weeks(
    revenue: Values, weeks: Sequence[int], days: int, customers: Iterable[int]
) -> Fraction:
    """Return what the weekly revenue of some customers comes to in so many days."""
    by_weeks: defaultdict[int, list[int]] = defaultdict(list)
    for customer in customers:
        by_weeks[weeks[customer]].append(customer)
    weekly = sum(
        (Fraction(revenue.total(some), one) for one, some in by_weeks.items()), Fraction(0)
    )
    return weekly * days / (DAYS_PER_WEEK * MICROS_PER_UNIT)


def _model(D: Remembers, past: Past) -> Model | str:
    """Return the model of what was known, or why there is none."""
    sample = Sample()
    for part in D.past(past, sample_of_known, past.end):
        sample.join(part)
    try:
        return fit_model(sample)
    except TooFewRepeatersError as error:
        return str(error)


def _expected(model: Model, end: int, period: Period) -> ExpectedRevenue | str:
    """Return the ranking by expected revenue until the end of the data, or why there is none."""
    horizon = period.days_after / DAYS_PER_WEEK
    if horizon > LONGEST_SPAN:
        return f"more than {LONGEST_SPAN:,} weeks lie after it"
    return ExpectedRevenue(model, end, horizon)


def _fitted(D: Remembers, period: Period) -> RecentRevenue | str:
    """Return the ranking by the half-life that was best until DATE, or why there is none."""
    days = period.days_before // 3
    if days < _FEWEST_TRIAL_DAYS:
        return f"fewer than {_FEWEST_TRIAL_DAYS} days to try half-lives on: {days}"
    past = Past(period.known_before - days * DAY, until=period.known_before)
    methods = [RecentRevenue(past.end, weeks) for weeks in HALF_LIVES]
    trial = joined(D.past(past, outcomes_of, SIMPLE, methods, past.end))
    if sum(trial.later) <= 0:
        return f"no revenue in the {days} days to try half-lives on"
    best = best_values(trial.later, [each.values for each in trial.values[1:]])
    return RecentRevenue(Past(period.known_before).end, HALF_LIVES[best])
