"""``chainrep verify``: did the promised model write this?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.options import json_option
from chainrep.cli.output import print_json, print_table, progress
from chainrep.errors import InputError
from rag.endpoint_key import endpoint_key, endpoint_key_option
from rag.guard import with_rag
from rag.jobs.options import ModelChoice, calibration_option, decoding, running

if TYPE_CHECKING:
    from rag.lsh.verifier import Finding


@click.command(short_help="Check a receipt against the model it names.")
@click.argument("receipt", type=click.Path(path_type=Path), required=False)
@running
@calibration_option
@decoding
@click.option(
    "--provider-setting", metavar="DEVICE/DTYPE/ATTENTION",
    help="Where the provider ran it, as in the calibration [the setting that the receipt fits].",
)  # fmt: skip
@click.option("--endpoint", metavar="URL", help="Ask an OpenAI-compatible endpoint instead.")
@click.option("--endpoint-model", metavar="NAME", help="What the endpoint calls its model.")
@click.option("--prompt", metavar="TEXT", help="What to ask the endpoint.")
@endpoint_key_option
@json_option
@click.pass_context
@with_rag
def verify(
    context: click.Context,
    receipt: Path | None,
    choice: ModelChoice,
    calibration: Path,
    decode: Callable[[tuple[int, ...]], Any],
    provider_setting: str | None,
    endpoint: str | None,
    endpoint_model: str | None,
    prompt: str | None,
    endpoint_key_fd: int | None,
    as_json: bool,
) -> None:
    """Run the words of RECEIPT through the model once, and say whether the model wrote them.

    Exit code 0: match. 1: mismatch, or inconclusive. The sampler's options are those of the
    request; the receipt holds a digest of them only. With --endpoint, --endpoint-model and
    --prompt, an endpoint is asked at temperature 0, and its words alone are checked.
    """
    if (receipt is None) == (endpoint is None):
        raise click.UsageError("Give a RECEIPT, or an --endpoint.")
    if receipt is None:
        if endpoint is None or endpoint_model is None or prompt is None:
            raise click.UsageError("--endpoint needs --endpoint-model and --prompt.")
        key = endpoint_key(endpoint_key_fd)  # before a file of our own could have its number
        question = Question(endpoint, endpoint_model, prompt, decode(()).max_tokens)
        if not _check_endpoint(choice, calibration, question, key, as_json):
            context.exit(1)
        return
    if any(given is not None for given in (endpoint_model, prompt, endpoint_key_fd)):
        raise InputError(
            "A receipt is checked without asking an endpoint.",
            "Leave --endpoint-model, --prompt and --endpoint-key-fd.",
        )
    from chainrep.protocol.inference_receipt import recover_provider
    from chainrep.protocol.receipt_file import MAX_FILE_BYTES, load_receipt
    from rag.jobs.receipt_check import check_receipt
    from rag.lsh.verifier import Verdict

    try:
        with receipt.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{receipt} cannot be read ({error.strerror}).") from error
    found = load_receipt(content)
    with progress() as bar:
        bar.add_task("Running the model", total=None)
        runner = choice.load(calibration)
        spec = decode(runner.model.end_tokens)
        finding = check_receipt(runner, found, spec, provider_setting)
    if as_json:
        provider = recover_provider(found.receipt)
        print_json({"provider": provider, **as_plain(finding)})
    else:
        show_finding(finding)
    if finding.verdict is not Verdict.MATCH:
        context.exit(1)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked where."""

    url: str
    model: str
    prompt: str
    max_tokens: int


def _check_endpoint(
    choice: ModelChoice, calibration: Path, question: Question, key: str | None, as_json: bool
) -> bool:
    from rag.lsh.text_check import check_text
    from rag.openai_endpoint import OpenAIEndpoint

    with progress() as bar:
        task = bar.add_task("Loading the model", total=None)
        runner = choice.load(calibration)
        limits = runner.limits(runner.setting)
        if limits is None:
            raise InputError(
                f"The calibration does not know {runner.setting}.",
                "Calibrate with it as a provider and as a verifier.",
            )
        bar.update(task, description="Asking")
        asked = OpenAIEndpoint(question.url, question.model, key)
        try:
            answer = asked.complete(question.prompt, question.max_tokens)
        finally:
            asked.close()
        ids = runner.model.tokens(question.prompt)
        finding = check_text(runner.model, ids, answer, limits.tokens)
    if as_json:
        print_json(asdict(finding) | {"threshold": limits.tokens.threshold, "answer": answer.text})
    else:
        click.echo(answer.text)
        word = "match" if finding.accepted else "mismatch"
        click.echo(
            f"{word}: {finding.tokens} tokens fall short of the model's choice by"
            f" {finding.score:.3f}, {limits.tokens.threshold:.3f} is usual. {finding.scope}"
        )
    return finding.accepted


def show_finding(finding: Finding) -> None:
    """A row per leaf, the verdict, and why."""
    limits = finding.limits
    bits = limits.leaf if limits else "unknown"
    tokens = f"{limits.tokens.threshold:.3f}" if limits else "unknown"
    rows = [
        [leaf.place, leaf.distance, bits, f"{leaf.token_score:.3f}", tokens]
        for leaf in finding.leaves
    ]
    columns = ["leaf", "bits that differ", "may differ", "tokens off", "may be off"]
    print_table(columns, rows)
    click.echo(f"{finding.verdict.value}: {' '.join(finding.reasons)}")


def as_plain(finding: Finding) -> dict[str, Any]:
    """A finding for JSON."""
    limits = finding.limits
    return {
        "verdict": finding.verdict.value,
        "reasons": list(finding.reasons),
        "threshold": limits.leaf if limits else None,
        "token_threshold": limits.tokens.threshold if limits else None,
        "leaves": [
            {"leaf": leaf.place, "distance": leaf.distance, "token_score": leaf.token_score}
            for leaf in finding.leaves
        ],
    }
