"""Promise: whatever arrives, the lab answers in words, and never with a number that is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gausswork.errors import InputError
from gausswork.lab import wire

GOOD = {"id": 7, "room": "bell", "ask": "answer", "state": {"mean": 1.5}}


def test_a_good_message_is_read_as_it_is() -> None:
    assert wire.parse(json.dumps(GOOD)) == wire.Ask(7, "bell", "answer", {"mean": 1.5})
    assert wire.parse('{"cancel": 3}') == wire.Cancel(3)
    assert wire.parse('{"id": 1, "attach": "abc", "seen": 4}') == wire.Attach(1, "abc", 4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[1, 2]", "JSON object"),
        ("null", "JSON object"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"a":' * 50_000, "not JSON"),
        ('{"id": ' + "9" * 5000 + "}", "not JSON"),
        ('{"id": NaN}', "NaN"),
        ('{"id": 1, "room": "bell", "ask": "answer", "state": {"x": Infinity}}', "Infinity"),
        ('{"id": 1, "room": "bell", "ask": "answer", "state": {"x": 1e999}}', "too large"),
        ('{"id": 1, "room": "bell", "ask": "answer", "state": {"x": -1e999}}', "too large"),
        ('{"id": -1}', "whole number"),
        ('{"id": 1.5}', "whole number"),
        ('{"id": true}', "whole number"),
        ('{"id": "1"}', "whole number"),
        ('{"room": "bell"}', "whole number"),
        ('{"id": 1, "room": 5, "ask": "answer", "state": {}}', "name of a room"),
        ('{"id": 1, "room": "bell", "ask": "eval", "state": {}}', "answer, script, train, save"),
        ('{"id": 1, "room": "bell", "ask": "answer", "state": []}', "JSON object"),
        ('{"id": 1, "room": "bell", "ask": "answer"}', "JSON object"),
        ('{"id": 1, "attach": 5, "seen": 0}', "training"),
        ('{"id": 1, "attach": "a", "seen": -1}', "whole number"),
        ('{"cancel": null}', "whole number"),
        ('{"x": "' + "a" * wire.LARGEST_MESSAGE + '"}', "characters"),
    ],
)
def test_a_bad_message_is_refused_with_the_reason_and_a_remedy(text: str, says: str) -> None:
    with pytest.raises(wire.MessageError, match=says) as refused:
        wire.parse(text)
    words = wire.refusal(refused.value)
    assert words["sentence"]
    assert words["remedy"]
    assert len(words["sentence"]) < 300


def test_the_number_of_a_refused_message_is_kept_where_it_can_be_read() -> None:
    with pytest.raises(wire.MessageError) as refused:
        wire.parse('{"id": 12, "room": "bell", "ask": "eval", "state": {}}')
    assert refused.value.id == 12


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(["id", "room", "ask", "state", "cancel", "attach", "seen"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # busy machines
@given(st.dictionaries(KEYS, JSON, max_size=7) | JSON)
def test_any_json_is_a_message_or_a_refusal(value: object) -> None:
    try:
        message = wire.parse(json.dumps(value))
    except wire.MessageError:
        return
    assert isinstance(message, wire.Ask | wire.Cancel | wire.Attach)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_message_or_a_refusal(text: str) -> None:
    with pytest.raises(wire.MessageError):
        wire.parse(text)


def test_no_answer_holds_what_json_does_not_know() -> None:
    for bad in (float("nan"), float("inf"), object()):
        with pytest.raises((ValueError, TypeError)):
            wire.write({"x": bad})


def test_an_error_is_split_into_what_is_wrong_and_what_to_do() -> None:
    words = wire.refusal(InputError("rate must be positive; got -1.5. Did you mean 1.5? Try it."))
    assert words == {
        "sentence": "Rate must be positive; got -1.5.",
        "remedy": "Did you mean 1.5? Try it.",
    }


def test_a_mistake_inside_is_said_without_a_traceback() -> None:
    words = wire.refusal(KeyError("slope"))
    assert "KeyError" in words["sentence"]
    assert "report" in words["remedy"]
    assert "memory" in wire.refusal(MemoryError())["sentence"]
