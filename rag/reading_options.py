"""Options of ``chainrep ask``: what reads the passages, and what tells that answers agree."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chainrep.errors import InputError
from rag.endpoint_key import endpoint_key, endpoint_key_option

if TYPE_CHECKING:
    from rag.clustering import Clustering
    from rag.ports import Generator, Reader

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Reading:
    """The reader that was chosen; ``generator`` is endpoint, causal or None: the trained reader.

    ``key_fd`` gives the endpoint's key, where it wants one. It is read before any file is opened:
    a descriptor that nobody gave us could be a file of our own later, and would go out as the key.
    """

    generator: str | None = None
    endpoint_url: str | None = None
    model: str | None = None
    entailment: str | None = None
    key_fd: int | None = None

    def check(self) -> None:
        """Raise InputError for options that do not go together."""
        if self.generator is None and (self.endpoint_url or self.model):
            raise InputError(
                "The trained reader takes no model.", "Say --generator endpoint or causal."
            )
        if self.generator is not None and not self.model:
            raise InputError(f"Which model should the {self.generator} run?", "Give --model.")
        if (self.generator == "endpoint") != bool(self.endpoint_url):
            raise InputError(
                "An endpoint has a URL, and nothing else has one.",
                "Give --generator endpoint and --endpoint-url URL together.",
            )
        if self.key_fd is not None and self.generator != "endpoint":
            raise InputError("Only an endpoint has a key.", "Leave --endpoint-key-fd.")

    def key(self) -> str | None:
        """Read the endpoint's key, None without one; raises InputError where that cannot be read.

        A descriptor gives it once.
        """
        return endpoint_key(self.key_fd)

    def reader(self, key: str | None = None) -> Reader | None:
        """Return a reader around the language model, None for the trained reader.

        ``key`` is the endpoint's. Raises ModelError.
        """
        if self.generator is None:
            return None
        from rag.generators.reading import GeneratorReader

        return GeneratorReader(self._generator(key))

    def clustering(self) -> Clustering | None:
        """Return grouping by the entailment model, None without one; raises ModelError."""
        if self.entailment is None:
            return None
        from rag.clustering import Clustering
        from rag.entailment import NliModel

        return Clustering(entailment=NliModel(self.entailment))

    def _generator(self, key: str | None) -> Generator:
        model = self.model or ""
        if self.generator == "causal":
            from rag.causal_model import load_causal_model
            from rag.generators.causal import CausalGenerator

            return CausalGenerator(load_causal_model(model))
        from rag.generators.endpoint import EndpointGenerator
        from rag.openai_endpoint import OpenAIEndpoint

        endpoint = OpenAIEndpoint(self.endpoint_url or "", model, key)
        click.get_current_context().call_on_close(endpoint.close)
        return EndpointGenerator(endpoint)


def reading_options(command: F) -> Callable[..., Any]:
    """Add --generator and the like; the command receives them, checked, as ``reading``."""

    @click.option(
        "--generator", type=click.Choice(["endpoint", "causal"]),
        help="A language model that reads [the trained reader].",
    )  # fmt: skip
    @click.option("--endpoint-url", metavar="URL", help="Where an OpenAI-compatible one answers.")
    @endpoint_key_option
    @click.option(
        "--model", metavar="NAME", help="Its name at the endpoint, or a folder or hub id."
    )
    @click.option(
        "--entailment", metavar="FOLDER",
        help="A model of inference that tells which answers say the same.",
    )  # fmt: skip
    @functools.wraps(command)
    def with_reading(
        *,
        generator: str | None,
        endpoint_url: str | None,
        endpoint_key_fd: int | None,
        model: str | None,
        entailment: str | None,
        **rest: object,
    ) -> object:
        reading = Reading(generator, endpoint_url, model, entailment, endpoint_key_fd)
        reading.check()
        return command(reading=reading, **rest)

    return with_reading
