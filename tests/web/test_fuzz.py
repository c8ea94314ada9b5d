"""Whatever is asked, the answer is as described: no fault, no field that the document does not know."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.specs.openapi.checks import response_schema_conformance

from liandong.adapters.http import make_router
from liandong.web.schema import openapi_document
from liandong.wiring.service import Server, free_socket
from tests.web.town import CENTRE, OPERATOR, Town

pytestmark = pytest.mark.slow
_schema = schemathesis.openapi.from_dict(openapi_document([make_router(None)]))


@pytest.fixture(scope="module")
def url(town: Town) -> Iterator[str]:
    server = Server(town.app, free_socket("127.0.0.1", 0)).start()
    town.open_case()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


def test_events_are_as_described(town: Town, url: str) -> None:
    """A stream has no end to wait for: its beginning is compared, and it is not among the requests below."""
    described = _schema.raw_schema["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"]
    schema = described["text/event-stream"]["schema"]
    headers = {"Authorization": f"Bearer {town.token(post=CENTRE)}"}
    with httpx.stream("GET", f"{url}/api/v1/events", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        event: dict[str, str] = {}
        for line in answer.iter_lines():
            name, colon, value = line.partition(":")
            if name and colon:
                event[name] = value.strip()
            elif "event" in event:  # before it only the pause before a reconnect
                break
    assert schema["type"] == "object" and set(schema["properties"]) <= set(event)
    assert event["event"] == "ready"
    assert json.loads(event["data"])["position"] == int(event["id"])


@_schema.exclude(operation_id="listen").parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_any_request(case: schemathesis.Case, town: Town, url: str) -> None:
    """As an operator, as the centre and as a source, so that it gets past the sign-in."""
    for token in (
        town.token(post=OPERATOR),
        town.token(post=CENTRE),
        town.token(source=town.channels()[0].source),
    ):
        case.call_and_validate(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            checks=[checks.not_a_server_error, response_schema_conformance],
        )
    assert town.platform.accounting.check() == [] or not town.platform.quiet()
