"""A receipt in a file against one's own model: no chain, nobody to ask."""

from __future__ import annotations

from dataclasses import replace

from chainrep.errors import InputError
from chainrep.protocol.keccak import keccak
from chainrep.protocol.receipt_file import ReceiptFile
from rag.jobs.runner import Runner
from rag.jobs.specs import read_setting
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.receipts import length_flaw, promise_of, receipt_flaws, sampling_seed
from rag.lsh.verifier import Finding, judge, recompute


def check_receipt(
    runner: Runner, found: ReceiptFile, decode: DecodeSpec, provider_setting: str | None = None
) -> Finding:
    """Recompute a receipt of tokens and decide.

    Where the provider ran it is not in a receipt: it is the setting of the calibration whose dtype
    and attention hash to the receipt's model, ours if several do; ``provider_setting`` names
    another. Raises InputError for a receipt without its words.
    """
    words, header = found.transcript, found.receipt.header
    if words is None:
        raise InputError(
            "The receipt comes without prompt, answer and salt, so nothing can be recomputed.",
            "Take the file that `chainrep jobs request` wrote.",
        )
    if header.code_bytes * 8 != runner.sketcher.planes.bits:
        raise InputError(
            f"The receipt's codes have {header.code_bytes} bytes, the calibration's have"
            f" {runner.sketcher.planes.bits // 8}.",
            "Take the calibration that the receipt names.",
        )
    named = provider_setting and read_setting(provider_setting)
    setting = named or _setting_of(runner, header.model_spec) or runner.setting
    dtype, attention = setting.split("/")[1:]
    spec = replace(runner.spec, dtype=dtype, attention=attention)
    promise = promise_of(spec, decode, runner.calibration)
    flaws = [
        *receipt_flaws(found.receipt, words, promise, header.job),
        *length_flaw(words.output, decode),
    ]
    seed = sampling_seed(words.salt, header.job)
    own = recompute(runner.model, words.prompt, words.output, seed, decode, runner.sketcher)
    limits = runner.limits(setting)
    return judge(found.receipt.codes, header.sign_word, own, limits, flaws)


def _setting_of(runner: Runner, model_spec: bytes) -> str | None:
    """The provider's setting that makes our model's spec the receipt's."""
    known = {pair.key.split("|")[0] for pair in runner.calibration.pairs}
    fitting = []
    for setting in sorted(known):
        dtype, attention = read_setting(setting).split("/")[1:]
        spec = replace(runner.spec, dtype=dtype, attention=attention)
        if keccak(spec.canonical()) == model_spec:
            fitting.append(setting)
    ours = runner.setting.split("/")[0]
    return next((s for s in fitting if s.split("/")[0] == ours), fitting[0] if fitting else None)
