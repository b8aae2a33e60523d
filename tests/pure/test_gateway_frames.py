"""The socket's language without a socket: any text gives a request or one plain refusal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import RequestError
from bot.gateway.frames import BadFrame, Connect, Params, check, event, failure, parse, response

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Example(Params):
    session_key: str
    limit: int = 10
    nested: dict[str, int] | None = None


@given(st.text())
def test_any_text_is_a_request_or_a_refusal(text: str):
    try:
        parse(text)
    except BadFrame as bad:
        assert bad.error.code == "INVALID_PARAMS" and str(bad)


@given(st.dictionaries(st.sampled_from(["type", "id", "method", "params", "x"]), JSON))
def test_any_object_is_a_request_or_a_refusal_with_its_id(frame: dict[str, Any]):
    try:
        request = parse(json.dumps(frame))
    except BadFrame as bad:
        assert bad.id is None or bad.id == frame["id"]
    else:
        assert request.id == frame["id"] and request.method == frame["method"]


@given(JSON)
def test_connect_takes_nothing_by_accident(params: Any):
    if isinstance(params, dict):
        with pytest.raises(RequestError):
            check(Connect, params)


def test_a_request_is_read():
    request = parse('{"type":"req","id":"1","method":"chat.send","params":{"a":1}}')
    assert (request.id, request.method, request.params) == ("1", "chat.send", {"a": 1})
    assert parse('{"type":"req","id":2,"method":"health"}').params == {}


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"req","id":true,"method":"x"}',
        '{"type":"req","id":1.5,"method":"x"}',
        '{"type":"req","id":"%s","method":"x"}' % ("x" * 129),
        '{"type":"req","id":"1","id":"2","method":"x"}',
        '{"type":"event","id":"1","method":"x"}',
        "[" * 100_000,
        '{"id":' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_request_is_refused(text: str):
    with pytest.raises(BadFrame):
        parse(text)


@pytest.mark.parametrize(
    ("params", "field", "said"),
    [
        ({}, "sessionKey", "sessionKey is required"),
        ({"sessionKey": 1}, "sessionKey", "sessionKey must be text"),
        ({"session_key": "k"}, "sessionKey", "sessionKey is required"),
        ({"sessionKey": "k", "limit": "5"}, "limit", "limit must be a whole number"),
        ({"sessionKey": "k", "limit": True}, "limit", "limit must be a whole number"),
        ({"sessionKey": "k", "limt": 5}, "limt", "limt is not a parameter; did you mean limit?"),
        ({"sessionKey": "k", "nested": {"a": "b"}}, "nested.a", "nested.a must be a whole number"),
    ],
)
def test_a_wrong_parameter_is_named(params: dict[str, Any], field: str, said: str):
    with pytest.raises(RequestError) as refused:
        check(Example, params)
    assert refused.value.code == "INVALID_PARAMS"
    assert refused.value.details["field"] == field
    assert str(refused.value) == said


def test_a_refusal_never_repeats_a_value():
    with pytest.raises(RequestError) as refused:
        check(Connect, {"protocol": 1, "auth": {"token": ["s3cret"], "password": "s3cret"}})
    assert "s3cret" not in str(refused.value) + repr(refused.value.details)


def test_frames_as_the_contract_writes_them():
    assert json.loads(response("1", {"a": 1})) == {
        "type": "res",
        "id": "1",
        "ok": True,
        "payload": {"a": 1},
    }
    assert json.loads(failure("1", RequestError("NOT_FOUND", "no", {"x": 1}, retryable=True))) == {
        "type": "res",
        "id": "1",
        "ok": False,
        "error": {"code": "NOT_FOUND", "message": "no", "details": {"x": 1}, "retryable": True},
    }
    assert json.loads(event("tick", 7, {})) == {
        "type": "event",
        "event": "tick",
        "seq": 7,
        "payload": {},
    }


def test_text_that_no_socket_takes_is_made_sendable():
    assert event("chat", 1, {"text": "a\ud800\0b"}).encode()
