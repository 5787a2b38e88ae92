"""``chainrep verify`` and ``chainrep jobs calibrate`` as people call them."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from chainrep.chain.devnet import dev_accounts
from chainrep.cli.app import cli
from chainrep.errors import ChainrepError, InputError, StoreError
from chainrep.protocol.receipt_file import dump_receipt
from chainrep.service.server import HttpServer
from rag.jobs.options import writing
from rag.jobs.order import Order
from rag.lsh.calibration_file import read_calibration, write_calibration
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import generate
from rag.lsh.tampering import tamper
from tests.rag.completion_server import KEY as ENDPOINT_KEY
from tests.tools import lines

KEY = dev_accounts(1)[0].private_key
SALT, JOB = b"s" * 32, bytes(32)


@pytest.fixture(scope="module")
def files(runner, tmp_path_factory):
    """Where the calibration is, an honest receipt, and one of a model with int4 weights."""
    folder = tmp_path_factory.mktemp("receipts")
    write_calibration(runner.calibration, folder / "calibration.json")
    decode = DecodeSpec(max_tokens=64, end_tokens=runner.model.end_tokens)
    order = Order(SALT, tuple(runner.model.tokens("The first ship that")), decode)
    cheat = replace(runner, model=tamper(runner.model, "int4"))
    for name, who in (("honest", runner), ("cheat", cheat)):
        receipt, words = who.answer(order, JOB, KEY)
        (folder / f"{name}.json").write_bytes(dump_receipt(receipt, words))
        (folder / f"{name}.bare.json").write_bytes(dump_receipt(receipt))
    return folder


def call(runner, files, *arguments):
    options = ["--model", str(runner.model.folder), "--max-tokens", "64"]
    options += ["--calibration", str(files / "calibration.json")]
    done = CliRunner().invoke(cli, ["verify", *arguments, *options], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done


def test_an_honest_receipt_matches_and_a_cheaper_model_does_not(runner, files):
    done = call(runner, files, str(files / "honest.json"), "--json")
    found = json.loads(done.stdout)
    assert (done.return_value or 0, found["verdict"]) == (0, "match")
    assert found["provider"] == dev_accounts(1)[0].address
    assert [leaf["leaf"] for leaf in found["leaves"]] == [0, 1]
    done = call(runner, files, str(files / "cheat.json"))
    assert done.return_value == 1
    assert "mismatch: " in done.stdout
    assert "bits differ" in done.stdout


def test_other_sampling_than_the_receipts_is_named(runner, files):
    done = call(runner, files, str(files / "honest.json"), "--temperature", "0.5", "--json")
    assert done.return_value == 1
    assert "the way tokens are chosen" in json.loads(done.stdout)["reasons"][0]


def test_an_unknown_machine_is_inconclusive_and_no_accusation(runner, files):
    done = call(runner, files, str(files / "cheat.json"), "--provider-setting", "h100/float32/sdpa")
    assert done.return_value == 1
    assert "inconclusive: " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["honest.bare.json"], "without prompt, answer and salt"),
        (["calibration.json"], "no inference receipt"),
        (["missing.json"], "cannot be read"),
        (["honest.json", "--provider-setting", "cpu"], "no setting"),
        (["honest.json", "--endpoint-key-fd", "0"], "Leave --endpoint-model, --prompt and"),
        (["honest.json", "--endpoint-model", "m"], "without asking an endpoint"),
        (["honest.json", "--prompt", ""], "without asking an endpoint"),
    ],
)
def test_a_file_or_option_that_is_of_no_use_is_misuse(runner, files, arguments, said):
    name, *rest = arguments
    with pytest.raises(InputError, match=said) as caught:
        call(runner, files, str(files / name), *rest)
    assert caught.value.exit_code == 2


def test_a_receipt_or_an_endpoint_has_to_be_given():
    options = ["--model", "m", "--calibration", "c"]
    for arguments in ([], ["r.json", "--endpoint", "http://a"], ["--endpoint", "http://a"]):
        assert CliRunner().invoke(cli, ["verify", *arguments, *options]).exit_code == 2


def endpoint(model):
    async def complete(request):
        assert request.headers["Authorization"] == f"Bearer {ENDPOINT_KEY}"
        asked = await request.json()
        spec = DecodeSpec(0, max_tokens=asked["max_tokens"], end_tokens=model.end_tokens)
        (made,) = generate(model, [model.tokens(asked["prompt"])], spec, [bytes(32)])
        text = model.text(made.tokens)
        return JSONResponse({"choices": [{"text": text, "finish_reason": "length"}]})

    return Starlette(routes=[Route("/v1/completions", complete, methods=["POST"])])


def test_an_endpoints_words_are_checked_and_that_no_states_were_seen_is_said(runner, files):
    other = tamper(runner.model, "noise_1pct", seed=1)
    for parameter in other.network.parameters():
        parameter.data.mul_(-1)
    for model, verdict in ((runner.model, "match"), (other, "mismatch")):
        with HttpServer(endpoint(model)) as server, lines(ENDPOINT_KEY) as key:
            done = call(
                runner, files, "--endpoint", server.url, "--endpoint-model", "small",
                "--prompt", "The first ship that", "--max-tokens", "24", "--endpoint-key-fd", key,
            )  # fmt: skip
        assert f"{verdict}: " in done.stdout
        assert (done.return_value or 0) == (verdict == "mismatch")
        assert "Hidden states were not seen" in done.stdout


def test_a_calibration_is_measured_and_written(runner, tmp_path):
    out = tmp_path / "calibration.json"
    done = CliRunner().invoke(
        cli,
        ["jobs", "calibrate", "--model", str(runner.model.folder), "--out", str(out),
         "--answers", "48", "--tokens", "32", "--bound", "0.2", "--threads", "1", "--json"],
        standalone_mode=False,
    )  # fmt: skip
    assert done.exception is None, done.exception
    pairs = json.loads(done.stdout)["pairs"]
    assert [pair["pair"] for pair in pairs] == [pair.key for pair in read_calibration(out).pairs]
    assert all(0 < pair["honest_beyond_at_most"] <= 0.2 for pair in pairs)


@pytest.mark.parametrize(
    ("command", "options"),
    [("calibrate", []), ("request", ["--provider", "p", "--calibration", "c", "--prompt", "p",
                                     "--price", "1"])],
)  # fmt: skip
@pytest.mark.parametrize(("out", "said"), [("nowhere/out.json", "no folder"), (".", "written")])
def test_a_result_that_could_not_be_written_is_refused_before_anything_is_done(
    tmp_path, command, options, out, said
):
    arguments = ["jobs", command, "--model", "none", "--out", str(tmp_path / out), *options]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert isinstance(done.exception, InputError)
    assert said in done.exception.summary


def test_a_disk_that_fails_at_the_end_is_told_in_a_sentence(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be written \(No such file"), writing(tmp_path):
        (tmp_path / "gone" / "receipt.json").write_bytes(b"")


@pytest.mark.parametrize(
    "sampling", [["--temperature", "0.4"], ["--top-k", "3"], ["--top-p", "0.9"]]
)
def test_a_request_to_sample_as_nobody_measured_costs_nothing(tmp_path, sampling):
    arguments = ["jobs", "request", "--model", "none", "--out", str(tmp_path / "r.json")]
    arguments += ["--provider", "p", "--calibration", "c", "--prompt", "p", "--price", "1"]
    done = CliRunner().invoke(cli, [*arguments, *sampling], standalone_mode=False)
    assert isinstance(done.exception, InputError)
    assert "without filters" in done.exception.summary


def test_a_setting_that_this_machine_has_not_is_an_error_with_a_remedy(runner, tmp_path):
    arguments = ["jobs", "calibrate", "--model", str(runner.model.folder)]
    arguments += ["--out", str(tmp_path / "c.json"), "--provider", "float32/none_such"]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert isinstance(done.exception, ChainrepError)
    assert "Use one of" in done.exception.remedy
    assert list(tmp_path.iterdir()) == []
