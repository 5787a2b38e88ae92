"""The options of ``chainrep deploy`` that verification jobs are bound to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from chainrep.cli.amount import ETHER, read_amount

F = TypeVar("F", bound=Callable[..., Any])

_DAY = 86_400
_SECONDS = click.IntRange(1, 90 * _DAY)


def _seconds(name: str, default: int, text: str) -> Callable[[F], F]:
    return click.option(
        name, type=_SECONDS, default=default, show_default=True, metavar="S", help=text
    )


def _ether(name: str, default: str, text: str) -> Callable[[F], F]:
    return click.option(name, default=default, show_default=True, metavar="ETH", help=text)


def job_terms_options(command: F) -> Callable[..., Any]:
    """Add the options; the command receives a `chainrep.chain.deploy.JobTerms` as ``job_terms``."""

    @_ether("--seat-bond", "0.1", "What a verifier's seat costs.")
    @_ether("--fine", "0.01", "What a seat loses for a lapse or a vote against the verdict.")
    @_ether("--least-fee", "0.0001", "What a verifier's vote must be paid at least.")
    @_seconds("--draw-time", 3_600, "How long a job's panel can be drawn.")
    @_seconds("--seal-time", 3_600, "How long its seats can then seal their codes.")
    @_seconds("--open-time", 3_600, "How long leaf and codes can then be opened.")
    @_seconds("--appeal-time", _DAY, "How long a job's verdict can be appealed.")
    @click.option(
        "--beacon-blocks", type=click.IntRange(1, 7_200), default=4, show_default=True, metavar="N",
        help="How many blocks after a commit its panel is drawn.",
    )  # fmt: skip
    @functools.wraps(command)
    def with_terms(
        *,
        seat_bond: str,
        fine: str,
        least_fee: str,
        draw_time: int,
        seal_time: int,
        open_time: int,
        appeal_time: int,
        beacon_blocks: int,
        **rest: object,
    ) -> object:
        from chainrep.chain.deploy import JobTerms

        terms = JobTerms(
            seat_bond=read_amount("--seat-bond", seat_bond, ETHER),
            fine=read_amount("--fine", fine, ETHER),
            least_fee=read_amount("--least-fee", least_fee, ETHER),
            draw_time=draw_time,
            seal_time=seal_time,
            open_time=open_time,
            appeal_time=appeal_time,
            beacon_blocks=beacon_blocks,
        )
        return command(job_terms=terms, **rest)

    return with_terms
