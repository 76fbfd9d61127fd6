"""JSON as it is written: exact decimals, and nothing in it that a terminal would act on.

json_object([("ltv", Decimal("3468.40"))])      {"ltv": 3468.40}
"""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal

from ltv.terminal import UNSAFE

_DELETE = "\x7f"

_encoded = json.JSONEncoder(ensure_ascii=False).encode


def json_text(value: object) -> str:
    """Return JSON of `value` in one line, characters in it as they are but for unsafe ones.

    A Decimal is written with its very digits, which `json.dumps` cannot do; a NamedTuple as object.
    """
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    if isinstance(value, tuple):
        return json_object(_members(value))
    return safe(_encoded(value))


def safe(text: str) -> str:
    """Return JSON with what a terminal would act on escaped.

    In JSON, control characters are escaped but for one; what else is unsafe is never printable.
    """
    if _DELETE not in text if text.isascii() else text.isprintable():
        return text
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def json_object(members: Iterable[tuple[str, object]]) -> str:
    """Return a JSON object in one line, of members that `json_text` takes."""
    return "{" + ", ".join(f'"{name}": {json_text(value)}' for name, value in members) + "}"


def _members(value: tuple[object, ...]) -> Iterator[tuple[str, object]]:
    """Return names and values of a NamedTuple."""
    names: tuple[str, ...] = getattr(value, "_fields")  # noqa: B009 - mypy knows no type of them all
    return zip(names, value, strict=True)


def json_block(value: object, indent: str) -> str:
    """Return JSON of `value` over several lines where it holds a list of objects."""
    if not _is_block(value):
        return json_text(value)
    inner = indent + "  "
    if isinstance(value, tuple):
        lines = [f'{inner}"{name}": {json_block(part, inner)}' for name, part in _members(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    assert isinstance(value, list)
    return "[\n" + ",\n".join(inner + json_text(part) for part in value) + f"\n{indent}]"


def _is_block(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], tuple)
    return isinstance(value, tuple) and any(map(_is_block, value))
