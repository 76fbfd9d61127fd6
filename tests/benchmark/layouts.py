"""The same events in another layout or framing.

python layouts.py LAYOUT FILE OUTPUT    from JSON Lines as tests/make_log.py writes them

The seed alone decides, and events are taken one by one, so a log may be of any length. Times and
ids get another spelling: whole seconds lose their fraction, the other spellings lose nothing.
"""

import gzip
import io
import json
import random
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple, TextIO, cast
from uuid import UUID

import messy
import shapes
from messy import Event, digest, spaced

SEED = 2017


def compact(event: Event) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def escaped(event: Event) -> str:
    """As json.dumps writes it unless told otherwise: every letter beyond ASCII as \\uXXXX."""
    return json.dumps(event)


def as_it_is(event: Event) -> Event:
    return event


def reordered(event: Event) -> Event:
    return dict(sorted(event.items()))


def extended(event: Event) -> Event:
    """With a member in its midst that nobody knows."""
    first, *rest = event.items()
    return dict([first, ("session", f"{digest(event):08x}"), *rest])


def microseconds(event: Event) -> Event:
    digits = digest(event) % 1000
    return event | {"event_time": f"{event['event_time'][:-1]}{digits:03}Z"}


def whole_seconds(event: Event) -> Event:
    return event | {"event_time": event["event_time"].partition(".")[0] + "Z"}


def renamed(event: Event, name: Callable[[int], str | int]) -> Event:
    """With other ids in the place of those of 12 hexadecimal digits."""
    ids = {member: event[member] for member in ("key", "customer_id") if member in event}
    return event | {member: name(int(text, 16)) for member, text in ids.items()}


def uuids(event: Event) -> Event:
    return renamed(event, lambda number: str(UUID(int=number << 80 | number, version=4)))


def decimals(event: Event) -> Event:
    return renamed(event, str)


def integers(event: Event) -> Event:
    return renamed(event, int)


def lines(out: TextIO, texts: Iterator[str]) -> None:
    out.writelines(text + "\n" for text in texts)


def array_of_lines(out: TextIO, texts: Iterator[str]) -> None:
    array(out, texts, ("[\n", ",\n", "\n]\n"))


def array_in_one_line(out: TextIO, texts: Iterator[str]) -> None:
    """As json.dump writes it."""
    array(out, texts, ("[", ", ", "]"))


def array(out: TextIO, texts: Iterator[str], marks: tuple[str, str, str]) -> None:
    lead, between, end = marks
    out.write(lead + next(texts, ""))
    out.writelines(between + text for text in texts)
    out.write(end)


class Layout(NamedTuple):
    change: Callable[[Event], Event] = as_it_is
    spell: Callable[[Event], str] = spaced
    frame: Callable[[TextIO, Iterator[str]], None] = lines
    ending: str = ".jsonl"
    mixed: bool = False  # changed by chance, one event of two
    keeps_ids: bool = True  # and names
    keeps_events: bool = True


MESSY = {
    "optional": Layout(messy.optional),
    "shuffled": Layout(messy.shuffled),
    "nested": Layout(messy.nested),
    "ten writers": Layout(messy.of_writers),
    "5 % escapes": Layout(messy.escaped),
    "long texts": Layout(messy.commented),
}
SHAPES = {
    "half CRLF": Layout(spell=shapes.half_crlf),
    "half rejected": Layout(spell=shapes.half_rejected, keeps_events=False),
    "all rejected": Layout(spell=shapes.all_rejected, keeps_events=False),
    "pretty array": Layout(spell=shapes.pretty, frame=array_of_lines, ending=".json"),
    "nested array in one line": Layout(messy.nested, frame=array_in_one_line, ending=".json"),
    "texts beyond ASCII": Layout(shapes.accented, spell=shapes.half_in_ascii, keeps_ids=False),
    "numbers": Layout(shapes.numeric, keeps_ids=False),
}
LAYOUTS = {
    "base": Layout(),
    "array": Layout(frame=array_of_lines, ending=".json"),
    "array in one line": Layout(frame=array_in_one_line, ending=".json"),
    "gzip": Layout(ending=".jsonl.gz"),
    "compact": Layout(spell=compact),
    "reordered": Layout(reordered),
    "extra member": Layout(extended),
    "two layouts mixed": Layout(reordered, mixed=True),
    "microseconds": Layout(microseconds),
    "whole seconds": Layout(whole_seconds),
    "uuid": Layout(uuids, keeps_ids=False),
    "decimal": Layout(decimals, keeps_ids=False),
    "integer": Layout(integers, keeps_ids=False),
    "escaped": Layout(spell=escaped),
    **MESSY,
    **SHAPES,
}


def texts_of(log: TextIO, layout: Layout) -> Iterator[str]:
    dice = random.Random(SEED)
    untouched = layout.change is as_it_is and layout.spell is spaced
    for line in log:
        if untouched or (layout.mixed and dice.getrandbits(1)):
            yield line.rstrip("\n")
        else:
            yield layout.spell(layout.change(json.loads(line)))


def reemit(name: str, source: str, target: str) -> None:
    """Write the events of source to target in the layout of that name."""
    layout = LAYOUTS[name]
    with open(source, encoding="utf-8", newline="\n") as log, opened(target, layout) as out:
        layout.frame(out, texts_of(log, layout))


def opened(target: str, layout: Layout) -> TextIO:
    if layout.ending.endswith(".gz"):
        packed = cast(BinaryIO, gzip.GzipFile(target, "wb", 6, mtime=0))
        return io.TextIOWrapper(packed, encoding="utf-8", newline="\n")
    return open(target, "w", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    reemit(*sys.argv[1:4])
