from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.api.beside.desk_side import DeskSide, Phase
from apps.api.beside.messages import (
    MAX_LINE_BYTES,
    VERSION,
    Answer,
    Asked,
    Begun,
    Done,
    Garbled,
    Greeting,
    Lines,
    Message,
    OtherVersion,
    Question,
    Refusal,
    Screen,
    Shown,
    decoded,
    encoded,
)
from apps.api.outcomes import ExitCode
from apps.domain.errors import IllegalTransition

LAW = settings(deadline=None, max_examples=100)
text = st.text(st.characters(codec="utf-8"), max_size=20)
whole = st.integers(0, 2**31 - 1)
screens = st.builds(
    Screen,
    columns=whole,
    lines=whole,
    out_is_terminal=st.booleans(),
    err_is_terminal=st.booleans(),
    interactive=st.booleans(),
    out_encoding=text,
    err_encoding=text,
    variables=st.dictionaries(text, text, max_size=3),
)
asked = st.builds(
    Asked,
    version=st.just(VERSION),
    words=st.lists(text, max_size=4).map(tuple),
    screen=screens,
    settings=st.dictionaries(text, st.tuples(text, text), max_size=3),
    confirm_live=text,
)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Greeting, version=st.just(VERSION), process=whole),
    asked,
    st.just(Begun()),
    st.builds(Shown, text=text, to_stderr=st.booleans()),
    st.builds(Question, prompt=text),
    st.builds(Answer, text=text, is_end=st.booleans()),
    st.builds(Done, exit_code=st.sampled_from(ExitCode)),
    st.builds(Refusal, reason=text),
)
SCREEN = Screen(80, 25, False, False, True, "utf-8", "utf-8", {})
ASKED = Asked(VERSION, ("positions",), SCREEN, {}, "")


@LAW
@given(messages)
def test_message_comes_back_from_its_line(message: Message) -> None:
    line = encoded(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decoded(line[:-1]) == message


@LAW
@given(st.lists(messages, max_size=5), st.data())
def test_lines_are_the_same_wherever_the_bytes_are_cut(
    sent: list[Message], data: st.DataObject
) -> None:
    stream = b"".join(map(encoded, sent))
    lines, heard = Lines(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        heard += [decoded(line) for line in lines.feed(stream[:size])]
        stream = stream[size:]
    assert heard == sent


@LAW
@given(st.one_of(st.binary(max_size=60), messages.map(encoded).map(lambda line: line[:-2])))
def test_bytes_that_are_no_message_are_garbled_and_nothing_worse(line: bytes) -> None:
    with pytest.raises(Garbled):
        decoded(line.replace(b"\n", b""))


@LAW
@given(
    messages,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | text,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
        max_leaves=4,
    ),
    st.data(),
)
def test_field_of_another_kind_is_garbled_or_still_a_message_of_its_kind(
    message: Message, cell: object, data: st.DataObject
) -> None:
    content = json.loads(encoded(message))
    name = data.draw(st.sampled_from(sorted(content)))
    content[name] = cell
    try:
        heard = decoded(json.dumps(content).encode())
    except Garbled:
        return
    assert type(heard) is type(message) or name == "kind"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"kind": "begun", "more": 1}',
        b'{"kind": ["begun"]}',
        b'{"kind": "done", "exit_code": 77}',
        b'{"kind": "done", "exit_code": true}',
        b'{"kind": "question", "prompt": "\\ud800"}',
    ],
)
def test_line_that_is_nearly_a_message_is_garbled(line: bytes) -> None:
    with pytest.raises(Garbled):
        decoded(line)


def test_other_version_is_told_whatever_else_its_message_holds() -> None:
    with pytest.raises(OtherVersion, match="speaks version 2, and this side 1"):
        decoded(b'{"kind": "greeting", "version": 2, "moods": []}')


def test_line_without_an_end_is_given_up_and_not_kept() -> None:
    lines = Lines()
    assert lines.feed(b"x" * MAX_LINE_BYTES) == []
    with pytest.raises(Garbled, match="longer than"):
        lines.feed(b"x")


# ---------------------------------------------------------------- whose turn it is


def test_conversation_is_asked_then_answers_to_questions() -> None:
    side = DeskSide()
    line = encoded(ASKED)
    assert side.feed(line[:10]) == []
    assert side.feed(line[10:]) == [ASKED]
    side.ask()
    assert side.feed(encoded(Answer("yes"))) == [Answer("yes")]
    side.ask()
    assert side.feed(encoded(Answer("", is_end=True))) == [Answer("", is_end=True)]


@pytest.mark.parametrize("said", [Answer("yes"), Begun(), Done(ExitCode.DONE), ASKED])
def test_what_is_said_out_of_turn_is_garbled_and_changes_nothing(said: Message) -> None:
    side = DeskSide()
    if said is ASKED:
        side.feed(encoded(ASKED))
    before = side.phase
    with pytest.raises(Garbled, match=before.value):
        side.feed(encoded(said))
    assert side.phase is before


def test_two_answers_to_one_question_are_garbled() -> None:
    side = DeskSide()
    side.feed(encoded(ASKED))
    side.ask()
    with pytest.raises(Garbled):
        side.feed(encoded(Answer("no")) + encoded(Answer("yes")))


def test_second_question_while_one_is_open_is_a_bug() -> None:
    side = DeskSide()
    side.feed(encoded(ASKED))
    side.ask()
    with pytest.raises(IllegalTransition):
        side.ask()
    assert side.phase is Phase.ASKING
