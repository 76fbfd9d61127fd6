"""The address of a store on a server: what may be shown of it, and what is no address."""

import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done
from ltv.address import Address, is_address

Run = Callable[..., Done]

SHOWN = [
    ("mongodb://localhost/shop", "mongodb://localhost/shop"),
    ("mongodb://a:1,b:2/shop?replicaSet=rs", "mongodb://a:1,b:2/shop"),
    ("mongodb+srv://x.example/my-shop_2", "mongodb+srv://x.example/my-shop_2"),
    ("mongodb://[::1]:27017/shop", "mongodb://[::1]:27017/shop"),
    ("mongodb://u:s%40cret@h/shop?authSource=admin", "mongodb://u@h/shop"),
    ("mongodb://u:@h/shop", "mongodb://u@h/shop"),
    ("mongodb://u@h/shop?tls=true&tlsCertificateKeyFilePassword=s%40cret", "mongodb://u@h/shop"),
]


@pytest.mark.parametrize(("full", "shown"), SHOWN)
def test_what_is_shown(full: str, shown: str):
    address = Address(full)
    for one in (address, pickle.loads(pickle.dumps(address))):
        assert (str(one), f"{one}", repr(one), one.full) == (shown, shown, repr(shown), full)
        assert one.database in shown
        said = one.without_secrets("refused: s@cret, s%40cret")
        assert ("s%40cret" in full) == (said == "refused: ..., ...")


NO_ADDRESSES = [
    "mongodb://",
    "mongodb://localhost",
    "mongodb://localhost/",
    "mongodb://localhost/?w=1",
    "mongodb://u:s3cr/t@localhost/shop",
    "mongodb://u:s3cr@t@localhost/shop",
    "mongodb://localhost/s3cr.t",
    "mongodb://local host/shop",
    "mongodb+srv:///shop",
    "mongodb://u:p/s3cr?t@localhost/shop",
    "mongodb://localhost/admin",
    "mongodb://localhost/local?w=1",
]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address(text: str, run: Run):
    assert is_address(text)
    done = run(1, "--store", text)
    assert done.status == 2
    assert "such as mongodb://HOST/DB, or mongodb://USER:PASSWORD@HOST/DB with" in done.err
    assert "s3cr" not in done.err


@pytest.mark.parametrize(
    "text",
    [
        "mongodb://u:s3cr@t@h/shop",
        "MONGODB+srv:/u:s3/cr?@t@h",
        "mongodb://h/shop?w=1&tlsCertificateKeyFilePassword=s3:cr,t",
    ],
)
@pytest.mark.parametrize("place", [(), (1,), (1, "x", "-o"), (1, "x", "--stroe"), (1, "--store")])
def test_an_address_in_a_wrong_place(text: str, place: tuple[object, ...], run: Run):
    done = run(*place, text, "--strict")
    assert done.status in (1, 2)
    assert "s3" not in done.err


@pytest.mark.parametrize(
    "path", ["mongodb", "mongodb:", "mongodb:/x", "MONGODB://x/y", "x/mongodb://"]
)
def test_what_is_the_path_of_a_file(path: str):
    assert not is_address(path)


def test_pymongo_is_needed(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pymongo.errors", None)
    done = run(1, "--store", "mongodb://u:s3cret@localhost/shop", "-o", "out")
    told = "mongodb://u@localhost/shop: a store on a server needs pymongo: pip install pymongo"
    assert done == (1, "", f"Main_Calculation.py: {told}\n")
    assert not Path("out").exists()
