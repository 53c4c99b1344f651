"""What browsers keep of the pages: files whose address has their version for good, all else only after asking."""

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

FOR_GOOD = {"public", "max-age=31536000", "immutable"}


def test_what_a_page_loads_is_kept_for_good(client: FlaskClient) -> None:
    addresses = re.findall(r'"(/static/[^"]+[?]v=[^"]+)"', client.get("/login").text)
    assert len(addresses) == 4
    for address in addresses:
        with client.get(address) as answer:
            assert (answer.status_code, kept(answer)) == (200, FOR_GOOD), address
        with client.get(address, headers={"If-None-Match": answer.headers["ETag"]}) as again:
            assert (again.status_code, kept(again)) == (304, FOR_GOOD)


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789ab"])
def test_the_address_of_another_version_is_not_kept(client: FlaskClient, query: str) -> None:
    with client.get(f"/static/site.css{query}") as answer:
        assert kept(answer) == {"no-cache"}


def test_fonts_are_kept_for_a_month(client: FlaskClient) -> None:
    with client.get("/static/vendor/geist-latin-wght-normal.woff2") as answer:
        assert kept(answer) == {"public", "max-age=2592000"}


def kept(answer: Response) -> set[str]:
    return set(answer.headers["Cache-Control"].split(", "))
