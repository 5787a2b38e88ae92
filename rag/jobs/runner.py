"""A model together with what its receipts are bound to: what a provider and a verifier both run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chainrep.errors import ConfigError, InputError
from chainrep.protocol.inference_receipt import InferenceReceipt
from chainrep.protocol.transcript import Transcript
from rag.causal_model import CausalModel, load_causal_model
from rag.errors import RagError
from rag.jobs.order import Order
from rag.lsh.calibration import Calibration
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.generation import generate
from rag.lsh.model_spec import ModelSpec, describe_model
from rag.lsh.receipts import Promise, generation_receipt, promise_of, sampling_seed
from rag.lsh.setting import pair_of, setting_of
from rag.lsh.sketch import Sketcher
from rag.lsh.verifier import Limits
from rag.lsh.windows import WINDOW

RUN_FAILURES = (
    RagError,
    InputError,
    ArithmeticError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a run of a model may end with; torch says RuntimeError for most, for lack of memory too."""


@dataclass(frozen=True, slots=True)
class Runner:
    """``spec`` is what is stated of the model, ``setting`` its device, dtype and attention.

    One run at a time: a model is not for several threads.
    """

    model: CausalModel
    spec: ModelSpec
    setting: str
    calibration: Calibration
    sketcher: Sketcher

    def promise(self, decode: DecodeSpec) -> Promise:
        """What a run with this decoding is bound to."""
        return promise_of(self.spec, decode, self.calibration)

    def limits(self, provider: str) -> Limits | None:
        """What honest runs between a provider's setting and ours differ by; None if not known."""
        found = self.calibration.pair(pair_of(provider, self.setting))
        return found.limits() if found else None

    @property
    def threshold(self) -> int:
        """How many bits terms must let a leaf differ by, for whoever may verify this setting."""
        known = thresholds_of(self.calibration, self.setting)
        if not known:
            raise ConfigError(
                f"The calibration knows nobody who could verify {self.setting}.",
                "Run in a setting that it was measured for, or calibrate again.",
            )
        return max(known)

    def answer(
        self, order: Order, job: bytes, private_key: bytes
    ) -> tuple[InferenceReceipt, Transcript]:
        """Run the model for a job (32 bytes) and sign the receipt; raise ModelError."""
        seed = sampling_seed(order.salt, job)
        (found,) = generate(self.model, [order.prompt], order.decode, [seed])
        promise = self.promise(order.decode)
        return generation_receipt(found, self.sketcher, promise, order.salt, private_key, job)


def reason_of(failure: Exception) -> str:
    """A failure of a run for a log: our own words, else its kind only, for torch may quote words
    of the prompt."""
    known = isinstance(failure, (RagError, InputError))
    return str(failure) if known else type(failure).__name__


def same_model(ours: ModelSpec, theirs: ModelSpec) -> bool:
    """Whether two specs are of the same weights, whatever runs them."""
    names = ("architecture", "weights_root", "config_digest", "quantization")
    return all(getattr(ours, name) == getattr(theirs, name) for name in names)


def thresholds_of(calibration: Calibration, provider: str) -> list[int]:
    """The limits of a leaf for every setting that can verify this provider's."""
    pairs = (pair for pair in calibration.pairs if pair.key.startswith(f"{provider}|"))
    return [pair.limits().leaf for pair in pairs]


def load_runner(
    model: str | Path,
    calibration: Calibration,
    dtype: str = "float32",
    attention: str = "sdpa",
    device: str = "cpu",
) -> Runner:
    """Load a model and make its sketcher; raise ModelError, and InputError for mixed widths."""
    cells = {(pair.width, pair.bits) for pair in calibration.pairs}
    if len(cells) != 1 or {bits for _, bits in cells} - {128, 256}:
        raise InputError(
            "The calibration's pairs have cells of several widths, or codes of neither 128 nor 256"
            " bits.",
            "Take one that was measured with one width, as `chainrep jobs calibrate` does.",
        )
    ((width, bits),) = cells
    loaded = load_causal_model(model, dtype=dtype, attention=attention, device=device)
    sketcher = Sketcher(loaded.dimensions * WINDOW, width, bits)
    return Runner(loaded, describe_model(loaded), setting_of(loaded), calibration, sketcher)
