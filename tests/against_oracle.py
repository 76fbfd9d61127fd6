"""One run of the program in this process, held to what the oracle says of the same files."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import oracle
from conftest import Done

Files = list[tuple[str, bytes]]
Options = dict[str, Any]
Run = Callable[..., Done]  # the fixture `run`


class Ran(NamedTuple):
    """What a run left: the JSON with decimals as texts, the rejects without their messages."""

    done: Done
    result: dict[str, Any]
    rejects: list[dict[str, Any]]


def ran(run: Run, files: Files, x: int, options: Options, *more: str, of: str = "") -> Ran:
    """Run the program over files in the working directory, none of which is left there.

    `of` is a folder of them, to be given in their place.
    """
    for name, data in files:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)
    arguments = [
        f"--{name.replace('_', '-')}={value}"
        for name, value in options.items()
        if value is not None
    ]
    output, rejects_file = Path("out.json"), Path("out.json.rejects.jsonl")
    names = [of] if of else [name for name, _ in files]
    done = run(x, *names, "-q", "-o", output, *arguments, *more)
    result = json.loads(output.read_text("utf-8"), parse_float=str) if output.exists() else {}
    lines = rejects_file.read_text("utf-8").splitlines() if rejects_file.exists() else []
    rejects = [json.loads(line) for line in lines]
    for reject in rejects:
        assert reject.pop("message")
    for path in {output, rejects_file, *(Path(name) for name, _ in files)}:
        path.unlink(missing_ok=True)
    return Ran(done, result, rejects)


def compare(
    run: Run, files: Files, x: int, options: Options, *more: str
) -> oracle.Result | oracle.Failure:
    """Fail unless a run is what the oracle says, which is returned."""
    found = ran(run, files, x, options, *more)
    try:
        expected = oracle.run(files, x, **options)
    except oracle.Failure as failure:
        check_failure(found, failure, [name for name, _ in files])
        return failure
    check_result(found, expected, options)
    return expected


def check_failure(found: Ran, failure: oracle.Failure, names: list[str]) -> None:
    """Fail unless a run failed as it should, in one line that names file, line and what it is."""
    err = found.done.err
    assert (found.done.status, found.result) == (failure.status, {}), err
    assert err.count("\n") == 1, err
    file = failure.damaged_file
    if file is not None:
        assert Path(file).name in err
    if file is None:
        assert found.rejects == failure.rejects
    elif failure.is_no_log:  # what is in the files after it is nobody's concern
        until_it = names[: names.index(file) + 1]
        assert [each for each in found.rejects if each["file"] in until_it] == failure.rejects
    else:
        assert found.rejects == []
    if failure.lines:
        assert any(re.search(rf"\bline {line:,}\b", err) for line in failure.lines), err
    if failure.says is not None:
        assert failure.says.lower() in err.lower(), (failure.says, err)


def check_result(found: Ran, expected: oracle.Result, options: Options) -> None:
    """Fail unless rows, counts, rejects and warnings of a run are those expected."""
    result, err = found.result, found.done.err
    assert found.done.status == 0, err
    assert found.rejects == expected.rejects
    assert result["top"] == expected.rows
    counts = dict(expected.counts)
    for option, name in (("since", "earlier"), ("until", "later")):
        if options.get(option) is None:
            assert counts.pop(name) == 0
    assert result["events"] == counts
    for name in ("begin", "end", "customers", "visits", "orders", "images"):
        assert result[name] == getattr(expected, name), name
    texts = result["warnings"]
    assert len(texts) == len(expected.warnings) == err.count("\n"), (texts, err)
    for warned in expected.warnings:
        assert any(all(word in text for word in warned.says) for text in texts), (warned, texts)
        if warned.place is not None:
            file, line = warned.place
            assert re.search(rf"\b{re.escape(file)}\b.*\bline {line:,}\b", err), (warned, err)
