"""A seeded generator of a made-up event log of a photo-gift shop.

It makes the sample log of this project and the logs of the benchmarks. The seed alone decides:
the same arguments give the same bytes on every machine. Nothing is kept but the last few
thousand orders and a shuffling buffer, so a log may be of any length.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import json
import random
import sys
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from typing import TextIO

YEAR_MS = 365 * 86_400_000
DAYS = [f"{date(2017, 1, 1) + timedelta(day)}T" for day in range(365)]
SECONDS = [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}." for s in range(86_400)]

NEVER_SIGNS_UP = 97  # every 97th customer has no CUSTOMER event
NEVER_VISITS = 89  # every 89th customer orders, but is never seen on the site
BUFFER = 256  # events that wait for their turn: how far out of order the log is
RECENT = 2048  # orders that may still be updated
MASK = (1 << 48) - 1

NAMES = (  # 64 of them
    "Smith,Johnson,Williams,Brown,Jones,Garcia,Miller,Davis,Martinez,Wilson,Anderson,Taylor,"
    "Moore,Jackson,Lee,White,Harris,Clark,Robinson,Walker,King,O'Brien,McDonald,van der Berg,"
    "Müller,Schröder,Weiß,Nguyễn,Trần,Phạm,Łukasiewicz,Wójcik,Kowalski,佐藤,鈴木,王,李,김,"
    "Иванова,Петренко,Παπαδόπουλος,Yılmaz,Öztürk,Nuñez,Muñoz,García Márquez,Gonçalves,da Silva,"
    "Côté,Lefèvre,D'Angelo,Rossi,Bjørnsen,Ångström,Lindqvist,Dvořák,Horváth,Popescu,Patel,"
    "Krishnamurthy,Okonkwo,Al-Masri,כהן,Featherstonehaugh-Cholmondeley"
)
CITIES = (  # 32 of them
    "New York/NY,Los Angeles/CA,Chicago/IL,Houston/TX,Phoenix/AZ,Philadelphia/PA,San Diego/CA,"
    "Dallas/TX,Austin/TX,Columbus/OH,Charlotte/NC,Seattle/WA,Denver/CO,Boston/MA,Nashville/TN,"
    "Portland/OR,Portland/ME,Las Vegas/NV,Detroit/MI,Memphis/TN,Albuquerque/NM,Atlanta/GA,"
    "Omaha/NE,Miami/FL,Minneapolis/MN,Cañon City/CO,Coeur d'Alene/ID,St. Louis/MO,Honolulu/HI,"
    "Anchorage/AK,Burlington/VT,Middletown/CT"
)
CAMERAS = (  # 16 of them; the last one does not tell
    "Canon/EOS 80D,Canon/EOS 5D Mark III,Canon/PowerShot SX620 HS,Nikon/D3400,Nikon/D750,"
    "NIKON CORPORATION/NIKON D90,SONY/ILCE-6000,Sony/DSC-RX100M3,FUJIFILM/X-T2,Panasonic/DMC-FZ300,"
    "OLYMPUS/E-M10 Mark II,Apple/iPhone 6s,Apple/iPhone 7 Plus,samsung/SM-G930F,Google/Pixel,"
)
TAGS = [
    [],
    [{"device": "phone"}],
    [{"device": "tablet"}],
    [{"campaign": "mothers-day"}],
    [{"campaign": "holiday cards"}, {"device": "desktop"}],
    [{"referrer": "newsletter"}],
    [{"coupon": "PRINTS40"}],
    [{"product": "photo book"}, {"size": "8×8"}],
]


def _text(kind: str, key: str | int, time: str, who: str | int | None = None, **rest: str) -> str:
    """One event as JSON, its members in the usual order; kind is "TYPE VERB"."""
    name, verb = kind.split()
    event: dict[str, object] = {"type": name, "verb": verb, "key": key, "event_time": time}
    if who is not None:
        event["customer_id"] = who
    return json.dumps(event | rest, ensure_ascii=False)


# What goes wrong in logs: the reason each is to be rejected for, and the event.
GOOD = _text(
    "ORDER NEW",
    "0dd0bad0feed",
    "2017-06-08T10:00:00.000Z",
    "badbadbadbad",
    total_amount="12.34 USD",
)
BAD: tuple[tuple[str, str], ...] = (
    ("not-json", GOOD[:97]),  # cut off in the time
    ("bad-amount", GOOD.replace("12.34", "12,34")),
    ("missing", GOOD.replace('"type": "ORDER", ', "")),
    ("bad-time", GOOD.replace("06-08", "02-30")),
    ("not-an-object", '"-- log rotated --"'),
    ("other-currency", GOOD.replace("12.34 USD", "10.00 EUR")),
    ("missing", GOOD.replace('"key": "0dd0bad0feed", ', "")),
    ("unknown-type", GOOD.replace("ORDER", "WISHLIST")),
    ("bad-amount", GOOD.replace('"12.34 USD"', "NaN")),
    ("unknown-verb", GOOD.replace("ORDER", "IMAGE")),
    ("bad-id", GOOD.replace("0dd0bad0feed", "")),
    ("missing", GOOD.replace('"badbadbadbad"', "null")),
    ("bad-time", GOOD.replace("T10", "T24")),
    ("bad-amount", GOOD.replace('"12.34 USD"', "1e3")),
    ("bad-id", GOOD.replace('"badbadbadbad"', "12.5")),
    ("missing", GOOD.replace(', "total_amount": "12.34 USD"', "")),
    ("unknown-type", GOOD.replace("ORDER", "order")),
)

LONG_ID = "c0ffee5eed0123456789abcdef2017ab"
SHOWCASE: tuple[str, ...] = (
    # The last moment of one week and the first of the next: one week more, the same revenue.
    _text("ORDER NEW", "edge-1", "2017-01-01T23:59:59.999Z", "sunday", total_amount="212.00 USD"),
    _text("CUSTOMER NEW", "sunday", "2017-01-02T08:00:00.000Z", last_name="Sontag"),
    _text("SITE_VISIT NEW", "home", "2017-01-09T08:00:00.000Z", "sunday"),
    _text("CUSTOMER NEW", "monday", "2017-01-02T00:00:00Z", last_name="Lundi"),
    _text("ORDER NEW", "edge-2", "2017-01-02T00:00:00Z", "monday", total_amount="212.00 USD"),
    _text("SITE_VISIT NEW", "home", "2017-01-09T08:00:00.000Z", "monday"),
    # Monday 00:30 two hours east of Greenwich is still Sunday in UTC.
    _text("SITE_VISIT NEW", "home", "2017-01-09T00:30:00.000+02:00", "offset"),
    _text("CUSTOMER NEW", "offset", "2017-01-09:07:00:00.000Z", last_name="Østergård"),
    _text("ORDER NEW", "east-1", "2017-01-09T07:05:00.000Z", "offset", total_amount="$208.00"),
    # A tie: 256.00 in the same weeks. At the same moment an UPDATE beats the NEW.
    _text("CUSTOMER NEW", "tie-a", "2017-03-01T09:00:00.000Z", last_name="Castor"),
    _text("ORDER NEW", "tie-1", "2017-03-02T09:00:00.000Z", "tie-a", total_amount="280.00 USD"),
    _text("ORDER UPDATE", "tie-1", "2017-03-02T09:00:00.000Z", "tie-a", total_amount="256.00 USD"),
    _text("CUSTOMER NEW", "tie-b", "2017-03-03T18:00:00.000Z", last_name="Pollux"),
    _text("ORDER NEW", "tie-2", "2017-03-03T18:05:00.000Z", "tie-b", total_amount="127.99 USD"),
    _text("ORDER NEW", "tie-3", "2017-05-10T12:00:00.000Z", "tie-b", total_amount="USD 128.01"),
    # No CUSTOMER event, no visit, a large order.
    _text("ORDER NEW", "bulk-1", "2017-02-14T11:11:11.111Z", "guest", total_amount="1,250.00 USD"),
    # A long id and a long name.
    _text(
        "CUSTOMER NEW",
        LONG_ID,
        "2017-02-20T15:00:00.000Z",
        last_name="Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh",
        adr_state="PA",
    ),
    _text("ORDER NEW", "long-1", "2017-04-20T15:30:00.000Z", LONG_ID, total_amount="640.00 USD"),
    # 7 and "7" are one customer.
    _text("CUSTOMER NEW", 7, "2017-06-05T12:00:00.000Z", last_name="Siebert"),
    _text("ORDER NEW", 70, "2017-06-06T12:00:00.000Z", 7, total_amount="164.00 USD"),
    _text("ORDER UPDATE", "70", "2017-06-07T12:00:00.000Z", "7", total_amount="168.00 USD"),
)


def _members(**members: object) -> str:
    """Members to append to an event that is being written."""
    return ", " + json.dumps(members, ensure_ascii=False)[1:-1]


NAME_TEXTS = [_members(last_name=name) for name in NAMES.split(",")]
CITY_TEXTS = [
    _members(adr_city=city, adr_state=state)
    for city, _, state in (place.partition("/") for place in CITIES.split(","))
]
CAMERA_TEXTS = [
    _members(camera_make=make, camera_model=model) if make else ""
    for make, _, model in (camera.partition("/") for camera in CAMERAS.split(","))
]
TAG_TEXTS = [_members(tags=tags) for tags in TAGS] + [""] * 56


def mixed(number: int, salt: int) -> int:
    """Another number for each number below 2**48, with no order to be seen in them."""
    number = (number * 0x9E3779B97F4B + salt) & MASK
    number = ((number ^ number >> 23) * 0xD6E8FEB86659) & MASK
    return number ^ number >> 25


def clock(ms: int) -> str:
    """The text of a moment, in milliseconds since the year began."""
    second, ms = divmod(ms, 1000)
    day, second = divmod(second, 86_400)
    return f"{DAYS[day]}{SECONDS[second]}{ms:03}Z"


def amounts(rng: random.Random) -> list[str]:
    """8192 amounts as JSON: prints to photo books, some spelt otherwise, bulk or paid back."""
    found = []
    for number in range(8192):
        price = f"{min(max(rng.lognormvariate(3.3, 0.75), 5.0), 250.0):.2f}"
        odd = {
            0: f'"${price}"',
            1: f'"USD {price}"',
            2: price,
            3: f'"-{price} USD"',
            4: f'"{rng.randrange(100_000, 240_000) / 100:,.2f} USD"',
        }
        found.append(odd.get(number % 256, f'"{price} USD"'))
    return found


def places(many: int, total: int, rng: random.Random, first: int = 0) -> Iterator[int]:
    """That many rising places below total, 3 apart or more, spread from first on."""
    width = (total - first) // many if many else 0
    for number in range(many):
        yield first + number * width + rng.randrange(width - 2)


class Shop:
    """What happens in the shop, event by event, in the order of time."""

    def __init__(self, customers: int, seed: int, heavy_tail: bool) -> None:
        rng = random.Random(seed)
        self.customers = customers
        self.heavy_tail = heavy_tail
        self.random, self.bits = rng.random, rng.getrandbits
        self.salt = self.bits(48)
        self.amounts = amounts(rng)
        self.pages = [f"{self.bits(48):012x}" for _ in range(256)]
        self.joined = 0
        self.serial = 0  # of images and orders
        self.recent: list[tuple[str, str]] = []

    def events(self, count: int) -> Iterator[str]:
        """That many events: about 5 % customers, 60 % visits, 8 % images, 27 % orders."""
        updates = max(0.005, 0.05 - self.customers / count) if count else 0
        rest = 0.95 + updates
        visit, image, order = 0.60 / rest, 0.68 / rest, 0.95 / rest
        step = YEAR_MS / max(count, 1)
        joins_at = 0.0
        for place in range(count):
            time = clock(int((place + self.random()) * step))
            number = self.pick()
            if place >= joins_at and self.joined < self.customers:
                number = self.joined
                self.joined += 1  # quickly at first, so that none is much busier than the rest
                joins_at = count * 0.97 * (self.joined / self.customers) ** 2
                if number % NEVER_SIGNS_UP != 50:
                    yield self.sign_up(number, time)
                    continue
            chance = self.random()
            if chance < visit:
                yield self.visit(number, time)
            elif chance < image:
                yield self.image(number, time)
            elif chance < order or number % NEVER_SIGNS_UP == 50:
                yield self.order(number, time)
            else:
                yield self.update(number, time)

    def pick(self) -> int:
        """One of the customers that have joined."""
        if self.heavy_tail:
            return max(int(self.joined ** self.random()) - 1, 0)  # the n-th as often as 1 / n
        return int(self.random() * self.joined)

    def sign_up(self, number: int, time: str) -> str:
        """A customer opens an account."""
        who = mixed(number, self.salt)
        return (
            f'{{"type": "CUSTOMER", "verb": "NEW", "key": "{who:012x}", "event_time": "{time}"'
            f"{NAME_TEXTS[who & 63]}{CITY_TEXTS[who >> 8 & 31]}}}"
        )

    def update(self, number: int, time: str) -> str:
        """A customer moves house, or changes the name."""
        news = NAME_TEXTS[self.bits(6)] if self.bits(2) == 0 else CITY_TEXTS[self.bits(5)]
        who = f"{mixed(number, self.salt):012x}"
        return (
            f'{{"type": "CUSTOMER", "verb": "UPDATE", "key": "{who}", "event_time": "{time}"'
            f"{news}}}"
        )

    def visit(self, number: int, time: str) -> str:
        """A visit, now and then of someone who is going to sign up later."""
        dice = self.bits(20)
        if dice >> 14 == 0:
            soon = self.joined + int(self.random() * (self.customers // 40 + 1))
            number = soon if soon < self.customers else number
        if number % NEVER_VISITS == 40:
            return self.image(number, time)
        return (
            f'{{"type": "SITE_VISIT", "verb": "NEW", "key": "{self.pages[dice & 255]}", '
            f'"event_time": "{time}", "customer_id": "{mixed(number, self.salt):012x}"'
            f"{TAG_TEXTS[dice >> 8 & 63]}}}"
        )

    def image(self, number: int, time: str) -> str:
        """A customer uploads an image."""
        self.serial += 1
        return (
            f'{{"type": "IMAGE", "verb": "UPLOAD", "key": "{mixed(self.serial, ~self.salt):012x}", '
            f'"event_time": "{time}", "customer_id": "{mixed(number, self.salt):012x}"'
            f"{CAMERA_TEXTS[self.bits(4)]}}}"
        )

    def order(self, number: int, time: str) -> str:
        """A new order, or one time in 16 another amount for a recent one."""
        dice = self.bits(28)
        if dice >> 24 == 0 and self.recent:
            verb = "UPDATE"
            key, who = self.recent[int(self.random() * len(self.recent))]
        else:
            verb = "NEW"
            self.serial += 1
            key, who = f"{mixed(self.serial, ~self.salt):012x}", f"{mixed(number, self.salt):012x}"
            if len(self.recent) < RECENT:
                self.recent.append((key, who))
            else:
                self.recent[dice >> 13 & RECENT - 1] = key, who
        return (
            f'{{"type": "ORDER", "verb": "{verb}", "key": "{key}", "event_time": "{time}", '
            f'"customer_id": "{who}", "total_amount": {self.amounts[dice & 8191]}}}'
        )


def shuffled(stream: Iterator[str], count: int, twins: int, rng: random.Random) -> Iterator[str]:
    """The count events of the stream a little out of order, with so many of them twice."""
    waiting = list(islice(stream, BUFFER))
    again = places(twins, count - len(waiting), rng)
    twin = next(again, -1)
    for place, text in enumerate(stream):
        index = rng.getrandbits(8)
        yield waiting[index]
        if place == twin:
            yield waiting[rng.getrandbits(8)]  # which also stays, or has just gone out
            twin = next(again, -1)
        waiting[index] = text
    rng.shuffle(waiting)
    yield from waiting


def woven(stream: Iterator[str], specials: Iterable[tuple[int, str]]) -> Iterator[str]:
    """The stream with special events put in at their (rising) places."""
    done = 0
    for place, text in specials:
        yield from islice(stream, max(place - done, 0))
        yield text
        done = max(place, done) + 1
    yield from stream


def events(
    count: int,
    customers: int | None = None,
    seed: int = 2017,
    *,
    heavy_tail: bool = False,
    bad: int = 0,
    showcase: bool = False,
) -> Iterator[str]:
    """Exactly count events (the repeated, bad and showcase ones among them), one JSON text each."""
    extra = SHOWCASE if showcase else ()
    if count < 2 + 3 * (bad + len(extra)):
        raise ValueError(f"{bad} bad and {len(extra)} showcase events need more events than that")
    plain = count - bad - len(extra)
    twins = plain // 100 if plain > 2 * BUFFER else 0
    shop = Shop(customers or max(count // 25, 1), seed, heavy_tail)
    aside = random.Random(f"{seed} order")
    stream = shuffled(shop.events(plain - twins), plain - twins, twins, aside)
    bad_places = places(bad, count, random.Random(f"{seed} bad"), first=2)
    bad_texts = ((place, BAD[n % len(BAD)][1]) for n, place in enumerate(bad_places))
    aside = random.Random(f"{seed} showcase")
    shown = zip(places(len(extra), count, aside), aside.sample(extra, len(extra)), strict=True)
    return woven(stream, heapq.merge(bad_texts, shown))


def write_log(out: TextIO, texts: Iterable[str], form: str = "array") -> None:
    """Write events, one a line: as one JSON array ("array") or as JSON Lines ("jsonl")."""
    between = ",\n" if form == "array" else "\n"
    texts = iter(texts)
    lead = "[\n" if form == "array" else ""
    while batch := list(islice(texts, 4096)):
        out.write(lead + between.join(batch))
        lead = between
    if form == "array":
        out.write("[\n]\n" if lead == "[\n" else "\n]\n")
    elif lead:
        out.write("\n")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Make the event log of a made-up photo-gift shop, in 2017.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n"
        "  python tests/make_log.py --events 4000 --customers 320 --seed 2017 --bad 17 --showcase"
        " -o input/events.txt\n"
        "  python tests/make_log.py --events 10000000 --format jsonl --heavy-tail | gzip > big.gz",
    )
    add = parser.add_argument
    add("--events", type=int, default=4000, metavar="N", help="how many, of all kinds (4000)")
    add("--customers", type=int, metavar="N", help="how many (one for 25 events)")
    add("--seed", type=int, default=2017, metavar="S", help="another seed, another log (2017)")
    add("--format", choices=("array", "jsonl"), default="array", help="(array)")
    add("--heavy-tail", action="store_true", help="a few customers do most of everything")
    add("--bad", type=int, default=0, metavar="N", help="how many of the events are bad (0)")
    add("--showcase", action="store_true", help="mix in some hand-written special cases")
    add("-o", "--output", metavar="FILE", help="where to (standard output)")
    args = parser.parse_args()
    if args.bad < 0 or args.events < 2 or (args.customers is not None and args.customers < 1):
        parser.error("--events must be 2 or more, --customers 1 or more, --bad 0 or more")
    try:
        texts = events(
            args.events,
            args.customers,
            args.seed,
            heavy_tail=args.heavy_tail,
            bad=args.bad,
            showcase=args.showcase,
        )
    except ValueError as error:
        parser.error(str(error))
    target = args.output or sys.stdout.fileno()
    with (
        contextlib.suppress(BrokenPipeError),  # as with "| head"
        open(target, "w", encoding="utf-8", newline="\n", closefd=bool(args.output)) as out,
    ):
        write_log(out, texts, args.format)
    return 0


if __name__ == "__main__":
    sys.exit(main())
