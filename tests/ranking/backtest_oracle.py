"""A second, slow and plain counting of a backtest, written from SPEC.md, section 10, alone.

Everything is counted again for each figure. What the model expects of customers is given, as it has
tests of its own.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta, timezone
from fractions import Fraction
from itertools import pairwise
from typing import Any

import oracle

HALF_LIVES = (2, 4, 8, 13, 26, 52)

Events = list[oracle.Event]


def by_customer(events: Events) -> dict[str, Events]:
    found: dict[str, Events] = {}
    for event in events:
        found.setdefault(event.customer_id, []).append(event)
    return found


def until(day: date, events: Events) -> Events:
    return [event for event in events if event.time.date() <= day]


def later_revenue(events: Events, day: date, last_day: date) -> Fraction:
    """Of one customer: orders none of whose events lies at or before the end of `day`."""
    known = {event.key for event in until(day, events) if event.kind == "ORDER"}
    orders = oracle.orders_of(until(last_day, events))
    return sum((one.amount for key, one in orders.items() if key not in known), Fraction(0))


def revenue(events: Events) -> Fraction:
    return sum((one.amount for one in oracle.orders_of(events).values()), Fraction(0))


def recent(events: Events, day: date, half_life: float) -> Fraction:
    return sum(
        (
            Fraction(2.0 ** (-(day - one.time.date()).days / (7 * half_life))) * one.amount
            for one in oracle.orders_of(events).values()
        ),
        Fraction(0),
    )


def weeks(events: Events, day: date) -> int:
    end = datetime.combine(day, time(23, 59, 59), timezone.utc)  # noqa: UP017 - as plain as can be
    return int(oracle.weeks_between(min(event.time for event in events), end))


def ordered(values: dict[str, Fraction]) -> list[str]:
    return sorted(values, key=lambda name: (-values[name], name))


def fitted_half_life(events: Events, day: date) -> int | str:
    """The half-life, or a word of why there is none."""
    first_day = min(event.time.date() for event in events)
    days = (day - first_day).days // 3
    if days < 28:
        return "days"
    trial_day = day - timedelta(days=days)
    known = by_customer(until(trial_day, events))
    every = by_customer(events)
    brought = {name: later_revenue(every[name], trial_day, day) for name in known}
    if sum(brought.values()) <= 0:
        return "no revenue"
    sums = {}
    for half_life in HALF_LIVES:
        order = ordered({name: recent(known[name], trial_day, half_life) for name in known})
        sums[half_life] = sum(
            sum((brought[name] for name in order[:k]), Fraction(0))
            for k in range(1, len(order) + 1)
        )
    return min(HALF_LIVES, key=lambda half_life: (-sums[half_life], half_life))


def percent(part: Fraction, whole: Fraction) -> str:
    return str(oracle.rounded(100 * part / whole, 2))


def backtest(
    events: Events,
    x: int,
    day: date,
    *,
    half_life: float = 13,
    min_weeks: int = 0,
    min_orders: int = 0,
    expected: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Return `backtest` of the JSON, with decimals as texts, but for `why_not` and `verdict`.

    Instead of the verdict, the method that it names, or None.
    """
    every, known = by_customer(events), by_customer(until(day, events))
    last_day = max(event.time.date() for event in events)
    after = (last_day - day).days
    names = [
        name
        for name in known
        if weeks(known[name], day) >= min_weeks and len(oracle.orders_of(known[name])) >= min_orders
    ]
    later = {name: later_revenue(every[name], day, last_day) for name in names}
    total = sum(later.values(), Fraction(0))
    fitted = fitted_half_life(events, day)
    values: dict[str, dict[str, Fraction]] = {
        "ltv": {name: revenue(known[name]) / weeks(known[name], day) for name in names},
        "revenue": {name: revenue(known[name]) for name in names},
        "recent": {name: recent(known[name], day, half_life) for name in names},
        "recent-fitted": {},
        "expected": {},
    }
    if isinstance(fitted, int):
        values["recent-fitted"] = {name: recent(known[name], day, fitted) for name in names}
    if expected is not None:
        values["expected"] = {name: Fraction(expected[name]) for name in names}
    half_lives = {"recent": half_life, "recent-fitted": fitted if values["recent-fitted"] else None}
    predicted = {
        "ltv": {name: value * after / 7 for name, value in values["ltv"].items()},
        "expected": values["expected"],
    }
    sizes = {x, *(math.ceil(Fraction(len(names) * part, 100)) for part in (1, 5, 10, 20))}
    simple = ordered(values["ltv"])
    best = ordered(later)
    methods = []
    for method, of_each in values.items():
        order = ordered(of_each)
        tops = [
            top_of(method, order[:k], simple[:k], best[:k], later, total)
            for k in sorted(sizes)
            if k <= len(names) and order
        ]
        methods.append(
            {
                "method": method,
                "half_life_weeks": half_lives.get(method),
                **predictions(order, predicted.get(method), later, total),
                "tops": tops,
            }
        )
    began = [name for name in every if name not in known]
    return {
        "date": day.isoformat(),
        "end": oracle.rfc3339(max(event.time for event in events)),
        "customers": len(names),
        "later_customers": sum(value > 0 for value in later.values()),
        "later_revenue": oracle.rounded(total, 2),
        "began_later": len(began),
        "revenue_of_those": oracle.rounded(
            sum((revenue(every[name]) for name in began), Fraction(0)), 2
        ),
        "methods": methods,
        "verdict": verdict(min(x, len(names)), values, later, total),
    }


def interval(
    mine: list[str], simple: list[str], later: dict[str, Fraction], total: Fraction
) -> tuple[Fraction, float, float]:
    """The difference of the shares as a fraction, with its bounds."""
    d = (sum(later[name] for name in mine) - sum(later[name] for name in simple)) / total
    squares = Fraction(0)
    for name, y in later.items():
        z = (name in mine) - (name in simple)
        squares += (z * y - d * y) ** 2
    s = math.sqrt(squares) / total
    return Fraction(d), float(d - Fraction(1.96 * s)), float(d + Fraction(1.96 * s))


def top_of(
    method: str,
    mine: list[str],
    simple: list[str],
    best: list[str],
    later: dict[str, Fraction],
    total: Fraction,
) -> dict[str, Any]:
    difference = None
    if method != "ltv":
        parts = interval(mine, simple, later, total)
        difference = dict(
            zip(
                ("value", "low", "high"),
                (oracle.rounded(100 * Fraction(part), 2) for part in parts),
                strict=True,
            )
        )
    most = {name for name in best if later[name] > 0}
    return {
        "customers": len(mine),
        "precision": sum(name in most for name in mine),
        "share_percent": percent(sum((later[name] for name in mine), Fraction(0)), total),
        "best_share_percent": percent(sum((later[name] for name in best), Fraction(0)), total),
        "random_share_percent": percent(Fraction(len(mine)), Fraction(len(later))),
        "difference": difference,
    }


def predictions(
    order: list[str],
    predicted: dict[str, Fraction] | None,
    later: dict[str, Fraction],
    total: Fraction,
) -> dict[str, Any]:
    if not predicted:
        return {"predicted_to_real": None, "by_tenth": None}
    bounds = [math.ceil(Fraction(len(order) * tenth, 10)) for tenth in range(11)]
    return {
        "predicted_to_real": oracle.rounded(sum(predicted.values(), Fraction(0)) / total, 2),
        "by_tenth": [
            {
                name: oracle.rounded(sum((of[one] for one in order[begin:end]), Fraction(0)), 2)
                for name, of in (("predicted", predicted), ("real", later))
            }
            for begin, end in pairwise(bounds)
        ],
    }


def verdict(
    k: int, values: dict[str, dict[str, Fraction]], later: dict[str, Fraction], total: Fraction
) -> str | None:
    simple = ordered(values["ltv"])[:k]
    found = {
        method: interval(ordered(of)[:k], simple, later, total)
        for method, of in values.items()
        if of and method != "ltv"
    }
    above = [method for method, (_, low, _) in found.items() if low > 0]
    if above:
        return max(above, key=lambda method: found[method][0])
    return "ltv" if all(high < 0 for _, _, high in found.values()) else None
