"""The house: which module may import which (src/ltv/README.md)."""

import ast
import itertools
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from conftest import PROJECT, SOURCES


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(SOURCES.rglob("*.py"))}


def imported_by(path: Path) -> set[str]:
    """The modules of ours that are imported anywhere in the file, in functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found & MODULES.keys()


IMPORTS = {name: imported_by(path) for name, path in MODULES.items()}


def package_of(module: str) -> str:
    """The package below `ltv` that a module is in; a module of `ltv` itself stands for itself."""
    parts = module.split(".")
    return ".".join(parts[:2])


def in_order(imports: dict[str, set[str]]) -> list[str]:
    try:
        return list(TopologicalSorter(imports).static_order())
    except CycleError as error:
        pytest.fail(f"these import each other: {' -> '.join(error.args[1])}")


def test_the_users_four_files_and_one_package_are_all_there_is_in_src():
    assert sorted(path.name for path in SOURCES.iterdir() if path.name != "__pycache__") == [
        "LTV_Calculate.py",
        "LTV_Classes.py",
        "LTV_Ingest.py",
        "Main_Calculation.py",
        "ltv",
    ]


def test_no_modules_import_each_other():
    assert len(in_order(IMPORTS)) == len(MODULES)


def test_no_packages_import_each_other():
    packages: dict[str, set[str]] = {}
    for module, imported in IMPORTS.items():
        own = package_of(module)
        packages.setdefault(own, set()).update(map(package_of, imported))
        packages[own].discard(own)
    in_order(packages)


def test_a_cycle_is_noticed():
    with pytest.raises(pytest.fail.Exception, match="these import each other: a -> b -> a"):
        in_order({"a": {"b"}, "b": {"a"}})


SPEC = PROJECT / "tests" / "SPEC.md"
SHARED_SPEC = PROJECT.parent / "shared" / "SPEC.md"
DATE = re.compile(r"^Date of this text: (\d{4}-\d{2}-\d{2})\.$", re.MULTILINE)


@pytest.mark.skipif(not SHARED_SPEC.exists(), reason="shared/SPEC.md is not beside the project")
def test_spec_is_the_one_that_is_shared():
    ours, theirs = (path.read_text("utf-8") for path in (SPEC, SHARED_SPEC))
    pairs = itertools.zip_longest(ours.splitlines(), theirs.splitlines())
    differing = [number for number, (one, other) in enumerate(pairs, 1) if one != other]
    if differing and date_of(theirs) > date_of(ours):
        pytest.skip(f"shared/SPEC.md is newer, and differs from line {differing[0]} on")
    assert differing == []


def date_of(spec: str) -> str:
    match = DATE.search(spec)
    assert match, "a specification has a date"
    return match[1]
