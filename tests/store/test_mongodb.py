"""A store on a server: what only there can go wrong. What all stores do: test_store.py."""

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import ltv.store.server
import make_log
from conftest import PROJECT, SOURCES, Done
from ltv.errors import FileError, LTVError
from ltv.store.mongodb import Store
from LTV_Calculate import topXSimpleLTVCustomers
from LTV_Classes import Customer
from LTV_Ingest import Ingest
from mongodb_server import Proxy, Server, database_at, free_port, let_go, state_at

pytestmark = pytest.mark.mongodb

Run = Callable[..., Done]

CHANGED = "another run changed this store meanwhile, try again"
NO_SERVER = "no server answers within five seconds"


def said(line: str) -> str:
    return f"Main_Calculation.py: {line}\n"


def ranking(run: Run, *arguments: object) -> str:
    done = run(1000, *arguments, "-o", "-", "-f", "csv", "-q")
    assert (done.status, done.err) == (0, "")
    return str(done.out)


def names_at(place: str) -> list[str]:
    with database_at(place) as database:
        return [name for name in database.list_collection_names() if database[name].find_one()]


def put_state(place: str, state: dict[str, list[Any]]) -> str:
    """Make a database that holds this."""
    with database_at(place) as database:
        for name, documents in state.items():
            database[name].insert_many(documents)
    return place


def visit(number: int, **members: object) -> dict[str, object]:
    event: dict[str, object] = {
        "type": "SITE_VISIT",
        "verb": "NEW",
        "key": f"p{number}",
        "event_time": f"2017-01-{number % 28 + 1:02}",
        "customer_id": "c1",
    }
    return event | members


# --- Killed --------------------------------------------------------------------------------


class Growing:
    """Stores of half of a log, which runs are to bring to all of it."""

    def __init__(self, server: Server, directory: Path, run: Run) -> None:
        self.server = server
        self.directory = directory
        self._run = run
        texts = list(make_log.events(400, 24, 1))
        self.first, self.second = (str(directory / name) for name in ("first", "second"))
        Path(self.first).write_text("\n".join(texts[::2]))
        Path(self.second).write_text("\n".join(texts[1::2]))
        place = server.new_place()
        self.killed(0, self.first, place)
        self.before = self.ranking(place)
        self.state = state_at(place)
        self.calls = self.killed(0, self.second, place)
        self.after = self.ranking(place)
        assert self.before != self.after
        assert len(self.state["facts"]) > 10

    def ranking(self, place: str) -> str:
        return ranking(self._run, "--store", place)

    def killed(self, number: int, log: str, place: str, process: int = 0) -> list[str]:
        """Run, and be killed after a call to the server; returns the calls there were."""
        command = [sys.executable, str(PROJECT / "tests/mongodb_killed.py"), number, process]
        command += [1000, log, "--store", place, "-o", os.devnull, "-q"]
        paths = [str(SOURCES), str(PROJECT / "tests"), os.environ["PYTHONPATH"]]
        done = subprocess.run(
            [str(one) for one in command],
            cwd=self.directory,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            check=False,
            timeout=120,
        )
        self.status, self.said = done.returncode, done.stderr.decode()
        if number:
            return []
        assert self.status == 0, self.said
        return list(json.loads(self.said))

    def check_whole(self, place: str, log: str) -> bool:
        """Whether the run is in it; then that the next one works. It is not there by halves."""
        found = self.ranking(place)
        assert found in (self.before, self.after)
        let_go(place)
        assert ranking(self._run, log, "--store", place) == self.after
        assert self.ranking(place) == self.after
        assert set(names_at(place)) == {"head", "customers", "facts"}
        return found == self.after


@pytest.fixture
def growing(mongodb_server: Server, tmp_path: Path, run: Run) -> Growing:
    return Growing(mongodb_server, tmp_path, run)


def test_a_kill_after_each_call(growing: Growing):
    outcomes = []
    for number in range(1, len(growing.calls) + 1):
        place = put_state(growing.server.new_place(), growing.state)
        growing.killed(number, growing.second, place)
        assert growing.status == -signal.SIGKILL
        outcomes.append(growing.check_whole(place, growing.second))
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}
    assert growing.calls[outcomes.index(True)] == "update"  # of the head


def test_a_kill_after_each_call_while_a_store_is_made(growing: Growing, run: Run):
    calls = growing.killed(0, growing.first, growing.server.new_place())
    for number in range(1, len(calls) + 1):
        place = growing.server.new_place()
        growing.killed(number, growing.first, place)
        assert growing.status == -signal.SIGKILL
        done = run(1000, "--store", place, "-o", "-", "-f", "csv", "-q")
        nothing = said(f"{place}: there is nothing in this store")
        assert done in (Done(0, growing.before, ""), Done(1, "", nothing))
        let_go(place)
        assert ranking(run, growing.first, "--store", place) == growing.before
        assert ranking(run, growing.second, "--store", place) == growing.after
        kinds = [re.sub("_.*", "", name) for name in names_at(place) if "facts" not in name]
        assert sorted(kinds) == ["customers", "head"]
    assert done.status == 0


def test_a_kill_after_a_kill(growing: Growing):
    """What a run left that was killed while it merged, the next one leaves, too."""
    rng = random.Random(1)
    committed = len(growing.calls) - growing.calls[::-1].index("aggregate") - 1
    for _ in range(4):
        place = put_state(growing.server.new_place(), growing.state)
        growing.killed(committed, growing.second, place)
        for _ in range(2):
            let_go(place)
            growing.killed(rng.randrange(4, 12), growing.first, place)
            assert growing.status == -signal.SIGKILL
            assert growing.ranking(place) == growing.after
        assert growing.check_whole(place, growing.first)


def test_a_server_that_is_killed(growing: Growing, tmp_path_factory: pytest.TempPathFactory):
    """A server that has what it acknowledged on its disk, as MongoDB with a journal has."""
    server = Server(tmp_path_factory.mktemp("safe"), "--sync-on-commit")
    lost = "the connection to the server was lost; the same command again does no harm"
    try:
        update = growing.calls.index("update")  # the first: of the head
        for number in (update - 1, update, update + 2):
            place = put_state(server.new_place(), growing.state)
            growing.killed(number, growing.second, place, server.pid)
            is_kept = growing.status == 0
            messages = [said(f"{place}: {why}") for why in (lost, NO_SERVER)]
            assert is_kept or (growing.status == 1 and growing.said in messages)
            assert is_kept == (number > update)
            server.start()
            assert growing.check_whole(place, growing.second) == (number > update)
    finally:
        server.kill()


@pytest.mark.parametrize("is_over", [False, True])
@pytest.mark.parametrize("is_made", [False, True])
def test_a_commit_of_which_no_answer_comes(
    is_made: bool,
    is_over: bool,
    mongodb_server: Server,
    run: Run,
    make_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
):
    """It is in the store all the same, and nothing of it is taken away."""
    monkeypatch.setattr(ltv.store.server, "_PATIENCE", 1.0)
    logs = [make_file(json.dumps(visit(number)), f"log{number}") for number in range(2)]
    place = mongodb_server.new_place()
    if is_made:
        assert run(1, logs[0], "--store", place, "-o", "-", "-q").status == 0
    proxy = Proxy(mongodb_server, is_over=is_over)
    through = place.replace(str(mongodb_server.port), str(proxy.port))
    done = run(1, logs[1], "--store", through, "-o", "-", "-q")
    proxy.close()
    assert proxy.has_lost
    lost = "the connection to the server was lost; the same command again does no harm"
    assert (done.status, done.err) == ((1, said(f"{through}: {lost}")) if is_over else (0, ""))
    expected = ranking(run, *logs[not is_made :])
    assert ranking(run, "--store", place) == expected
    let_go(place)
    assert ranking(run, logs[1], "--store", place) == expected


@pytest.mark.parametrize("is_made", [False, True])
def test_a_commit_that_comes_late(is_made: bool, mongodb_server: Server):
    """A run that has given up on it takes nothing away."""
    place = mongodb_server.new_place()
    if is_made:
        with Store(place) as store:
            Ingest(visit(0), store)
    store = Store(place)
    store.open()
    Ingest(visit(1, customer_id="c2"), store)
    news: dict[str, Any] = {"run": 1 + is_made, "totals": [*store.totals()]}
    if is_made:
        (staged,) = [name for name in names_at(place) if name.startswith("customers_")]
        news["staged"] = staged.removeprefix("customers")
    with database_at(place) as database:
        database["head"].update_one({}, {"$set": news})
    store.close()
    with Store(place, is_written=False) as store:
        assert set(store) == ({"c1", "c2"} if is_made else {"c2"})
        assert store["c2"].visit_count == 1


def test_a_first_run_that_was_stopped_in_another_currency(mongodb_server: Server):
    place = mongodb_server.new_place()
    stopped = Store(place, "EUR")
    stopped.open()
    let_go(place)
    with Store(place) as store:
        Ingest(visit(0), store)
        stopped.close()
    with Store(place) as store:
        assert list(store) == ["c1"]


# --- Beside each other -------------------------------------------------------------------------


def test_who_reads_beside_a_run_that_writes(mongodb_server: Server):
    place = mongodb_server.new_place()
    with Store(place) as store:
        Ingest([visit(n, customer_id=f"c{n}") for n in range(500)], store)
    with Store(place, is_written=False) as reader:
        with Store(place) as writer:
            Ingest([visit(n, customer_id=f"c{n}") for n in range(400, 600)], writer)
            len(writer)
            assert len(reader) == 500
            writer.commit()
            for read in (lambda: reader["c1"], lambda: len(reader), lambda: list(reader.values())):
                with pytest.raises(FileError, match=CHANGED):
                    read()
            with Store(place, is_written=False) as second:  # of what is staged yet
                assert len(second) == 600
                assert len(topXSimpleLTVCustomers(1000, second)) == 600
                assert second["c450"].visit_count == 1
                ids = [f"c{n}" for n in (59, *range(590, 600))]
                assert second.ids_beginning("c59", 20) == sorted(ids)
        with pytest.raises(FileError, match=CHANGED):
            list(reader)


@pytest.mark.parametrize("is_made", [True, False])
def test_a_run_that_was_stopped_for_long(is_made: bool, mongodb_server: Server):
    place = mongodb_server.new_place()
    if is_made:
        with Store(place) as store:
            Ingest(visit(0), store)
    stopped = Store(place)
    stopped.open()
    Ingest(visit(1), stopped)
    let_go(place)
    with Store(place) as other:
        Ingest(visit(2, customer_id="c2"), other)
    with pytest.raises(FileError, match=CHANGED):
        stopped.commit()
    stopped.close()
    with Store(place) as store:
        assert set(store) == ({"c1", "c2"} if is_made else {"c2"})
        assert store.totals().visits == 1 + is_made


def test_a_lease_is_renewed(mongodb_server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ltv.store.server, "_LEASE", 0.6)
    monkeypatch.setattr(ltv.store.server, "_PATIENCE", 2)
    place = mongodb_server.new_place()
    with Store(place) as store:
        Ingest(visit(0), store)
        with pytest.raises(FileError, match="another run is using this store"):
            Store(place).open()
        store.commit()
    with Store(place) as store:
        assert list(store) == ["c1"]


# --- Large customers ---------------------------------------------------------------------------


def test_a_customer_of_more_than_a_document_holds(mongodb_server: Server):
    place = mongodb_server.new_place()
    tags = [{"name": "x" * 1_000_000}]
    events = [visit(n, key=f"long{n}", tags=tags) for n in range(20)]
    events += map(visit, range(25_000))
    D: dict[str, Customer] = {}
    Ingest(events, D)
    for _ in range(2):
        with Store(place) as store:
            store.join(D.values())
    with Store(place, is_written=False) as store:
        assert store["c1"].facts == D["c1"].facts
    assert len(state_at(place)["facts"]) == 5
    before = state_at(place)
    with Store(place) as store:
        piece: dict[str, Customer] = {}
        Ingest(visit(99_999), piece)
        store.join(piece.values())
    changed = [one for one in state_at(place)["facts"] if one not in before["facts"]]
    assert len(changed) == 1
    with Store(place, is_written=False) as store:
        assert store["c1"].visit_count == 25_021


def test_an_event_of_more_than_a_document_holds(mongodb_server: Server):
    place = mongodb_server.new_place()
    too_large = "an event of customer 'c1' is larger than MongoDB holds"
    with pytest.raises(LTVError, match=too_large), Store(place) as store:
        Ingest(visit(1, tags=["x" * 17_000_000]), store)
    assert state_at(place) == {}


# --- Wrong addresses, servers and databases --------------------------------------------------


def without_counts(database: Any) -> None:
    database["customers"].update_one({}, {"$unset": {"order_count": ""}})


def newer(database: Any) -> None:
    database["head"].update_one({}, {"$set": {"layout": 9}})


def other_program(database: Any) -> None:
    database["head"].drop()


def other_head(database: Any) -> None:
    database["head"].update_one({}, {"$unset": {"program": ""}})


def other_facts(database: Any) -> None:
    database["facts"].update_one({}, {"$set": {"orders": [7]}})


def without_facts(database: Any) -> None:
    database["facts"].delete_one({})


def without_begin(database: Any) -> None:
    database["customers"].update_one({}, {"$unset": {"begin": ""}})


def with_head(update: dict[str, Any]) -> Callable[[Any], None]:
    return lambda database: database["head"].update_one({}, update)


WRONG_HEADS: list[dict[str, Any]] = [
    *({"$unset": {name: ""}} for name in ("layout", "currency", "run", "base", "staged", "totals")),
    *({"$set": {name: "x"}} for name in ("layout", "run", "totals")),
    {"$set": {"totals": [1]}},
    {"$set": {"totals": ["x"] * 6}},
    {"$set": {"base": 7, "staged": 7}},
]

DAMAGED = (
    "this store is damaged: it is not as it was written; "
    "restore a copy, or make it anew from the logs"
)
WRONG = [
    (newer, "this store was made by a newer version of this program (layout 9, known is 1)"),
    (other_program, "expected a store, got the database of another program"),
    (other_head, "expected a store, got the database of another program"),
    (other_facts, DAMAGED),
    (without_facts, DAMAGED),
    (without_begin, DAMAGED),
    (without_counts, DAMAGED),
    *((with_head(update), DAMAGED) for update in WRONG_HEADS),
]


@pytest.mark.parametrize(("change", "problem"), WRONG)
def test_wrong_databases(
    change: Callable[[Any], None],
    problem: str,
    mongodb_server: Server,
    run: Run,
    make_file: Callable[..., str],
):
    place = mongodb_server.new_place()
    with Store(place) as store:
        Ingest(visit(0), store)
    with database_at(place) as database:
        change(database)
    before = state_at(place)
    log = make_file(json.dumps(visit(1)))
    for files in ([], [log]):
        done = run(1, *files, "--store", place, "-o", "-", "-q", "--by", "recent")
        assert done == (1, "", said(f"{place}: {problem}"))
        assert state_at(place) == before


def test_another_currency(mongodb_server: Server, run: Run, make_file: Callable[..., str]):
    place = mongodb_server.new_place()
    with Store(place, "EUR") as store:
        Ingest(visit(0), store)
    before = state_at(place)
    for files in ([], [make_file(json.dumps(visit(1)))]):
        done = run(1, *files, "--store", place, "-o", "-", "-q")
        assert done == (1, "", said(f"{place}: the amounts in this store are in EUR, not in USD"))
    assert state_at(place) == before


def test_nothing_there(mongodb_server: Server, run: Run, make_file: Callable[..., str]):
    place = mongodb_server.new_place()
    assert run(1, "--store", place, "-o", "-") == (
        1, "", said(f"{place}: there is nothing in this store"),
    )  # fmt: skip
    blank = make_file("\n")
    assert run(1, blank, "--store", place, "-o", "-", "-q") == (
        1, "", said(f"nothing to rank in {place}"),
    )  # fmt: skip
    assert state_at(place) == {}


@pytest.mark.parametrize(
    ("user", "port", "options", "cause"),
    [
        ("me:s3cret@", "99999", "", "Port must be an integer between 0 and 65535"),
        ("", "", "?tls=true&tlsCAFile=/nowhere", "The tlscafile file is not readable"),
        ("me:%zzs3cret@", "", "", "Username and password must be escaped"),
        ("me:cannot@", "", "?authMechanism=s3cret", "authmechanism must be in"),
    ],
)
def test_an_address_that_cannot_be_used(
    user: str, port: str, options: str, cause: str, mongodb_server: Server, run: Run
):
    host = f"127.0.0.1:{port or mongodb_server.port}/shop"
    done = run(1, "--store", f"mongodb://{user}{host}{options}", "-o", "-", "-q")
    shown = f"mongodb://{'me@' if user else ''}{host}"
    begin = f"Main_Calculation.py: {shown}: this address cannot be used: "
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert done.err.startswith(begin + cause)
    assert "s3cret" not in done.err


def test_no_server(mongodb_server: Server, run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ltv.store.server, "_PATIENCE", 1.0)
    place = f"mongodb://127.0.0.1:{free_port()}/shop"
    done = run(1, "--store", place, "-o", "-", "-q")
    assert done == (1, "", said(f"{place}: {NO_SERVER}"))


@pytest.fixture(scope="module")
def guarded(mongodb_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks who is there: `clerk` may write, `guest` may read, both with `s3cr@t`."""
    server = Server(tmp_path_factory.mktemp("guarded"))
    with database_at(server.new_place()) as database:
        for user, role in (("clerk", "readWriteAnyDatabase"), ("guest", "readAnyDatabase")):
            database.client["admin"].command("createUser", user, pwd="s3cr@t", roles=[role])
    server.stop()
    server.options = ("--auth",)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def test_users(guarded: Server, run: Run, make_file: Callable[..., str]):
    place = guarded.new_place()
    log = make_file(json.dumps(visit(0)))

    host, options = place.removeprefix("mongodb://"), "?authSource=admin"

    def at(user: str) -> str:
        return f"mongodb://{user}@{host}{options}" if user else place

    def shown(user: str) -> str:
        return f"mongodb://{user}@{host}"

    refused = "the server refuses this user and password"
    not_let = "the server does not let this user read and write this database"
    for name, problem in (("clerk:s3cr%40x", refused), ("guest:s3cr%40t", not_let)):
        done = run(1, log, "--store", at(name), "-o", "-", "-q")
        assert done == (1, "", said(f"{shown(name.split(':')[0])}: {problem}"))
    done = run(1, log, "--store", at("clerk:s3cr%40t"), "-o", "out.json")
    assert (done.status, "s3cr" in done.out + done.err) == (0, False)
    assert f"Store: {shown('clerk')}\n" in done.err
    done = run(1, "--store", at("guest:s3cr%40t"), "-o", "out.html")
    assert (done.status, "s3cr" in done.out + done.err) == (0, False)
    for file in ("out.json", "out.html"):
        assert "s3cr" not in Path(file).read_text("utf-8")
    done = run(1, "--store", at(""), "-o", "-", "-q")
    assert done == (1, "", said(f"{place}: {not_let}"))


# --- Without a store ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RELAXED_JSON_OPTIONS", "CANONICAL_JSON_OPTIONS"])
@pytest.mark.parametrize("is_array", [False, True])
def test_what_mongoexport_writes(
    mode: str, is_array: bool, mongodb_server: Server, run: Run, make_file: Callable[..., str]
):
    """The tool itself cannot be had here: it writes a document a line, or --jsonArray, as bson."""
    from bson import Decimal128, ObjectId, json_util  # noqa: PLC0415 - only there when a server is

    number = ObjectId("507f1f77bcf86cd799439011")
    members: dict[str, Any] = {"type": "ORDER", "verb": "NEW", "customer_id": 7}
    when = datetime(2017, 1, 2, 10, 30, 0, 500_000)
    events = [
        members | {"key": number, "event_time": when, "total_amount": Decimal128("182.45")},
        members | {"key": "o2", "event_time": when + timedelta(8), "total_amount": 7.5},
        members | {"key": 2**40, "event_time": datetime(2016, 1, 1), "total_amount": 3},
    ]
    with database_at(mongodb_server.new_place()) as database:
        database["events"].insert_many(events)
        options = getattr(json_util, mode)
        texts = [json_util.dumps(one, json_options=options) for one in database["events"].find()]
    exported = "[" + ",\n".join(texts) + "]" if is_array else "\n".join(texts)
    plain = [
        members | {"key": key, "event_time": time, "total_amount": amount}
        for key, time, amount in (
            (str(number), "2017-01-02T10:30:00.5Z", "182.45"),
            ("o2", "2017-01-10T10:30:00.5Z", "7.5"),
            (str(2**40), "2016-01-01", "3"),
        )
    ]
    expected = ranking(run, make_file("\n".join(map(json.dumps, plain)), "plain"))
    assert "192.95" in expected
    assert ranking(run, make_file(exported, "exported.json"), "--strict") == expected


def test_a_ranking_for_mongoimport(mongodb_server: Server, run: Run, make_file: Callable[..., str]):
    """It takes a document a line, as bson reads it."""
    from bson import json_util  # noqa: PLC0415 - only there when a server is

    file = make_file("\n".join(make_log.events(100, 9, 1)))
    assert run(5, file, "-o", "top.jsonl", "-q").status == 0
    rows = [json_util.loads(line) for line in Path("top.jsonl").read_text("utf-8").splitlines()]
    with database_at(mongodb_server.new_place()) as database:
        database["top"].insert_many(rows)
        best = database["top"].find_one({"ltv": {"$gt": 0}}, sort=[("rank", 1)])
    first = json.loads(Path("top.jsonl").read_text("utf-8").splitlines()[0])
    assert {key: best[key] for key in first} == first
