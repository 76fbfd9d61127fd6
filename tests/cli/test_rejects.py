"""No file but one of rejects is ever replaced or removed as rejects (SPEC, section 7)."""

import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_main import BAD, FIRST_OF_BAD, RESULTS, SAMPLE, TABLE, closed_pipe, said

from conftest import EARLIER_REJECTS, SOURCES, Done, environment_with
from ltv.errors import EventError, FileError
from ltv.output.formats import reject_line
from ltv.output.rejects import HEAD_BYTES, MEMBERS, RejectsTarget, begins_rejects

Run = Callable[..., Done]
Start = Callable[..., subprocess.Popen[bytes]]

OLD = b"earlier results\n"
EARLIER = EARLIER_REJECTS.encode()
LEFT = "rejects file of this program: left as it is; name another with --rejects"
NOT_OURS = f"not a {LEFT}"

NEEDS_FIFO = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")

LOGS = {
    "clean": (SAMPLE, []),
    "rejects": (SAMPLE + BAD, []),
    "strict": (SAMPLE + BAD, ["--strict"]),
}
EACH_LOG = pytest.mark.parametrize(("log", "options"), LOGS.values(), ids=LOGS.keys())


def line(**changes: object) -> bytes:
    """A line of rejects with the members changed; one that is `...` is left out."""
    members = json.loads(EARLIER_REJECTS) | changes
    kept = {name: value for name, value in members.items() if value is not ...}
    return json.dumps(kept, ensure_ascii=False).encode() + b"\n"


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


# --- What a file of rejects is ----------------------------------------------------------------

FOREIGN = {
    "text": b"buy milk\n",
    "csv": b"file,line,offset,reason,text\n1,2,3,4,5\n",
    "markdown": b"# Notes\n",
    "blank-line": b"\n",
    "blank-line-first": b"\n" + EARLIER,
    "spaces": b"   ",
    "other-members": b'{"type": "ORDER", "key": "o1"}\n',
    "event-log": SAMPLE.encode(),
    "empty-object": b"{}\n",
    "empty-object-without-line-break": b"{}",
    "object-with-a-bracket-alone": b"{\n" + EARLIER[1:],
    "pretty": json.dumps(json.loads(EARLIER_REJECTS), indent=2).encode(),
    "array": b"[1, 2]\n",
    "array-of-rejects": b"[" + EARLIER.strip() + b"]\n",
    "array-of-names": json.dumps(MEMBERS).encode(),
    "number": b"7\n",
    "string": b'"file"\n',
    "null": b"null\n",
    "binary": bytes(range(256)),
    "zeros": bytes(10),
    "gzip": gzip.compress(EARLIER),
    "utf-16": EARLIER.decode().encode("utf-16"),
    "not-utf-8": EARLIER.replace(b"earlier", b"\xff"),
    "not-utf-8-and-cut-off": EARLIER.replace(b"earlier", b"\xff")[:30],
    "more-behind": EARLIER.strip() + b" 1\n",
    "more-behind-without-line-break": EARLIER.strip() + b"x",
    "two-on-a-line": EARLIER.strip() * 2,
    "rejects-later": b"# rejects\n" + EARLIER,
    "deep": b"[" * HEAD_BYTES * 2,
    "deep-object": b'{"file": ' * 10_000,
    "digits": b'{"file": ' + b"1" * 10_000 + b"}\n",
    "long-line": b"x" * HEAD_BYTES * 3,
    "cut-off-object": b'{"name": "x", "fi',
    "cut-off-with-another-member": b'{"file": "x", "column": 1, "line',
    "cut-off-after-a-bad-value": b'{"file": tru',
    "cut-off-compact": b'{"file":"x","line":1,"offse',
    **{f"without-{name}": line(**{name: ...})
       for name in ("file", "line", "offset", "reason", "text")},
    **{f"without-{name}-and-line-break": line(**{name: ...}).strip()
       for name in ("file", "line", "offset", "reason", "text")},
}  # fmt: skip

OWN = {
    "empty": b"",
    "one": EARLIER,
    "many": EARLIER * 3,
    "cut-off-later": EARLIER * 2 + EARLIER[:20],
    "something-else-later": EARLIER + b"what I found out\n",
    "without-line-break": EARLIER.strip(),
    "crlf": EARLIER.replace(b"\n", b"\r\n"),
    "crlf-cut-off": EARLIER.replace(b"\n", b"\r"),
    "byte-order-mark": b"\xef\xbb\xbf" + EARLIER,
    "byte-order-mark-alone": b"\xef\xbb\xbf",
    "without-member-and-message": line(member=..., message=...),
    "more-members": line(seen="yes"),
    "no-place": line(line=None, offset=None),
    "sorted": json.dumps(json.loads(EARLIER_REJECTS), sort_keys=True).encode(),
    "compact": json.dumps(json.loads(EARLIER_REJECTS), separators=(",", ":")).encode(),
    "long": line(text="x" * HEAD_BYTES * 2),
    "long-file": line(file="x" * HEAD_BYTES * 2),
}

WRITTEN = {
    "plain": ("log", 1, 0, "x", EventError("missing", "key", "key: expected an id")),
    "no-member": ("log", 12, 345, "x", EventError("not-json", None, "expected JSON")),
    "no-place": ("log", None, None, "x", EventError("too-long", None, "over 16 MiB")),
    "escapes": ('a"\\\n\x00\u202e', 1, 0, '{"\\u00e9":"\\\\"}\t', EventError("bad-id", "key", '"')),
    "characters": ("lög 王 \N{PARTY POPPER}", 1, 0, "é王", EventError("bad-id", "key", "…")),
    "undecodable": ("\udcff\udc80", 1, 0, "\ufffd", EventError("not-utf8", None, "x")),
}


@pytest.mark.parametrize("head", FOREIGN.values(), ids=FOREIGN.keys())
def test_other_files_are_not_taken_for_rejects(head: bytes):
    assert not begins_rejects(head[:HEAD_BYTES])


@pytest.mark.parametrize("head", OWN.values(), ids=OWN.keys())
def test_rejects_are_known_as_such(head: bytes):
    assert begins_rejects(head[:HEAD_BYTES])


@pytest.mark.parametrize("reject", WRITTEN.values(), ids=WRITTEN.keys())
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
def test_what_is_written_is_known_wherever_it_is_cut_off(mark: bytes, reject: tuple[Any, ...]):
    written = reject_line(*reject).encode()
    assert tuple(json.loads(written)) == MEMBERS
    head = mark + written
    assert [end for end in range(len(head) + 1) if not begins_rejects(head[:end])] == []


def test_the_longest_line_is_looked_at_whole():
    path = "\udcff" * 4095  # no name of a file is longer, and none takes more room
    error = EventError("missing", "total_amount", "x" * 1000)
    assert len(reject_line(path, 10**18, 10**18, "\x00" * 1000, error)) < HEAD_BYTES


# --- What is not ours -------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # hundreds of them take their time


@EACH_LOG
@pytest.mark.parametrize("way", ["named", "default", "link"])
def test_a_file_that_is_not_ours_is_refused_before_anything_is_read(
    way: str, log: str, options: list[str], run: Run, in_tmp: Path
):
    (in_tmp / "out.txt").write_bytes(OLD)
    (in_tmp / "log").write_text(log)
    (in_tmp / "damaged").write_text("[")  # would be told of
    name = {"named": "notes.txt", "default": "out.txt.rejects.jsonl", "link": "link"}[way]
    place = in_tmp / ("notes.txt" if way == "link" else name)
    if way == "link":
        (in_tmp / "link").symlink_to("notes.txt")
    if way != "default":
        options = [*options, "--rejects", name]
    for content in FOREIGN.values():
        place.write_bytes(content)
        before = contents(in_tmp)
        arguments = [9, "log", "damaged", "-o", "out.txt", "--store", "store", *options]
        assert run(*arguments) == (1, "", said(f"{name}: {NOT_OURS}"))
        assert contents(in_tmp) == before
    assert (in_tmp / "link").is_symlink() is (way == "link")


@EACH_LOG
def test_a_directory_is_refused(log: str, options: list[str], run: Run, in_tmp: Path):
    (in_tmp / "log").write_text(log)
    (in_tmp / "out.txt.rejects.jsonl").mkdir()
    done = run(9, "log", "-o", "out.txt", *options)
    problem = "expected a file to write, got a directory; name another with --rejects"
    assert done == (1, "", said(f"out.txt.rejects.jsonl: {problem}"))
    assert sorted(os.listdir()) == ["log", "out.txt.rejects.jsonl"]


def check_replaced_or_removed(run: Run, log: str, options: list[str], content: bytes) -> None:
    """That a run over earlier rejects leaves new ones or none."""
    Path("log").write_text(log)
    Path("why").write_bytes(content)
    status = run(9, "log", "-q", "-o", "out.txt", "--rejects", "why", *options).status
    assert status == (3 if options else 0)
    if log == SAMPLE:
        assert not Path("why").exists()
    else:
        found = [json.loads(text)["reason"] for text in Path("why").read_text().splitlines()]
        assert found == ["unknown-type", "missing", "not-json"]


@EACH_LOG
def test_rejects_of_an_earlier_run_are_replaced_or_removed(
    log: str, options: list[str], run: Run, in_tmp: Path
):
    for content in OWN.values():
        check_replaced_or_removed(run, log, options, content)
    for end in range(len(EARLIER)):
        check_replaced_or_removed(run, log, options, EARLIER[:end])


def test_what_a_link_leads_to_is_removed(run: Run, in_tmp: Path):
    (in_tmp / "log").write_text(SAMPLE)
    (in_tmp / "why").write_bytes(EARLIER)
    (in_tmp / "link").symlink_to("why")
    assert run(9, "log", "-q", "-o", "out.txt", "--rejects", "link") == (0, "", "")
    assert (in_tmp / "link").is_symlink()
    assert not (in_tmp / "why").exists()


def test_there_may_be_nothing_to_remove(tmp_path: Path):
    path = tmp_path / "why"
    for content in (None, b"", EARLIER):
        if content is not None:
            path.write_bytes(content)
        with RejectsTarget(str(path)) as target:
            path.unlink(missing_ok=True)  # someone else was faster
            target.remove_earlier()
        assert os.listdir(tmp_path) == []


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory in which a test that root runs is like anybody else's."""
    place = Path(tempfile.mkdtemp())
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:
        os.chown(place, 65534, 65534)
        os.seteuid(65534)
    try:
        if not os.access(place, os.W_OK, effective_ids=is_root):
            pytest.skip("only root gets into the system's place for temporary files")
        yield place
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(place)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are those of POSIX")
def test_a_file_that_cannot_be_read_is_refused(open_place: Path):
    path = open_place / "why"
    path.write_bytes(EARLIER)
    path.chmod(0o200)
    with pytest.raises(FileError) as caught, RejectsTarget(str(path)):
        pass
    assert caught.value.cause == f"cannot be read (Permission denied), and may be no {LEFT}"
    assert os.listdir(open_place) == ["why"]
    with RejectsTarget(str(open_place / "later")) as target:
        path.rename(open_place / "later")
        for end in (target.commit, target.remove_earlier):
            with pytest.raises(FileError) as caught:
                end()
            assert caught.value.path == str(open_place / "later")
    assert os.listdir(open_place) == ["later"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are those of POSIX")
def test_rejects_that_cannot_be_removed(open_place: Path):
    path = open_place / "why"
    path.write_bytes(EARLIER)
    with RejectsTarget(str(path)) as target:
        open_place.chmod(0o500)
        with pytest.raises(FileError) as caught:
            target.remove_earlier()
        open_place.chmod(0o700)
    assert str(caught.value) == f"{path}: cannot be removed: Permission denied"
    assert path.read_bytes() == EARLIER


# --- What changes while a run goes on ---------------------------------------------------------


def put_text(path: Path) -> None:
    path.write_bytes(b"buy milk\n")


def put_rejects(path: Path) -> None:
    path.write_bytes(EARLIER)


def put_directory(path: Path) -> None:
    path.mkdir()


def put_link(path: Path) -> None:
    path.symlink_to("notes.txt")


def put_pipe(path: Path) -> None:
    os.mkfifo(path)


CAME = {
    "text": (put_text, NOT_OURS.partition(";")[0]),
    "directory": (put_directory, "is no regular file any more: left as it is"),
    "link": (put_link, "is no regular file any more: left as it is"),
    "pipe": (put_pipe, "is no regular file any more: left as it is"),
    "rejects": (put_rejects, ""),
}


@NEEDS_FIFO
@EACH_LOG
@pytest.mark.parametrize("was_there", [True, False], ids=["rejects-before", "nothing-before"])
@pytest.mark.parametrize(("put", "problem"), CAME.values(), ids=CAME.keys())
def test_what_comes_into_the_place_meanwhile_is_looked_at_again(
    *,
    put: Callable[[Path], None],
    problem: str,
    was_there: bool,
    log: str,
    options: list[str],
    start: Start,
    tmp_path: Path,
):
    out, why, fifo = (tmp_path / name for name in ("out.txt", "why", "fifo"))
    out.write_bytes(OLD)
    (tmp_path / "notes.txt").write_text("buy milk\n")
    if was_there:
        why.write_bytes(EARLIER)
    os.mkfifo(fifo)
    process = start(9, "fifo", "-q", "-o", "out.txt", "--rejects", "why", *options)
    with open(fifo, "wb") as stream:  # waits for the program to open it
        why.unlink(missing_ok=True)
        put(why)
        came = os.lstat(why)
        stream.write(log.encode())
    err = process.communicate(timeout=60)[1].decode()
    assert list(tmp_path.glob(".ltv-*")) == []
    if not problem:
        assert (process.returncode, why.exists()) == (3 if options else 0, log != SAMPLE)
        return
    assert (process.returncode, err) == (1, said(f"why: {problem}"))
    assert os.path.samestat(os.lstat(why), came)
    assert out.read_bytes() == OLD
    assert (tmp_path / "notes.txt").read_text() == "buy milk\n"


@NEEDS_FIFO
def test_a_pipe_that_became_a_file_meanwhile_is_left(tmp_path: Path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with RejectsTarget(str(path)) as target:
        target.write([EARLIER])
        path.unlink()
        path.write_bytes(b"buy milk, and bread\n" * 20)
        with pytest.raises(FileError) as caught:
            target.commit()
    assert str(caught.value) == f"{path}: became a regular file: left as it is"
    assert path.read_bytes() == b"buy milk, and bread\n" * 20


# --- What is open already ---------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], Done]:
    """Runs a script of bash where `log`, `good` and `bad` are logs; `ltv` is the program for 9."""
    bash = shutil.which("bash")
    if bash is None or not os.path.exists("/dev/fd"):
        pytest.skip("there is no bash, or no /dev/fd")
    (tmp_path / "good").write_text(SAMPLE)
    (tmp_path / "bad").write_text(SAMPLE + BAD)
    program = f"ltv() {{ '{sys.executable}' '{SOURCES}/Main_Calculation.py' 9 -q \"$@\"; }}\n"

    def run(script: str) -> Done:
        done = subprocess.run(
            [bash, "-c", program + script],
            cwd=tmp_path, env=environment_with({}), stdin=subprocess.DEVNULL,
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="module")
def rejects_of_bad(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The rejects of `bad`, by way of a regular file."""
    directory = tmp_path_factory.mktemp("rejects")
    (directory / "bad").write_text(SAMPLE + BAD)
    command = [sys.executable, SOURCES / "Main_Calculation.py", "9", "bad", "-q", "-o", "out"]
    subprocess.run(command, cwd=directory, check=True, timeout=60)
    rejects = (directory / "out.rejects.jsonl").read_text()
    places = [
        (reject["line"], reject["reason"]) for reject in map(json.loads, rejects.splitlines())
    ]
    assert places == [(7, "unknown-type"), (8, "missing"), (9, "not-json")]
    return rejects


ELSEWHERE = "; name another with -o"
OTHER_REJECTS = "; name another with --rejects"
TOO_MANY = f"3 events rejected, --strict allows 0; the first: bad, {FIRST_OF_BAD.format(7)}"
T, R = TABLE, "[rejects]"  # in what is expected; the rejects of `bad`

#: A script; its status; standard output; standard error; the files that there are then beside the
#: logs.
STREAMS: dict[str, tuple[str, int, str, str, dict[str, str]]] = {
    "results-into-a-process": ("ltv good -o >(cat)", 0, T, "", {}),
    "results-into-a-process-as-csv": ("ltv good -f csv -o >(cat)", 0, RESULTS["csv"], "", {}),
    "no-rejects-beside-a-process": ("ltv bad -o >(cat)", 0, T, "", {}),
    "rejects-into-a-process": ("ltv bad -o out --rejects >(cat)", 0, R, "", {"out": T}),
    "no-rejects-into-a-process": ("ltv good -o out --rejects >(cat)", 0, "", "", {"out": T}),
    "rejects-of-a-failure-into-a-process":
        ("ltv bad --strict -o out --rejects >(cat)", 3, R,
         said(f"{TOO_MANY}; see /dev/fd/63"), {}),
    "both-into-processes":
        ("ltv bad -o >(cat) --rejects >(cat >&2)", 0, T, R, {}),
    "from-a-process-into-one": ("ltv <(cat good) -o >(cat)", 0, T, "", {}),
    "rejects-into-standard-error-added":
        ("echo old > err; ltv bad -o out --rejects /dev/stderr 2>> err", 0, "", "",
         {"out": T, "err": "old\n" + R}),
    "no-rejects-into-standard-error-added":
        ("echo old > err; ltv good -o out --rejects /dev/stderr 2>> err", 0, "", "",
         {"out": T, "err": "old\n"}),
    "rejects-into-standard-error-at-its-place":
        ("{ echo a >&2; ltv bad -o out --rejects /dev/stderr; echo b >&2; } 2> err", 0, "", "",
         {"out": T, "err": f"a\n{R}b\n"}),
    "results-into-standard-error": ("ltv bad -o /dev/stderr", 0, "", T, {}),
    "results-into-standard-error-in-a-file":
        ("ltv bad -o /dev/stderr 2> err", 0, "", "", {"err": T}),
    "results-into-standard-output-at-its-place":
        ("{ echo a; ltv bad -o /dev/stdout; echo b; } > out", 0, "", "", {"out": f"a\n{T}b\n"}),
    "results-into-standard-output-added":
        ("echo a > out; ltv bad -o /dev/stdout >> out", 0, "", "", {"out": f"a\n{T}"}),
    "rejects-into-standard-output":
        ("ltv bad -o out --rejects /dev/stdout", 0, R, "", {"out": T}),
    "rejects-into-descriptor-1-at-its-place":
        ("{ echo a; ltv bad -o out --rejects /dev/fd/1; echo b; } > why", 0, "", "",
         {"out": T, "why": f"a\n{R}b\n"}),
    "results-at-the-place-of-a-descriptor":
        ("{ echo a >&7; ltv bad -o /dev/fd/7; echo b >&7; } 7> out", 0, "", "",
         {"out": f"a\n{T}b\n"}),
    "results-added-by-a-descriptor":
        ("echo a > out; ltv bad -o /dev/fd/7 7>> out", 0, "", "", {"out": f"a\n{T}"}),
    "results-over-what-a-descriptor-has":
        ("printf abc > out; ltv bad -o /dev/fd/7 7<> out", 0, "", "", {"out": T}),
    "rejects-at-the-place-of-a-descriptor":
        ("echo notes > why; ltv bad -o out --rejects /dev/fd/7 7>> why", 0, "", "",
         {"out": T, "why": "notes\n" + R}),
    "no-rejects-by-a-descriptor":
        ("echo notes > why; ltv good -o out --rejects /dev/fd/7 7>> why", 0, "", "",
         {"out": T, "why": "notes\n"}),
    "a-file-that-is-gone":
        ("exec 7<> out; rm out; ltv bad -o /dev/fd/7; cat /dev/fd/7", 0, T, "", {}),
    "rejects-into-the-file-of-standard-error":
        ("echo a > why; ltv bad -o out --rejects why 2>> why", 0, "", "",
         {"out": T, "why": "a\n" + R}),
    "rejects-and-the-failure-into-the-file-of-standard-error":
        ("ltv bad --strict -o out --rejects why 2> why", 3, "", "",
         {"why": R + said(f"{TOO_MANY}; see why")}),
    "no-rejects-into-the-file-of-standard-error":
        ("echo a > why; ltv good -o out --rejects why 2>> why", 0, "", "",
         {"out": T, "why": "a\n"}),
    "results-into-the-file-of-standard-error":
        ("ltv bad -o out 2> out", 0, "", "", {"out": T}),
    "proc": ("echo a > why; ltv bad -o out --rejects /proc/self/fd/2 2>> why", 0, "", "",
             {"out": T, "why": "a\n" + R}),
    "proc-thread":
        ("ltv bad -o out --rejects /proc/thread-self/fd/7 7> why", 0, "", "",
         {"out": T, "why": R}),
    "another-process":
        ("echo a > why; exec 7<> why; (exec 7>&-; ltv bad -o out --rejects /proc/$$/fd/7)",
         0, "", "", {"out": T, "why": "a\n" + R}),
    "another-process-without-it":
        ("ltv bad -o /proc/$$/fd/99 2>&1 | sed s,/$$/,/N/,", 0,
         said(f"/proc/N/fd/99: cannot be written: No such file or directory{ELSEWHERE}"), "", {}),
    "link-to-a-descriptor":
        ("ln -s /dev/fd/7 link; echo a > why; ltv bad -o out --rejects link 7>> why; rm link",
         0, "", "",
         {"out": T, "why": "a\n" + R}),
    "link-to-a-link-to-standard-error":
        ("ln -s /dev/stderr far; ln -s far link; ltv bad -o link 2> err; rm link far", 0, "", "",
         {"err": T}),
    "link-to-the-directory-of-descriptors":
        ("ln -s /dev/fd fds; ltv bad -o fds/7 7> out; rm fds", 0, "", "", {"out": T}),
    "spelt-otherwise":
        ("ltv bad -o /dev/../dev/./fd//7 7> out", 0, "", "", {"out": T}),
    "closed": ("ltv bad -o /dev/fd/77", 1, "",
               said(f"/dev/fd/77: cannot be written: it is not open{ELSEWHERE}"), {}),
    "closed-but-opened-by-the-program":
        ("exec 3>&- 4>&- 5>&- 6>&-;"
         "for n in 3 4 5 6; do ltv bad -o out --rejects /dev/fd/$n; done 2> err;"
         "sort -u err | sed s,/[3-6],/N,; rm err", 0,
         4 * said(f"/dev/fd/N: cannot be written: it is not open{OTHER_REJECTS}"), "", {}),
    "closed-standard-input":
        ("ltv bad -o out --rejects /dev/fd/0 <&-", 1, "",
         said(f"/dev/fd/0: cannot be written: it is not open{OTHER_REJECTS}"), {}),
    "closed-standard-output":
        ("ltv bad -o /dev/stdout >&-", 1, "",
         said(f"standard output: cannot be written: it is closed{ELSEWHERE}"), {}),
    "closed-standard-error":
        ("ltv bad -o out --rejects /dev/stderr 2>&-; echo $?", 0, "1\n", "", {}),
    "read-only":
        ("ltv bad -o out --rejects /dev/fd/7 7< good", 1, "",
         said(f"/dev/fd/7: cannot be written: it is open for reading alone{OTHER_REJECTS}"), {}),
    "read-only-standard-output":
        ("ltv bad -o /dev/fd/1 1< good", 1, "",
         said(f"/dev/fd/1: cannot be written: it is open for reading alone{ELSEWHERE}"), {}),
    "directory":
        ("ltv bad -o /dev/fd/7 7< .", 1, "",
         said(f"/dev/fd/7: expected a file to write, got a directory{ELSEWHERE}"), {}),
    "no-descriptor":
        ("ltv bad -o /dev/fd/none", 1, "",
         said(f"/dev/fd/none: cannot be written: No such file or directory{ELSEWHERE}"), {}),
    "one-file-for-both":
        ("ltv bad -o /dev/fd/7 --rejects /dev/fd/8 7> out 8>&7; rm out", 0, "",
         said("/dev/fd/7: cannot be the output and the rejects (/dev/fd/8) at once"), {}),
    "one-stream-for-both":
        ("ltv bad -o /dev/stderr --rejects /dev/stderr 2>&1 | cat", 0,
         said("/dev/stderr: cannot be the output and the rejects (/dev/stderr) at once"), "", {}),
    "one-device-for-both":
        ("ltv bad -o /dev/fd/7 --rejects /dev/fd/8 7> /dev/null 8> /dev/null", 0, "", "", {}),
    "input-by-a-descriptor":
        ("ltv good -o /dev/fd/7 7>> good", 1, "",
         said("/dev/fd/7: cannot be the output and an input (good) at once"), {}),
    "a-fifo-for-the-rejects":
        ("mkfifo fifo; cat fifo & ltv bad -o out --rejects fifo; wait; test -p fifo", 0, R, "",
         {"out": T}),
    "a-fifo-without-rejects":
        ("mkfifo fifo; ltv good -o out --rejects fifo; test -p fifo", 0, "", "", {"out": T}),
    "a-fifo-for-the-results":
        ("mkfifo fifo; cat fifo & ltv bad -o fifo; wait; test -p fifo", 0, T, "", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_open_is_written_to_as_it_is(
    name: str, shell: Callable[[str], Done], rejects_of_bad: str, tmp_path: Path
):
    script, status, out, err, files = STREAMS[name]
    if "/proc/" in script and not os.path.exists("/proc/self/fd"):
        pytest.skip("there is no /proc")
    devices = set(os.listdir("/dev"))
    done = shell(script)
    out, err, *texts = (text.replace(R, rejects_of_bad) for text in (out, err, *files.values()))
    assert done == (status, out, err)
    left = {path: data.decode() for path, data in contents(tmp_path).items()}
    assert left == {"good": SAMPLE, "bad": SAMPLE + BAD, **dict(zip(files, texts, strict=True))}
    assert list(tmp_path.glob(".ltv-*")) == []
    assert [name for name in set(os.listdir("/dev")) - devices if "rejects" in name] == []


def test_rejects_on_a_standard_output_whose_reader_has_gone(start: Start, tmp_path: Path):
    """It has seen enough, and the results are still put in place."""
    (tmp_path / "bad").write_text(SAMPLE + BAD)
    pipe = closed_pipe()
    arguments = (9, "bad", "-q", "-o", "out", "--rejects", "/dev/stdout")
    process = start(*arguments, stdout=pipe)
    os.close(pipe)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0
    assert (tmp_path / "out").read_text() == TABLE


def test_devices_stay(device: Callable[[str], str], run: Run, in_tmp: Path):
    (in_tmp / "bad").write_text(SAMPLE + BAD)
    null = device("null")
    for log in (SAMPLE, SAMPLE + BAD):
        (in_tmp / "log").write_text(log)
        for output, rejects in ((null, null), ("out", null), (null, "why")):
            done = run(9, "log", "-q", "-o", output, "--rejects", rejects)
            assert done == (0, "", "")
            assert stat.S_ISCHR(os.stat(null).st_mode)
