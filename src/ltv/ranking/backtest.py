"""How well rankings by what was known caught what the same customers then spent (SPEC, section 10).

    backtest_of(100, period, later, began_later, [Scores("ltv", values), ...]) -> BacktestRun

Customers stand in the order of their ids, which decides ties; what a method gave them, and what
they brought later, are columns in that order. All is exact but the square root of the intervals.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from ltv.errors import LTVError
from ltv.times import DAY, date_text, day_text, time_text
from ltv.values import MICROS_PER_UNIT, counted, measured
from LTV_Calculate import Totals, rounded

if TYPE_CHECKING:
    from ltv.ranking.model import Model

#: Days that are needed before DATE, and after it.
FEWEST_DAYS = 56

_PERCENTS = (1, 5, 10, 20)  # of the customers
_TENTHS = 10
_DEVIATIONS = Fraction(196, 100)  # of a normal distribution, for 95 %

#: Curves are drawn up to this part of the customers, in so many steps.
CURVE_PERCENT = 20
_CURVE_STEPS = 40


class BacktestError(LTVError):
    """There is too little to test rankings by; its text says what there is."""


class Period(NamedTuple):
    """The days of a backtest, since 1970, and the end of the data in microseconds since 1970."""

    first_day: int  # of the data
    day: int  # the last that is known
    end: int

    @property
    def days_before(self) -> int:
        """How many days lie between the first day and the last that is known."""
        return self.day - self.first_day

    @property
    def days_after(self) -> int:
        """How many days lie between the last day that is known and that of the end."""
        return self.end // DAY - self.day

    @property
    def known_before(self) -> int:
        """The end of the last day that is known."""
        return (self.day + 1) * DAY


class BeganLater(NamedTuple):
    """The customers without an event until DATE, and what they spent, in micros."""

    customers: int
    micros: int


class Scores(NamedTuple):
    """What a method gave each customer: the greater, the better.

    `predicted` gives what it expected of some customers together, in the unit of the currency. With
    `why_not`, there are no values.
    """

    method: str
    values: Sequence[int] = ()
    half_life: Decimal | None = None  # weeks
    predicted: Callable[[Sequence[int]], Fraction] | None = None
    why_not: str | None = None


class Difference(NamedTuple):
    """Points of the share above that of simple lifetime value, with the 95 % interval."""

    value: Decimal
    low: Decimal
    high: Decimal


class Top(NamedTuple):
    """How well the first so many customers by a method did."""

    customers: int
    precision: int
    share_percent: Decimal
    best_share_percent: Decimal
    random_share_percent: Decimal
    difference: Difference | None


class Tenth(NamedTuple):
    """What a tenth of the customers was predicted to bring, and brought."""

    predicted: Decimal
    real: Decimal


class TestedMethod(NamedTuple):
    """How well a method did; `tops` is empty where `why_not` says why it could not rank."""

    method: str
    half_life_weeks: Decimal | None
    predicted_to_real: Decimal | None
    by_tenth: list[Tenth] | None
    why_not: str | None
    tops: list[Top]


class Backtest(NamedTuple):
    """The results, as they stand in JSON; money in the unit of the currency."""

    date: str
    end: str
    customers: int
    later_customers: int
    later_revenue: Decimal
    began_later: int
    revenue_of_those: Decimal
    methods: list[TestedMethod]
    verdict: str

    @property
    def tops(self) -> list[Top]:
        """The sizes, with what does not depend on the method: those of simple lifetime value."""
        return self.methods[0].tops


class Curve(NamedTuple):
    """Pairs of percent of the customers and percent of the later revenue that they brought."""

    method: str  # or `best`
    points: list[tuple[Decimal, Decimal]]


class BacktestRun(NamedTuple):
    """A backtest, what is drawn of it, and the model, if there is one."""

    backtest: Backtest
    curves: list[Curve]
    model: "Model | None" = None


def period_of(date: int, known: Totals) -> Period:
    """Return the days of a backtest of data with these totals; `date` is the begin of DATE.

    Raises BacktestError where they are too few.
    """
    period = Period(known.begin // DAY, date // DAY, known.end)
    if min(period.days_before, period.days_after) < FEWEST_DAYS:
        raise BacktestError(
            f"--backtest needs {FEWEST_DAYS} days of data before {day_text(date)} and as many "
            f"after it: the data is from {day_text(known.begin)} to {day_text(known.end)}"
        )
    return period


def best_values(later: Sequence[int], candidates: Sequence[Sequence[int]]) -> int:
    """Return which of the candidates, values of the same customers, caught most.

    That is the first with the greatest sum, over k = 1 to all, of what the first k brought later.
    """

    def caught(number: int) -> int:
        first = enumerate(_best_first(candidates[number]))
        return sum(later[customer] * (len(later) - place) for place, customer in first)

    return max(range(len(candidates)), key=caught)


def backtest_of(
    x: int, period: Period, later: Sequence[int], began_later: BeganLater, scores: Sequence[Scores]
) -> BacktestRun:
    """Return how well methods did, the first of which is simple lifetime value.

    `x` is how many customers the verdict is about, `later` what each brought later, in micros.
    Raises BacktestError where they brought nothing together.
    """
    revenue = sum(later)
    if revenue <= 0:
        raise BacktestError(
            f"nothing to test rankings by: of {counted(len(later), 'customer')} known on "
            f"{date_text(period.day)}, the later revenue is {_money(revenue)}"
        )
    counting = _Counting(x, later, _best_first(scores[0].values))
    orders = [[] if score.why_not else _best_first(score.values) for score in scores]
    methods = list(map(counting.tested, scores, orders))
    backtest = Backtest(
        date=date_text(period.day),
        end=time_text(period.end),
        customers=len(later),
        later_customers=counting.later_customers,
        later_revenue=_money(revenue),
        began_later=began_later.customers,
        revenue_of_those=_money(began_later.micros),
        methods=methods,
        verdict=_verdict(min(x, len(later)), counting, scores, orders),
    )
    drawn = [(score.method, order) for score, order in zip(scores, orders, strict=True) if order]
    curves = [Curve(name, counting.points(order)) for name, order in drawn]
    return BacktestRun(backtest, [Curve("best", counting.points(counting.best)), *curves])


def _best_first(values: Sequence[int]) -> list[int]:
    return sorted(range(len(values)), key=values.__getitem__, reverse=True)  # which is stable


class _Counting:
    """Counts what the first customers of an order caught."""

    def __init__(self, x: int, later: Sequence[int], simple: Sequence[int]) -> None:
        count = len(later)
        self._later = later
        self._revenue = sum(later)
        self._squares = sum(micros * micros for micros in later)
        self._simple = simple  # the order by simple lifetime value
        self.best = _best_first(later)
        self.later_customers = sum(micros > 0 for micros in later)
        wanted = {x, *(-(-count * percent // 100) for percent in _PERCENTS)}
        self._sizes = sorted(size for size in wanted if size <= count)

    def tested(self, score: Scores, order: Sequence[int]) -> TestedMethod:
        """Return how well a method did that gives this order, which is empty with `why_not`."""
        ratio = by_tenth = None
        if order and score.predicted:
            ratio = _shown(score.predicted(order) * MICROS_PER_UNIT / self._revenue)
            by_tenth = list(self._tenths(order, score.predicted))
        tops = list(self._tops(score, order)) if order else []
        return TestedMethod(score.method, score.half_life, ratio, by_tenth, score.why_not, tops)

    def difference(self, order: Sequence[int], size: int) -> tuple[Fraction, Fraction, Fraction]:
        """Return how much more the first caught than by simple lifetime value: value, low, high.

        As parts of the later revenue, with the 95 % interval.
        """
        mine, simple = set(order[:size]), set(self._simple[:size])
        more = [self._later[customer] for customer in mine - simple]
        less = [self._later[customer] for customer in simple - mine]
        value = Fraction(sum(more) - sum(less), self._revenue)
        more_squares = sum(micros * micros for micros in more)
        less_squares = sum(micros * micros for micros in less)
        variance = (
            (1 - value) ** 2 * more_squares
            + (1 + value) ** 2 * less_squares
            + value**2 * (self._squares - more_squares - less_squares)
        )
        spread = _DEVIATIONS * Fraction(math.sqrt(variance / self._revenue**2))
        return value, value - spread, value + spread

    def share(self, order: Sequence[int], size: int) -> Fraction:
        """Return the part of the later revenue that the first so many brought."""
        return Fraction(sum(self._later[customer] for customer in order[:size]), self._revenue)

    def points(self, order: Sequence[int]) -> list[tuple[Decimal, Decimal]]:
        """Return the curve of an order."""
        caught = list(accumulate((self._later[customer] for customer in order), initial=0))
        steps = range(_CURVE_STEPS + 1)
        percents = [Fraction(CURVE_PERCENT * step, _CURVE_STEPS) for step in steps]
        sizes = [math.ceil(len(order) * percent / 100) for percent in percents]
        return [
            (_shown(percent), _shown(Fraction(100 * caught[size], self._revenue)))
            for percent, size in zip(percents, sizes, strict=True)
        ]

    def _tops(self, score: Scores, order: Sequence[int]) -> Iterator[Top]:
        for size in self._sizes:
            most = self.best[: min(size, self.later_customers)]
            yield Top(
                size,
                len(set(most).intersection(order[:size])),
                _shown(100 * self.share(order, size)),
                _shown(100 * self.share(self.best, size)),
                _shown(Fraction(100 * size, len(order))),
                None if score.method == "ltv" else self._points_of_difference(order, size),
            )

    def _points_of_difference(self, order: Sequence[int], size: int) -> Difference:
        return Difference(*(_shown(100 * part) for part in self.difference(order, size)))

    def _tenths(
        self, order: Sequence[int], predicted: Callable[[Sequence[int]], Fraction]
    ) -> Iterator[Tenth]:
        """Yield the tenths, the bounds of which are rounded up as the sizes are."""
        bounds = [-(-len(order) * tenth // _TENTHS) for tenth in range(_TENTHS + 1)]
        for begin, end in pairwise(bounds):
            some = order[begin:end]
            real = sum(self._later[customer] for customer in some)
            yield Tenth(_shown(predicted(some)), _money(real))


def _verdict(
    size: int, counting: _Counting, scores: Sequence[Scores], orders: Sequence[Sequence[int]]
) -> str:
    """Return which method to believe for the first so many customers, in a sentence."""
    first = f"For the first {size:,}" if size > 1 else "For the first customer"
    others = [
        (counting.difference(order, size), counting.share(order, size), score)
        for score, order in zip(scores[1:], orders[1:], strict=True)
        if order
    ]
    better = [other for other in others if other[0][1] > 0]
    if better:
        (value, low, high), share, score = max(better, key=lambda other: other[1])
        return (
            f"{first}, believe {name_of(score.method, score.half_life)}: it caught "
            f"{_shown(100 * share)} % of what was spent later, {_shown(100 * value)} points more "
            f"than simple lifetime value (95 % interval {_shown(100 * low)} to "
            f"{_shown(100 * high)})."
        )
    if all(high < 0 for (_, _, high), _, _ in others):
        caught = _shown(100 * counting.share(orders[0], size))
        return (
            f"{first}, believe simple lifetime value: it caught {caught} % of what was spent "
            "later, and every other method caught less, beyond chance."
        )
    return (
        f"{first}, the data cannot tell the methods apart: none caught more than simple lifetime "
        "value beyond chance (95 %)."
    )


def name_of(method: str, half_life: Decimal | None) -> str:
    """Return what people call a method."""
    names = {"ltv": "simple lifetime value", "revenue": "revenue", "expected": "expected revenue"}
    if method in names:
        return names[method]
    fitted = "fitted " if method == "recent-fitted" else ""
    weeks = "" if half_life is None else f" of {measured(f'{half_life:f}', 'week')}"
    return f"recent revenue with a {fitted}half-life{weeks}"


def _shown(value: Fraction) -> Decimal:
    return rounded(value.numerator, value.denominator, places=2)


def _money(micros: int) -> Decimal:
    return rounded(micros, MICROS_PER_UNIT, places=2)
