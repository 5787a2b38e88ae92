import asyncio
import re

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from chainrep.service.server import HttpServer
from rag.errors import ModelError
from rag.generators.causal import CausalGenerator
from rag.generators.endpoint import EndpointGenerator
from rag.generators.reply import Reply
from rag.openai_endpoint import OpenAIEndpoint
from rag.types import Passage
from tests.rag import completion_server as servers

QUESTION = "When was the tower completed?"
YEAR = re.compile(r"\b1[89]\d\d\b")


class YearServer:
    """Speaks the protocol; its model answers with the first year that it is shown."""

    def __init__(self):
        self.asked = []
        self.at_once = self.most_at_once = 0
        self.app = Starlette(routes=[Route("/v1/chat/completions", self.chat, methods=["POST"])])

    async def chat(self, request):
        body = await request.json()
        system, user = body["messages"]
        self.asked.append(body)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.05)
        self.at_once -= 1
        if "broken" in user["content"]:
            return JSONResponse({"error": {"message": "overloaded"}}, 500)
        found = YEAR.search(user["content"])
        said = f"Answer: {found[0]}." if found else "I don't know"
        message = {"role": "assistant", "content": said}
        return JSONResponse({"choices": [{"message": message, "finish_reason": "stop"}]})


@pytest.fixture
def year_server():
    return YearServer()


@pytest.fixture
def endpoint(year_server):
    with HttpServer(year_server.app) as server:
        endpoint = OpenAIEndpoint(server.url, "years")
        yield endpoint
        endpoint.close()


def years(*found):
    return [[Passage(f"The tower was completed in {year}.")] for year in found]


def test_every_set_is_answered_on_its_own_and_in_its_place(endpoint, year_server):
    answers = EndpointGenerator(endpoint).answer(QUESTION, [*years(1889, 1921), []])
    assert answers == ["1889", "1921", None]
    assert all(body["temperature"] == 0 and body["max_tokens"] == 32 for body in year_server.asked)
    assert [m["role"] for m in year_server.asked[0]["messages"]] == ["system", "user"]


def test_sets_are_asked_at_once_but_no_more_than_agreed(endpoint, year_server):
    generator = EndpointGenerator(endpoint, at_once=3)
    assert generator.answer(QUESTION, years(*range(1880, 1892))) == [
        str(year) for year in range(1880, 1892)
    ]
    assert 2 <= year_server.most_at_once <= 3


def test_one_set_that_fails_abstains_and_the_others_are_answered(endpoint, caplog):
    sets = [*years(1889), [Passage("broken")], *years(1921)]
    replies = EndpointGenerator(endpoint).replies(QUESTION, sets)
    assert replies[0] == Reply("1889")
    assert replies[1] == Reply(None, "127.0.0.1 answers with status 500.")
    assert replies[2] == Reply("1921")
    assert "a set of passages was not answered" in caplog.text


def test_a_set_without_a_word_abstains_alone(endpoint, year_server):
    replies = EndpointGenerator(endpoint).replies(
        QUESTION, [*years(1889), [Passage(" \u200b", "1921")]]
    )
    assert replies == [Reply("1889"), Reply(None, "its passages are empty")]
    assert len(year_server.asked) == 1
    assert EndpointGenerator(endpoint).answer(QUESTION, [[Passage(" ")]]) == [None]


def test_when_all_fail_the_endpoint_is_at_fault(endpoint):
    with pytest.raises(ModelError, match="status 500"):
        EndpointGenerator(endpoint).answer(
            QUESTION, [[Passage("broken")], [Passage("broken, too")]]
        )


def test_long_passages_are_cut_before_they_are_sent(endpoint, year_server):
    long = [Passage("In 1889. " * 10_000), Passage("In 1921.")]
    EndpointGenerator(endpoint, max_chars=2_000).answer(QUESTION, [long])
    sent = year_server.asked[0]["messages"][1]["content"]
    assert len(sent) < 2_400
    assert "In 1921." in sent


def test_without_chat_the_prompt_is_a_text_to_continue(endpoint):
    with pytest.raises(ModelError, match="status 404"):
        EndpointGenerator(endpoint, chat=False).answer(QUESTION, years(1889))


def test_no_set_is_no_request(endpoint, year_server):
    assert EndpointGenerator(endpoint).answer(QUESTION, []) == []
    assert year_server.asked == []


def test_a_limit_below_one_is_refused(endpoint):
    with pytest.raises(ModelError, match="below 1"):
        EndpointGenerator(endpoint, at_once=0)


def test_the_same_model_says_the_same_here_and_behind_an_endpoint(
    small_llama, demo_corpus, monkeypatch
):
    template = "{% for m in messages %}{{ m.content }}{% endfor %} Lake Baikal is"
    monkeypatch.setattr(small_llama.tokenizer, "chat_template", template)
    sets = [list(demo_corpus.passages[:1]), list(demo_corpus.passages[3:5])]
    with HttpServer(servers.serving(small_llama)) as server:
        endpoint = OpenAIEndpoint(server.url, "small", servers.KEY)
        there = EndpointGenerator(endpoint, max_tokens=8).answer(QUESTION, sets)
        endpoint.close()
    assert there == CausalGenerator(small_llama, max_tokens=8).answer(QUESTION, sets)
    assert any(there)
