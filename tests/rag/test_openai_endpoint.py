import json

import pytest

from chainrep.service.server import HttpServer
from rag.causal_model import chat_prompt
from rag.errors import ModelError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import generate
from rag.lsh.tampering import tamper
from rag.lsh.text_check import SCOPE, check_text
from rag.lsh.token_check import TokenCheck
from rag.openai_endpoint import EndpointAnswer, OpenAIEndpoint
from tests.rag import completion_server as servers

CHECK = TokenCheck(threshold=0.01, clip=5.0)
QUESTIONS = ["The Blue Nile leaves", "Lake Baikal is", "The first bridge over", "A river"]
TEMPLATE = "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}{% endfor %} answer:"


def asked(app, **options):
    """An endpoint's answer to the first question, from a real server."""
    with HttpServer(app) as server:
        endpoint = OpenAIEndpoint(server.url, "small", **options)
        try:
            return endpoint.complete(QUESTIONS[0], 24)
        finally:
            endpoint.close()


@pytest.fixture(scope="module")
def url(small_llama):
    with HttpServer(servers.serving(small_llama)) as server:
        yield server.url


@pytest.fixture
def endpoint(url):
    endpoint = OpenAIEndpoint(f"{url}/v1/", "small", servers.KEY)
    yield endpoint
    endpoint.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_words_of_the_promised_model_are_accepted(small_llama, endpoint, question):
    answer = endpoint.complete(question, 40)
    finding = check_text(small_llama, small_llama.tokens(question), answer, CHECK)
    assert finding.accepted
    assert finding.score < 1e-3
    assert finding.scope == SCOPE
    assert "Hidden states were not seen" in SCOPE


def test_the_words_of_another_model_have_a_score_where_they_differ_and_are_rejected_together(
    small_llama, endpoint
):
    honest = [endpoint.complete(question, 40) for question in QUESTIONS]
    with HttpServer(servers.serving(tamper(small_llama, "int4"))) as server:
        other = OpenAIEndpoint(server.url, "small", servers.KEY)
        answers = [other.complete(question, 40) for question in QUESTIONS]
        other.close()
    prompts = [small_llama.tokens(question) for question in QUESTIONS]
    found = [check_text(small_llama, p, a, CHECK) for p, a in zip(prompts, answers, strict=True)]
    same = [a.text == h.text for a, h in zip(answers, honest, strict=True)]
    assert [finding.score < 1e-4 for finding in found] == same
    assert sum(finding.score for finding in found) / len(found) > CHECK.threshold
    assert not all(finding.accepted for finding in found)


def test_one_changed_word_is_rejected(small_llama, endpoint):
    answer = endpoint.complete(QUESTIONS[0], 40)
    words = answer.text.split(" ")
    words[len(words) // 2] = "Paris"
    forged = EndpointAnswer(" ".join(words), answer.stopped, 40)
    assert not check_text(small_llama, small_llama.tokens(QUESTIONS[0]), forged, CHECK).accepted


def test_an_answer_cut_short_is_rejected(small_llama, endpoint):
    answer = endpoint.complete(QUESTIONS[0], 40)
    prompt = small_llama.tokens(QUESTIONS[0])
    half = answer.text[: len(answer.text) // 2]
    short = check_text(small_llama, prompt, EndpointAnswer(half, False, 40), CHECK)
    stopped = check_text(small_llama, prompt, EndpointAnswer(half, True, 40), CHECK)
    assert (short.cut_short, short.accepted, stopped.accepted) == (True, False, False)


def test_an_answer_that_ends_by_itself_is_accepted(small_llama):
    """An end token that greedy decoding does reach: the model's own sixth token here."""
    from dataclasses import replace

    prompt = small_llama.tokens(QUESTIONS[1])
    spec = DecodeSpec(0, max_tokens=40)
    tokens = generate(small_llama, [prompt], spec, [bytes(32)])[0].tokens
    end = next(i for i, token in enumerate(tokens) if i > 3 and token not in tokens[:i])
    ending = replace(small_llama, end_tokens=(tokens[end],))
    answer = EndpointAnswer(small_llama.text(tokens[:end]), True, 40)
    finding = check_text(ending, prompt, answer, CHECK)
    assert (finding.accepted, finding.tokens) == (True, end)


def test_words_are_spelled_as_the_model_spelled_them(small_llama, prompts):
    """Not always as the tokenizer would: an honest answer has no margin all the same."""
    spec = DecodeSpec(0, max_tokens=60, end_tokens=small_llama.end_tokens)
    unusual = 0
    for given in generate(small_llama, prompts, spec, [bytes(32)] * len(prompts)):
        words = [token for token in given.tokens if token not in small_llama.end_tokens]
        text = small_llama.text(words)
        answer = EndpointAnswer(text, len(words) < len(given.tokens), 60)
        finding = check_text(small_llama, given.prompt, answer, CHECK)
        assert (finding.tokens, finding.score) == (len(words), 0.0)
        unusual += small_llama.tokenizer(text, add_special_tokens=False)["input_ids"] != words
    assert unusual > 0


def test_a_chat_is_asked_and_checked_by_the_tokenizers_own_template(
    small_llama, endpoint, monkeypatch
):
    messages = [{"role": "user", "content": "Where does the Nile end?"}]
    with pytest.raises(ModelError, match="no chat template"):
        chat_prompt(small_llama, messages)
    monkeypatch.setattr(small_llama.tokenizer, "chat_template", TEMPLATE)
    answer = endpoint.chat(messages, 24)
    assert check_text(small_llama, chat_prompt(small_llama, messages), answer, CHECK).accepted


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"[]",
        b'{"choices":[]}',
        b'{"choices":[7]}',
        b'{"choices":{"0":1}}',
        b'{"choices":[{"text":7,"finish_reason":"stop"}]}',
        b'{"choices":[{"text":"a","finish_reason":"content_filter"}]}',
        b'{"choices":[{"text":"","finish_reason":"length"}]}',
        b'{"choices":[{"text":"a"}]}',
        b"[" * 100_000,
        json.dumps({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}).encode(),
    ],
)
def test_an_answer_of_another_form_is_refused(content):
    with pytest.raises(ModelError, match="something else than one answer"):
        asked(servers.saying(content))


def test_an_endless_answer_is_cut_off_by_its_size():
    with pytest.raises(ModelError, match="more than 4,194,304 bytes"):
        asked(servers.endless(pause=0))


def test_an_endless_answer_is_cut_off_by_time():
    with pytest.raises(ModelError, match=r"longer than 0\.2 s"):
        asked(servers.endless(pause=0.05), answer_seconds=0.2)


def test_a_redirect_is_not_followed(url):
    with pytest.raises(ModelError, match="status 307"):
        asked(servers.redirecting(f"{url}/v1/completions"), api_key=servers.KEY)


def test_a_wrong_key_is_told_without_showing_it(url):
    endpoint = OpenAIEndpoint(url, "small", "sk-wrong")
    with pytest.raises(ModelError, match="status 401") as caught:
        endpoint.complete("A river", 4)
    endpoint.close()
    assert "sk-wrong" not in str(caught.value) + repr(endpoint)


def test_a_key_is_not_sent_in_the_clear_to_another_machine():
    with pytest.raises(ModelError, match="would travel unencrypted"):
        OpenAIEndpoint("http://models.example/v1", "small", "sk-x")


def test_no_proxy_hears_what_is_sent_in_the_clear(small_llama, monkeypatch):
    for name in ("http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    heard = []
    with (
        HttpServer(servers.serving(small_llama)) as server,
        HttpServer(servers.overhearing(heard)) as proxy,
    ):
        for name in ("HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        endpoint = OpenAIEndpoint(server.url, "small", servers.KEY)
        assert endpoint.complete(QUESTIONS[0], 4).text
        endpoint.close()
    assert heard == []


def test_a_proxy_is_asked_for_a_tunnel_to_an_https_endpoint_and_hears_no_key(monkeypatch):
    heard = []
    with HttpServer(servers.overhearing(heard)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        endpoint = OpenAIEndpoint("https://models.example", "small", servers.KEY, wait_seconds=5)
        with pytest.raises(ModelError, match=r"does not answer \(ProxyError\)"):
            endpoint.complete("A river", 4)
        endpoint.close()
    assert [method for method, _ in heard] == ["CONNECT"]
    assert "authorization" not in heard[0][1]


def test_a_server_that_is_not_there_is_told(small_llama):
    with HttpServer(servers.serving(small_llama)) as server:
        gone = server.url
    endpoint = OpenAIEndpoint(gone, "small", wait_seconds=2)
    with pytest.raises(ModelError, match=r"does not answer \(ConnectError\)"):
        endpoint.complete("A river", 4)
    endpoint.close()


@pytest.mark.parametrize("where", ["", "ftp://x", "http://", "nonsense", "http://[::1"])
def test_what_is_no_url_is_refused(where):
    with pytest.raises(ModelError, match="no http:// or https:// URL"):
        OpenAIEndpoint(where, "small")


@pytest.mark.parametrize("prompt", ["", "a" * 1_000_001])
def test_prompts_are_bounded(endpoint, prompt):
    with pytest.raises(ModelError, match="Give 1 to 1,000,000"):
        endpoint.complete(prompt, 4)
