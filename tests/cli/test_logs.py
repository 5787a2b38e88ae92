"""What is logged, line by line, whatever strangers put into it."""

import json
import logging
import sys

import pytest

from chainrep.cli.logs import MAX_MESSAGE, JsonLines, TextLines, one_line


def record(message, *arguments, exc_info=None, **extra):
    made = logging.LogRecord("chainrep.x", logging.WARNING, "x.py", 1, message, arguments, exc_info)
    made.created = 1_700_000_000.5
    made.__dict__.update(extra)
    return made


def test_people_get_one_line_with_time_level_part_message_and_values():
    line = TextLines().format(record("batch %d", 7, part="relayer", gas=21_000, why="two words"))
    assert line == '2023-11-14T22:13:20.500Z WARNING relayer batch 7 gas=21000 why="two words"'
    assert TextLines().format(record("hello")) == "2023-11-14T22:13:20.500Z WARNING hello"


def test_machines_get_one_json_object_per_line():
    told = json.loads(JsonLines().format(record("batch %d", 7, part="relayer", gas=21_000)))
    assert told == {
        "time": "2023-11-14T22:13:20.500Z", "level": "WARNING", "logger": "chainrep.x",
        "part": "relayer", "message": "batch 7", "gas": 21_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    "hostile",
    ["\n2023 INFO all is well", "\r", "\x1b[2J", "\x00", "\x9b31m", "\u202e", "\u2028", "\ud800"],
)
def test_a_stranger_can_invent_no_line_and_speak_to_no_terminal(hostile):
    for line in (
        TextLines().format(record("%s", hostile, url=hostile)),
        JsonLines().format(record("%s", hostile, url=hostile)),
    ):
        assert line.isprintable()
        assert line.encode()
    assert json.loads(JsonLines().format(record("%s", hostile)))["message"] == one_line(hostile)


def test_text_in_any_script_is_left_as_it_is():
    assert one_line("Größe 数 ✓ a\\n") == "Größe 数 ✓ a\\n"
    assert one_line("\n\u202e") == "\\x0a\\u202e"


def test_a_message_has_an_end():
    assert len(one_line("x" * 1_000_000)) == MAX_MESSAGE + 1


def test_a_traceback_is_indented_for_people_and_one_text_for_machines():
    try:
        raise KeyError("x\n2023 INFO all is well")
    except KeyError:
        made = record("broke down", exc_info=sys.exc_info())
    first, *rest = TextLines().format(made).split("\n")
    assert first.endswith("broke down")
    assert rest[-1].startswith("    KeyError")
    assert all(line.startswith("    ") for line in rest)
    assert "KeyError" in json.loads(JsonLines().format(made))["traceback"]


def test_no_value_can_take_the_place_of_what_a_record_is():
    told = json.loads(JsonLines().format(record("true", time="never", level="INFO")))
    assert (told["level"], told["message"]) == ("WARNING", "true")
    assert told["time"].startswith("2023-")
