import pytest

from rag.generators.reply import (
    MAX_ANSWER_CHARS,
    SAID_NOTHING,
    SAYS_IT_DOES_NOT_KNOW,
    Reply,
    read_reply,
)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (" Tevye", "Tevye"),
        ("Four.", "Four"),
        ('Answer: "In 1889"', "In 1889"),
        ("The answer is: **Paris**", "Paris"),
        ("\n\n1889\n\nPassage 1 says so.", "1889"),
        ("<think>The tower, 1921? No.</think>\n1889", "1889"),
        ("Washington, D.C.", "Washington, D.C"),
        ("-3", "-3"),
        ("A. A. R. Rahman", "A. A. R. Rahman"),
        ("The Unknown Soldier", "The Unknown Soldier"),
        ("I Know What You Did Last Summer", "I Know What You Did Last Summer"),
        ("not guilty", "not guilty"),
    ],
)
def test_the_first_line_is_the_answer_without_its_wrapping(said, text):
    assert read_reply(said) == Reply(text)


@pytest.mark.parametrize(
    "said",
    [
        "I don't know",
        "I don’t know.",
        "I do not know the answer",
        "Unknown",
        "Not mentioned in the passages.",
        "The date is not mentioned.",
        "None of the passages mention the character.",
        "There is no information about it in the given passages.",
        "I'm sorry, but I don't have real-time information.",
        "The passages do not mention a completion date.",
        "N/A",
    ],
)
def test_a_model_that_does_not_know_abstains(said):
    assert read_reply(said) == Reply(None, SAYS_IT_DOES_NOT_KNOW)


@pytest.mark.parametrize("said", ["", " \n ", "😁", "...", "<think>I wonder", "“”"])
def test_a_model_that_says_nothing_abstains(said):
    assert read_reply(said) == Reply(None, SAID_NOTHING)


def test_an_answer_is_short_and_holds_no_control_characters():
    reply = read_reply("word \x1b[2J" * 10_000)
    assert len(reply.text) <= MAX_ANSWER_CHARS
    assert "\x1b" not in reply.text
