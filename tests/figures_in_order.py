"""Figures in a form that is the same for the same customers in any order and any parts."""

from typing import Any

from ltv.report.figures import Figures


def in_order(figures: Figures) -> tuple[Any, ...]:
    habits = figures.habits
    rows: list[tuple[Any, ...]] = []
    for part, usual in zip(habits.buyers, habits.usual, strict=True):
        columns = part.ids, part.last_orders, part.orders, part.revenues, usual
        rows += zip(*columns, strict=True)
    return sorted(rows), *habits[2:], *figures[1:]
