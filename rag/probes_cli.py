"""``chainrep probes``: what was promised of gold probes, and what opens a promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chainrep.cli.options import home, json_option
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from rag.guard import with_rag

if TYPE_CHECKING:
    from rag.probe_record import ProbeRecord
    from rag.scoring.gold_probes import Reveal


@click.group(short_help="Promises of gold probes, and what opens them.")
def probes() -> None:
    """Gold probes of `chainrep ask --probes`: promised before a batch, shown after it."""


@probes.command(short_help="Commitments, and the batches that are over.")
@click.option("--batch", type=click.IntRange(0), metavar="N", help="What opens this batch.")
@home
@json_option
@with_rag
def show(config: Config, batch: int | None, as_json: bool) -> None:
    """Print the commitment of the batch at hand, and what opens those of the batches before.

    Publish a commitment before the batch's questions are asked: whoever has it can check with
    what is shown afterwards that no probe was picked to suit. Probes that a batch had no place
    for are shown by their digest alone, since a later one asks them.
    """
    from rag.probe_record import read_record

    folders = sorted(path.parent for path in (config.home / "trust").glob("*/probes"))
    records = {folder.name: read_record(folder / "probes") for folder in folders}
    if as_json:
        print_json([_as_json(ledger, record, batch) for ledger, record in records.items()])
        return
    if not records:
        click.echo("No probe was promised yet: give `chainrep ask` a file with --probes FILE.")
    for ledger, record in records.items():
        if batch is None:
            _list(ledger, record)
        else:
            _open(record.reveal(batch), record.commitment(batch))


def _list(ledger: str, record: ProbeRecord) -> None:
    print_table(
        ["batch", "state", "asked", "promised", "commitment"],
        [
            [
                str(number),
                "over" if number < record.batch else "at hand",
                batch.asked,
                len(batch.probes),
                "0x" + record.commitment(number).hex(),
            ]
            for number, batch in enumerate(record.batches)
        ],
        title=ledger,
    )


def _open(reveal: Reveal, commitment: bytes) -> None:
    click.echo(f"batch       {reveal.batch}\ncommitment  0x{commitment.hex()}")
    click.echo(f"seed        0x{reveal.seed.hex()}\nsalt        0x{reveal.salt.hex()}")
    click.echo(f"rate        {reveal.rate}")
    print_table(
        ["asked", "right", "salt"],
        [
            [each.probe.question, " / ".join(each.probe.answers), "0x" + each.salt.hex()]
            for each in reveal.asked
        ],
    )
    for digest in reveal.unasked:
        click.echo(f"not asked   0x{digest.hex()}")


def _as_json(ledger: str, record: ProbeRecord, batch: int | None) -> dict[str, Any]:
    numbers = range(record.batch) if batch is None else [batch]
    return {
        "ledger": ledger,
        "batch": record.batch,
        "commitment": "0x" + record.commitment(record.batch).hex(),
        "over": [_revealed(record.reveal(n), record.commitment(n)) for n in numbers],
    }


def _revealed(reveal: Reveal, commitment: bytes) -> dict[str, Any]:
    return {
        "batch": reveal.batch,
        "commitment": "0x" + commitment.hex(),
        "seed": "0x" + reveal.seed.hex(),
        "salt": "0x" + reveal.salt.hex(),
        "rate": reveal.rate,
        "asked": [
            {
                "question": each.probe.question,
                "answers": list(each.probe.answers),
                "salt": "0x" + each.salt.hex(),
            }
            for each in reveal.asked
        ],
        "unasked": ["0x" + digest.hex() for digest in reveal.unasked],
    }
