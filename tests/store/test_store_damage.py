"""A store with any page, any bit or any byte not as it was: no other ranking without a word.

Whatever was done to the file, a run over it ends in one of two ways: it says in one line what is
wrong and writes nothing, or it gives the bytes that the sound store gives.
"""

import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import make_log
from conftest import SOURCES, Done, environment_with
from ltv.errors import FileError
from ltv.store.sqlite import Store
from LTV_Ingest import Ingest

Run = Callable[..., Done]
Damage = Callable[[random.Random, bytearray], object]

PAGE = 4096
TABLE_LEAF = 13  # what a page of pieces begins with; those of customers and profiles do not

#: What a run may say of a store that was damaged, and nothing else.
HONEST = re.compile(
    "Main_Calculation.py: store: (?:"
    "this store is damaged: .+"
    "|this store cannot be used: .+"
    "|this store was made by an? (?:newer|older) version of this program .+"
    "|expected a (?:store|file that --store made), got .+"
    "|there is nothing in this store"
    ")\n"
)

WAYS = {  # of ranking: what is read for it differs
    "few": (10, "-f", "csv"),
    "all": (1000, "-f", "csv"),
    "figures": (10, "-f", "json"),
}


def page_of(rng: random.Random, data: bytearray) -> int:
    """Where a page begins: every second time one that is not of pieces, which most are."""
    pages = range(0, len(data), PAGE)
    others = [page for page in pages if page == 0 or data[page] != TABLE_LEAF]
    return rng.choice(others if rng.random() < 0.5 else pages)


def page_over_page(rng: random.Random, data: bytearray) -> None:
    source, target = page_of(rng, data), page_of(rng, data)
    data[target : target + PAGE] = data[source : source + PAGE]


def bit(rng: random.Random, data: bytearray) -> None:
    data[page_of(rng, data) + rng.randrange(PAGE)] ^= 1 << rng.randrange(8)


def bit_in_front(rng: random.Random, data: bytearray) -> None:
    """In the header of the file or of a page, or where it says where its rows are."""
    data[page_of(rng, data) + rng.randrange(100)] ^= 1 << rng.randrange(8)


def bit_in_the_header(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(1000)] ^= 1 << rng.randrange(8)


def zeros(rng: random.Random, data: bytearray) -> None:
    page = page_of(rng, data)
    data[page : page + PAGE] = bytes(PAGE)


def noise(rng: random.Random, data: bytearray) -> None:
    place, length = page_of(rng, data) + rng.randrange(PAGE - 64), rng.randrange(1, 64)
    data[place : place + length] = rng.randbytes(length)


def cut(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(0, len(data), PAGE) or PAGE :]


def cut_anywhere(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(1, len(data)) :]


def pages_exchanged(rng: random.Random, data: bytearray) -> None:
    one, other = page_of(rng, data), page_of(rng, data)
    data[one : one + PAGE], data[other : other + PAGE] = (
        data[other : other + PAGE],
        data[one : one + PAGE],
    )


DAMAGES: dict[Damage, int] = {  # and how often it is done of 20 times
    page_over_page: 7,
    bit: 5,
    bit_in_front: 2,
    bit_in_the_header: 1,
    zeros: 1,
    noise: 1,
    pages_exchanged: 1,
    cut: 1,
    cut_anywhere: 1,
}


class Shop:
    """A sound store, in the working directory, and what it gives when more is added or nothing."""

    def __init__(self, run: Run) -> None:
        self._run = run
        texts = list(make_log.events(4000, 700, 1))
        for name, some in (("first", texts[::3]), ("second", texts[1::3]), ("third", texts[2::3])):
            Path(name).write_text("\n".join(some))
        for name in ("first", "second"):
            assert self.run("few", name).status == 0
        self.sound = Path("store").read_bytes()
        self.expected = {way: self.ranking(way) for way in WAYS}
        self.added, self.grown = {}, {}
        for way in WAYS:
            self.put(self.sound)
            self.added[way] = self.ranking(way, "third")
            self.grown[way] = self.ranking(way)

    def put(self, data: bytes) -> None:
        for path in Path().glob("store*"):
            path.unlink()
        Path("store").write_bytes(data)

    def run(self, way: str, *files: str) -> Done:
        x, *options = WAYS[way]
        done: Done = self._run(x, *files, "--store", "store", "-o", "-", "-q", *options)
        return done

    def ranking(self, way: str, *files: str) -> str:
        done = self.run(way, *files)
        assert (done.status, done.err) == (0, "")
        out: str = done.out
        return out

    def rank(self, way: str, expected: dict[str, str], *files: str) -> bool:
        """Whether that is said which is right, and not that something is wrong."""
        done = self.run(way, *files)
        if done.status == 0:
            assert (done.err, done.out) == ("", expected[way])
            return True
        assert (done.status, done.out) == (1, "")
        assert HONEST.fullmatch(done.err), done.err
        return False

    def try_out(self, damaged: bytes, way: str) -> str:
        """What became of two runs over a damaged store, one that ranks it and one that adds to it,
        and one that ranks what the latter left.
        """
        self.put(damaged)
        is_ranked = self.rank(way, self.expected)
        self.put(damaged)
        is_grown = self.rank(way, self.added, "third")
        if is_grown:
            self.rank(way, self.grown)
        elif damaged[18:20] == self.sound[18:20]:  # whether it has a log is put right
            assert Path("store").read_bytes() == damaged
        return f"{'ranked' if is_ranked else 'refused'}, {'added to' if is_grown else 'refused'}"


def first_change(sound: bytes, damaged: bytes) -> int:
    both = enumerate(zip(sound, damaged, strict=False))
    return next((place for place, (one, other) in both if one != other), len(damaged))


def damage_many(shop: Shop, seed: int, count: int) -> Counter[str]:
    """Damage it `count` times; what became of it, by how it was damaged."""
    rng = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for damage in rng.choices(list(DAMAGES), list(DAMAGES.values()), k=count):
        data = bytearray(shop.sound)
        damage(rng, data)
        way = rng.choice(list(WAYS))
        print(f"{damage.__name__}, ranked as {way}, from {first_change(shop.sound, bytes(data)):,}")
        outcomes[f"{damage.__name__}: {shop.try_out(bytes(data), way)}"] += 1
    return outcomes


@pytest.mark.usefixtures("without_waiting_for_the_disk")
@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 40), pytest.param(2, 1000, marks=pytest.mark.slow)],
    ids=["forty", "a-thousand"],
)
def test_damaged_stores(seed: int, count: int, run: Run):
    outcomes = damage_many(Shop(run), seed, count)
    print(*sorted(outcomes.items()), sep="\n")
    found = {outcome.partition(": ")[2] for outcome in outcomes}
    assert found - {"refused, added to"} == {  # rare: what is added replaces what is damaged
        "refused, refused",
        "ranked, refused",  # where no row of the ranking was
        "ranked, added to",  # where nothing was, or nothing that SQLite needs
    }


# --- A log that is not of this store -------------------------------------------------------------


def with_log(name: str, customer_ids: list[str]) -> Path:
    """A store of these customers in a directory of that name, as a kill leaves it: one run for each
    of them, the first in the file and the others in its log.
    """
    Path("made").mkdir()
    Path(name).mkdir()
    with Store("made/store") as store:
        Ingest(visit(customer_ids[0]), store)
    with Store("made/store") as store:
        store._file.connection.execute("PRAGMA wal_autocheckpoint = 0")
        for customer_id in customer_ids[1:]:
            Ingest(visit(customer_id), store)
            store.commit()
        for path in Path("made").iterdir():
            shutil.copy(path, name)
    shutil.rmtree("made")
    return Path(name) / "store"


def visit(customer_id: str) -> dict[str, object]:
    return {
        "type": "SITE_VISIT", "verb": "NEW", "key": "p", "customer_id": customer_id,
        "event_time": "2017-01-01",
    }  # fmt: skip


def ids_in(path: Path) -> set[str]:
    with Store(str(path), is_written=False) as store:
        return set(store)


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def refusal(path: Path) -> str:
    return (
        f"{path}: the log beside this store is of another store, or older than it: "
        f"remove {path}-wal and {path}-shm"
    )


@pytest.mark.parametrize("has_index", [True, False])
@pytest.mark.parametrize("is_written", [True, False])
def test_a_log_of_another_store(is_written: bool, has_index: bool, in_tmp: Path):
    one, other = with_log("one", ["a", "b"]), with_log("other", ["a", "c", "d"])
    shutil.copy(log_of(other), log_of(one))
    if not has_index:
        one.with_name("store-shm").unlink()
    before = one.read_bytes(), log_of(one).read_bytes()
    with pytest.raises(FileError) as caught, Store(str(one), is_written=is_written):
        pass
    assert str(caught.value) == refusal(one)
    assert (one.read_bytes(), log_of(one).read_bytes()) == before
    log_of(one).unlink()
    one.with_name("store-shm").unlink(missing_ok=True)
    assert ids_in(one) == {"a"}


@pytest.mark.parametrize("is_written", [True, False])
def test_an_older_log(is_written: bool, in_tmp: Path):
    one = with_log("one", ["a", "b"])
    log = log_of(one).read_bytes()
    for customer_id in ("c", "d"):
        with Store(str(one)) as store:
            Ingest(visit(customer_id), store)
    log_of(one).write_bytes(log)
    before = one.read_bytes()
    with pytest.raises(FileError) as caught, Store(str(one), is_written=is_written):
        pass
    assert str(caught.value) == refusal(one)
    assert one.read_bytes() == before


@pytest.mark.parametrize("is_written", [True, False])
def test_a_copy_that_is_older_than_the_log(is_written: bool, in_tmp: Path):
    """It may be found by what does not fit, which tells that the file is sound without the log."""
    one = with_log("one", [f"customer{n}" for n in range(300)])
    copy = one.read_bytes()
    with Store(str(one)) as store:
        Ingest([visit(f"more{n}") for n in range(300)], store)
    with Store(str(one)) as store:
        store._file.connection.execute("PRAGMA wal_autocheckpoint = 0")
        Ingest(visit("last"), store)
        store.commit()
        log = log_of(one).read_bytes()
    one.write_bytes(copy)
    log_of(one).write_bytes(log)
    with pytest.raises(FileError) as caught, Store(str(one), is_written=is_written):
        pass
    assert str(caught.value) == refusal(one)
    assert one.read_bytes() == copy


def test_a_log_that_is_cut_off_anywhere(in_tmp: Path):
    """SQLite drops runs that are not whole at its end: what is there is a whole earlier run."""
    one = with_log("one", ["a", "b", "c"])
    kept, log = one.read_bytes(), log_of(one).read_bytes()
    found = []
    for length in [*range(0, len(log), 997), len(log)]:
        one.write_bytes(kept)
        log_of(one).write_bytes(log[:length])
        found.append("".join(sorted(ids_in(one))))
    assert found == sorted(found)
    assert set(found) == {"a", "ab", "abc"}


WRITING = """
from pathlib import Path
from LTV_Ingest import Ingest
from ltv.store.sqlite import Store

for number in range(20):
    with Store("store") as store:
        store._file.connection.execute("PRAGMA wal_autocheckpoint = 1")
        for step in range(5):
            event = {"type": "SITE_VISIT", "verb": "NEW", "key": "p", "event_time": "2017-01-01"}
            some = [event | {"customer_id": f"c{number}-{step}-{n}"} for n in range(20)]
            Ingest(some, store)
            store.commit()
Path("done").touch()
"""

READING = """
import os, sys
from LTV_Calculate import totals
from ltv.store.sqlite import Store

print("ready", flush=True)
last = logs = runs = 0
while runs < 20 or not os.path.exists("done"):
    logs += os.path.exists("store-wal")
    with Store("store", is_written=False) as store:
        found = totals(store).customers
        assert found == len(list(store)) == found // 20 * 20 >= last
        last = found
    runs += 1
print(runs, logs)
"""


def python(script: str) -> "subprocess.Popen[str]":
    environment = environment_with({"PYTHONPATH": str(SOURCES)})
    command = [sys.executable, "-c", script]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def test_many_read_while_one_writes(in_tmp: Path):
    """Pages are written into the file all the time, also between looking at it and at the log."""
    with Store("store"):
        pass
    readers = [python(READING) for _ in range(4)]
    for reader in readers:
        assert reader.stdout
        assert reader.stdout.readline() == "ready\n"
    writer = python(WRITING)
    assert writer.communicate(timeout=120) == ("", "")
    looked_at_logs = 0
    for reader in readers:
        out, err = reader.communicate(timeout=120)
        assert (reader.returncode, err) == (0, "")
        looked_at_logs += int(out.split()[1])
    assert looked_at_logs


# --- No room, and nothing that may be written ----------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2000k", "tmpfs", str(path)]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a disk, and does so on Linux here")
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def fill(disk: Path) -> None:
    with contextlib.suppress(OSError), (disk / "filled").open("wb", 0) as file:
        while True:
            file.write(bytes(4096))


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


@pytest.mark.parametrize(
    ("make_it_hard", "problem"),
    [
        (fill, "this store cannot be used: there is no room for the files beside it"),
        (make_read_only, "cannot be written: Read-only file system"),
    ],
)
def test_ranking_where_nothing_can_be_written(
    make_it_hard: Callable[[Path], None], problem: str, disk: Path, run: Run
):
    shop = Shop(run)
    store = disk / "store"
    shutil.copy("store", store)
    make_it_hard(disk)
    before = store.read_bytes()
    where = "--store", store, "-o", "-", "-q"
    for way, arguments in WAYS.items():
        assert run(*arguments, *where) == (0, shop.grown[way], "")
    done = run(1, "first", *where)
    assert done == (1, "", f"Main_Calculation.py: {store}: {problem}\n")
    assert store.read_bytes() == before


@pytest.mark.parametrize(
    ("make_it_hard", "problem"),
    [
        (fill, "this store cannot be used: there is no room for the files beside it"),
        (
            make_read_only,
            "the log beside it ({0}-wal) cannot be read where nothing can be written; "
            "copy both elsewhere",
        ),
    ],
)
def test_a_log_that_cannot_be_read(
    make_it_hard: Callable[[Path], None], problem: str, disk: Path, run: Run
):
    one = with_log("one", ["a", "b"])
    for path in (one, log_of(one)):
        shutil.copy(path, disk)
    make_it_hard(disk)
    store = disk / "store"
    done = run(1, "--store", store, "-o", "-", "-q")
    assert done == (1, "", f"Main_Calculation.py: {store}: {problem.format(store)}\n")
