"""The address of a store on a server, `mongodb://USER:PASSWORD@HOST/DB?OPTIONS`.

As a text it is what may be shown, `mongodb://USER@HOST/DB`: a password never gets into a message,
a report or a log by anybody's forgetting that it may be there.
"""

import re
from urllib.parse import unquote_plus

_SCHEME = re.compile(r"mongodb(?:\+srv)?://", re.ASCII)

#: A database is named by what MongoDB takes on every system, in at most 63 bytes, and is none of
#: the server's own. An `@` among the options would be one of a password with `/` and `?` in it.
_ADDRESS = re.compile(
    r"""
    (?P<scheme> mongodb(?:\+srv)?:// )
    (?: (?P<user> [^/?@:]* ) (?: : (?P<password> [^/?@]* ) )? @ )?
    (?P<hosts> [^/?@\s]+ )
    / (?! (?:admin|config|local) (?:\?|$) ) (?P<database> [\w-]{1,63} )
    (?: \? (?P<options> [^@]* ) )?
    """,
    re.VERBOSE | re.ASCII,
)

#: Options of an address that are passwords and the like.
_SECRET = re.compile(r"(?i)(?:password|properties)[^=&]*=([^&]+)", re.ASCII)

#: The password of an address in any text, also of one that is misspelt or in a wrong place, but not
#: the word for it; and its options, where passwords may be, too.
_BEGIN = r"(?i)(\bmongo[a-z]*(?:\+srv)?:/+"
_PASSWORD = re.compile(_BEGIN + r"[^\s:@/]*):(?!PASSWORD@HOST/DB\b)\S*@", re.ASCII)
_OPTIONS = re.compile(_BEGIN + r"[^\s?]*\?)\S+?(?=[:,;]?(?:\s|$))", re.ASCII)


def without_passwords(text: str) -> str:
    """Return a text without the passwords of the addresses in it, wherever they come from.

    >>> without_passwords("mongodb://me:secret@db/shop?tls=true: No such file or directory")
    'mongodb://me:...@db/shop?...: No such file or directory'
    """
    return _OPTIONS.sub(r"\1...", _PASSWORD.sub(r"\1:...@", text))


def is_address(text: str) -> bool:
    """Return whether a text is, or is meant to be, the address of a store on a server."""
    return _SCHEME.match(text) is not None


class Address(str):
    """The address `full`; as a text it is that less password and options.

    Raises ValueError, which does not show it, for one that cannot be.
    """

    full: str
    database: str
    _secrets: list[str]

    def __new__(cls, full: str) -> "Address":
        match = _ADDRESS.fullmatch(full)
        if match is None:
            expected = (
                "mongodb://HOST/DB, or mongodb://USER:PASSWORD@HOST/DB with %40 for @ and so on"
            )
            raise ValueError(f"expected an address such as {expected}")
        user = f"{match['user']}@" if match["user"] else ""
        shown = f"{match['scheme']}{user}{match['hosts']}/{match['database']}"
        address = super().__new__(cls, shown)
        address.full = full
        address.database = match["database"]
        secrets = [match["password"] or "", *_SECRET.findall(match["options"] or "")]
        address._secrets = [*filter(None, secrets), *filter(None, map(unquote_plus, secrets))]
        return address

    def __getnewargs__(self) -> tuple[str]:
        """What a copy is made from, also in another process."""
        return (self.full,)

    def without_secrets(self, text: str) -> str:
        """Return a text of others' without what is secret in the address."""
        for secret in self._secrets:
            text = text.replace(secret, "...")
        return text
