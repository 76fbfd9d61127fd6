"""Charts as inline SVG that needs no script and no style of its own.

| | |
|---|---|
| `columns` | a column for each bin or period; where there is no data, a gap |
| `curve` | a line through points |
| `curves`, `swatch` | several of them, and a sample of one for the legend |

Places are in percent of the width, so that a chart is as wide as its page allows while its texts
keep their size. Colours are classes of the page's style (ltv.report.style).
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from html import escape
from itertools import pairwise
from typing import NamedTuple

_AXIS_HEIGHT = 24
_MOST_COLUMNS_WITH_VALUES = 8
_MOST_TICKS = 5


class Axis(NamedTuple):
    """Round ticks, the first and the last of which are the ends of the axis."""

    ticks: list[Decimal]

    def percent(self, value: Decimal) -> float:
        """Return where `value` is, in percent of the way from the one end to the other."""
        first, last = self.ticks[0], self.ticks[-1]
        return float(100 * (value - first) / (last - first))


class Column(NamedTuple):
    """A column with what is said of it; `value` is None where there is no data."""

    value: Decimal | None
    whole: str


class Caption(NamedTuple):
    """What a chart is called, by the page and by people; `told` is what it shows, in a sentence."""

    name: str
    title: str
    told: str


class Line(NamedTuple):
    """A line through points (percent, percent); `name` is a class of the style."""

    name: str
    points: Sequence[tuple[Decimal, Decimal]]


class Tick(NamedTuple):
    """A label below the left edge of column number `place`, or below the middle of it (+ 0.5).

    Where there is not room for all, those of the least rank have it; 0 is of the ends.
    """

    place: float
    label: str
    rank: int = 0


def axis_of(values: Iterable[Decimal], least_step: Decimal = Decimal(0)) -> Axis:
    """Return an axis with 0 on it, and all `values`, in steps of 1, 2 or 5 times a power of ten.

    >>> [str(tick) for tick in axis_of([Decimal(7), Decimal(-2)]).ticks]
    ['-2', '0', '2', '4', '6', '8']
    """
    known = [Decimal(0), *values]
    low, high = min(known), max(known)
    rough = max((high - low) / _MOST_TICKS, least_step) or Decimal(1)
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough)
    first = int((low / step).to_integral_value("ROUND_FLOOR"))
    last = int((high / step).to_integral_value("ROUND_CEILING"))
    return Axis([number * step for number in range(first, max(last, first + 1) + 1)])


def compact(value: Decimal) -> str:
    """Return `value` in few characters, rounded to three digits.

    >>> [compact(Decimal(text)) for text in ("0", "0.05", "950", "1500", "-2000000", "1.5E+24")]
    ['0', '0.05', '950', '1.5k', '-2M', '1.5e24']
    """
    value = Decimal(f"{value:.2e}")
    size = abs(value)
    if size >= Decimal("1e15"):
        return f"{_plain(value.scaleb(-value.adjusted()))}e{value.adjusted()}"
    for limit, suffix in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if size >= limit:
            return _plain(value / limit) + suffix
    return _plain(value)


def _plain(value: Decimal) -> str:
    text = f"{value:.3g}" if value else "0"
    text = format(Decimal(text), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _svg(caption: Caption, height: int, parts: Iterable[str]) -> str:
    name, title, told = caption
    return (
        f'<svg class="chart {name}" width="100%" height="{height}" role="img" '
        f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(told)}</desc>{"".join(parts)}</svg>'
    )


def _text(x: str, y: float, text: str, name: str = "") -> str:
    attributes = f' class="{name}"' if name else ""
    return f'<text x="{x}" y="{_number(y)}"{attributes}>{escape(text)}</text>'


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _line(x1: str, y1: float, x2: str, y2: float, name: str) -> str:
    return f'<line class="{name}" x1="{x1}" y1="{_number(y1)}" x2="{x2}" y2="{_number(y2)}"/>'


def columns(
    caption: Caption,
    items: Sequence[Column],
    ticks: Sequence[Tick],
    *,
    height: int = 180,
    least_step: Decimal = Decimal(0),
) -> str:
    """Return columns side by side, with their axis to the left as a picture of its own."""
    values = [item.value for item in items if item.value is not None]
    axis = axis_of(values, least_step)
    step = 100 / len(items)
    width = step * (0.86 if len(items) <= 3 * _MOST_COLUMNS_WITH_VALUES else 0.74)
    with_values = len(items) <= _MOST_COLUMNS_WITH_VALUES

    def parts() -> Iterator[str]:
        yield from _grid(axis, height)
        for number, item in enumerate(items):
            left = number * step + (step - width) / 2
            yield f"<g><title>{escape(item.whole)}</title>"
            if item.value is None:
                yield _rect("gap", number * step, _TOP, step, height)
            else:
                # A wide target for the pointer, and a stub, so that a zero is seen to be one.
                yield _rect("target", number * step, _TOP, step, height)
                top, bottom = sorted((_y(axis, height, item.value), _y(axis, height)))
                yield _rect("bar", left, min(top, bottom - 1), width, max(bottom - top, 1))
                if with_values and item.value:
                    middle = f"{_number(left + width / 2)}%"
                    yield _text(middle, top - 5, compact(item.value), "over")
            yield "</g>"
        yield from _labels(ticks, step, height)

    body = _svg(caption, _TOP + height + _AXIS_HEIGHT, parts())
    return f'<div class="plot">{_axis_labels(axis, height)}{body}</div>'


#: Pixels that a chart has at least, by the class of what narrower pages do not show: on a phone,
#: on a tablet or paper, and elsewhere.
_WIDTHS = {"": 280, "wide": 600, "wider": 900}
_CHARACTER = 6.7  # pixels of width of a label, for each
_ROOM = 6  # pixels between two labels
_TOP = 18  # for the text over the highest column


def _rect(name: str, left: float, top: float, width: float, height: float) -> str:
    return (
        f'<rect class="{name}" x="{_number(left)}%" y="{_number(top)}" '
        f'width="{_number(width)}%" height="{_number(height)}"/>'
    )


def _y(axis: Axis, height: int, value: Decimal = Decimal(0)) -> float:
    return _TOP + (100 - axis.percent(value)) * height / 100


def _grid(axis: Axis, height: int) -> Iterator[str]:
    for tick in axis.ticks:
        y = _y(axis, height, tick)
        yield _line("0", y, "100%", y, "zero" if tick == 0 else "grid")


def _labels(ticks: Sequence[Tick], step: float, height: int) -> Iterator[str]:
    """Yield the labels that have room on a phone, and those that the style shows elsewhere."""
    base = _TOP + height
    for tick in ticks:
        place = f"{_number(tick.place * step)}%"
        yield _line(place, base, place, base + 5, "zero")
    labels = [_Label(tick.place * step, tick) for tick in ticks]
    shown: list[_Label] = []
    for name, width in _WIDTHS.items():
        before = len(shown)
        _add_fitting(shown, labels, width)
        for label in shown[before:]:
            text_class = " ".join(filter(None, ("tick", label.side, name)))
            yield _text(f"{_number(label.percent)}%", base + 19, label.tick.label, text_class)


class _Label(NamedTuple):
    """A label that does not reach beyond the ends of the axis."""

    percent: float
    tick: Tick

    @property
    def width(self) -> float:
        return len(self.tick.label) * _CHARACTER

    @property
    def side(self) -> str:
        """Return on which side of its place it stands: a class of the style."""
        room = self.width / 2 * 100 / _WIDTHS[""]
        return "first" if self.percent < room else "last" if self.percent > 100 - room else ""

    def begin(self, width: int) -> float:
        """Return where it begins in a chart of this width."""
        return self.percent * width / 100 - self.width * {"first": 0, "": 0.5, "last": 1}[self.side]


def _add_fitting(shown: list[_Label], labels: Sequence[_Label], width: int) -> None:
    """Add to `shown` the labels that have room beside these in a chart of this width.

    The ends come first. A rank is labelled as a whole, but for what has no room beside the ends; of
    the roundest, where there are too many, every second, fourth, ...
    """

    def fits(some: Sequence[_Label]) -> bool:
        spans = sorted((label.begin(width), label.width) for label in some)
        return all(begin + long + _ROOM <= after for (begin, long), (after, _) in pairwise(spans))

    for label in labels:
        if label.tick.rank == 0 and fits([*shown, label]):
            shown.append(label)
    ends = [label for label in shown if label.tick.rank == 0]
    for rank in sorted({label.tick.rank for label in labels} - {0}):
        of_rank = [label for label in labels if label.tick.rank == rank]
        thinned = (of_rank[:: 2**power] for power in range(len(of_rank) if rank == 1 else 1))
        news = (
            [label for label in some if label not in shown and fits([label, *ends])]
            for some in thinned
        )
        chosen = next((each for each in news if fits([*shown, *each])), None)
        if chosen is None:
            return
        shown += chosen


def _axis_labels(axis: Axis, height: int, unit: str = "") -> str:
    texts = (_text("100%", _y(axis, height, tick) + 4, compact(tick) + unit) for tick in axis.ticks)
    return (
        f'<svg class="axis" height="{_TOP + height + _AXIS_HEIGHT}" aria-hidden="true">'
        f"{''.join(texts)}</svg>"
    )


def curve(
    caption: Caption,
    points: Sequence[tuple[int, Decimal]],
    marked: Sequence[int],
) -> str:
    """Return a line through points (percent, percent), some marked, beside that of equal shares."""
    height = 260
    axis = axis_of([Decimal(100), *(value for _, value in points)])

    def parts() -> Iterator[str]:
        yield from _grid(axis, height)
        path = " ".join(f"{x},{_number(100 - axis.percent(value))}" for x, value in points)
        yield _line("0", _y(axis, height), "100%", _y(axis, height, Decimal(100)), "equal")
        yield (
            f'<svg y="{_TOP}" width="100%" height="{height}" viewBox="0 0 100 100" '
            f'preserveAspectRatio="none"><polyline class="line" points="{path}"/></svg>'
        )
        for x, value in points:
            if x in marked:
                y = _number(_y(axis, height, value))
                yield f'<circle class="dot" cx="{x}%" cy="{y}" r="4.5">'
                yield f"<title>best {x} %: {_number(float(value))} % of revenue</title></circle>"
        for x in (0, 20, 40, 60, 80, 100):
            side = "last" if x == 100 else "first" if x == 0 else ""  # noqa: PLR2004 - percent
            yield _text(f"{x}%", _TOP + height + 19, f"{x} %", f"tick {side}".strip())

    body = _svg(caption, _TOP + height + _AXIS_HEIGHT, parts())
    return f'<div class="plot">{_axis_labels(axis, height, " %")}{body}</div>'


def curves(caption: Caption, lines: Sequence[Line]) -> str:
    """Return lines of points at the same places, of which the first is 0, one over the other."""
    height = 320
    axis = axis_of(value for line in lines for _, value in line.points)
    places = axis_of(x for x, _ in lines[0].points)

    def parts() -> Iterator[str]:
        yield from _grid(axis, height)
        yield (
            f'<svg y="{_TOP}" width="100%" height="{height}" viewBox="0 0 100 100" '
            'preserveAspectRatio="none">'
        )
        for name, points in lines:
            path = " ".join(
                f"{_number(places.percent(x))},{_number(100 - axis.percent(value))}"
                for x, value in points
            )
            yield f'<polyline class="line {name}" points="{path}"/>'
        yield "</svg>"
        for x in places.ticks:
            side = "last" if x == places.ticks[-1] else "first" if x == places.ticks[0] else ""
            place = f"{_number(places.percent(x))}%"
            yield _text(place, _TOP + height + 19, f"{x:f} %", f"tick {side}".strip())

    body = _svg(caption, _TOP + height + _AXIS_HEIGHT, parts())
    return f'<div class="plot">{_axis_labels(axis, height, " %")}{body}</div>'


def swatch(name: str) -> str:
    """Return a short piece of a line of `curves`."""
    return (
        '<svg class="swatch" width="28" height="10" aria-hidden="true">'
        f'<polyline class="line {name}" points="0,5 28,5"/></svg>'
    )
