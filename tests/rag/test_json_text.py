import json
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import DatasetError
from rag.json_text import MAX_DEPTH, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_json_can_state_is_read_back(value):
    assert parse_json(json.dumps(value), "here") == value


def test_brackets_within_strings_are_no_nesting():
    text = json.dumps(["[[[[{{{{" * 100, '\\"[' * 100])
    assert parse_json(text, "here") == json.loads(text)


def test_nesting_is_allowed_up_to_the_limit_and_no_further():
    parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, "here")
    with pytest.raises(DatasetError, match="here: JSON nested deeper than 64 levels"):
        parse_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "here")


def test_nesting_cannot_crash_the_interpreter_when_a_library_raised_its_recursion_limit():
    program = (
        "import sys; sys.setrecursionlimit(10**7)\n"
        "from rag.json_text import parse_json\n"
        "from rag.errors import DatasetError\n"
        "try: parse_json('[' * 1_000_000, 'here')\n"
        "except DatasetError: print('refused')\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "refused\n"


def test_a_number_made_to_exhaust_the_parser_is_refused():
    with pytest.raises(DatasetError, match="here: a number in the JSON is too long"):
        parse_json("1" * 10_000, "here")


@pytest.mark.parametrize("text", ['\\"' * 500_000, '"' * 500_001, '"' + "\\\\" * 500_000])
def test_quotes_without_end_are_refused_in_linear_time(text):
    started = time.process_time()
    with pytest.raises(DatasetError, match="malformed"):
        parse_json(text, "here")
    assert time.process_time() - started < 5
