"""``chainrep reputation``: whom a community trusts, why, and how to check it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from chainrep.cli.options import json_option
from chainrep.cli.output import print_json, print_table
from chainrep.cli.reputation_attack import attack
from chainrep.cli.reputation_explain import explain, show
from chainrep.cli.reputation_proof import prove, verify
from chainrep.cli.reputation_snapshot import (
    Request,
    Snapshot,
    percent,
    snapshot_options,
    take_snapshot,
)
from chainrep.cli.reputation_write import propose, rate, vouch
from chainrep.errors import InputError

_SHOWN_COUNTS = ("accounts", "edges")
_ROWS = 10_000


@click.group(short_help="Whom a community trusts, why, and how to check it.")
def reputation() -> None:
    """Compute, explain, attack and prove the reputation of accounts.

    Trust starts from seeds and flows along ratings; made-up accounts add little to it. Scores are
    whole numbers of 2^-50 of all trust, and the same on every machine. They are computed from a
    FILE, or without one from what the chain holds for an epoch. A FILE is CSV of rater, ratee,
    rating, time, or an edge list of `u v [weight]`, gzipped or not, or a log of edges.
    """


@reputation.command(short_help="Every account's score.")
@snapshot_options
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write all scores here.")
@click.option("--plot", type=click.Path(path_type=Path), help="Picture of the best accounts.")
@json_option
def compute(
    request: Request, limit: int, csv_file: Path | None, plot: Path | None, as_json: bool
) -> None:
    """Compute all scores, and show the highest ones.

    Whoever has the same snapshot hash and formula hash gets the same digest of the scores.
    """
    from chainrep.reputation.attack_outcome import best_accounts
    from chainrep.reputation.formula import formula_hash, write_formula
    from chainrep.reputation.graph import snapshot_hash

    if plot is not None:
        from chainrep.reputation.plot import check_plot

        check_plot(plot)
    if csv_file is not None and not csv_file.absolute().parent.is_dir():
        raise InputError(f"The folder of {csv_file} does not exist.")
    taken = take_snapshot(request)
    found = taken.reputation
    graph, scores = found.graph, found.scores
    if csv_file is not None:
        _write_csv(taken, csv_file)
    if plot is not None:
        _draw(taken, plot)
    best = best_accounts(scores, limit)
    summary: dict[str, object] = {
        "accounts": graph.size,
        "edges": graph.edges,
        "before": taken.end,
        "snapshot_hash": "0x" + snapshot_hash(graph).hex(),
        "formula_hash": "0x" + formula_hash(found.formula).hex(),
        "digest": found.digest,
    }
    if taken.computed is not None:
        root = "0x" + taken.computed.root.hex()
        summary |= {"epoch": taken.computed.epoch.number, "root": root}
    if as_json:
        rows = [
            {"rank": i, "account": graph.accounts[v], "score": int(scores[v])}
            for i, v in enumerate(best, 1)
        ]
        formula = write_formula(found.formula).decode()
        print_json(summary | {"formula": formula, "scores": rows})
        return
    seeds = set(found.formula.seeds)
    click.echo(taken.title)
    print_table(
        ["rank", "account", "% of all trust", ""],
        [
            [
                i,
                graph.accounts[v],
                percent(int(scores[v])).rjust(11),
                "seed" if graph.accounts[v] in seeds else "",
            ]
            for i, v in enumerate(best, 1)
        ],
    )
    for name, value in summary.items():
        shown = f"{value:,}" if name in _SHOWN_COUNTS else value
        click.echo(f"{name.replace('_', ' ')}: {shown}")


def _write_csv(taken: Snapshot, path: Path) -> None:
    graph, scores = taken.reputation.graph, taken.reputation.scores

    def lines() -> Iterator[str]:
        yield "account,score\n"
        for account, score in zip(graph.accounts, scores.tolist(), strict=True):
            if score:
                plain = not set(account) & set(',"')
                name = account if plain else '"' + account.replace('"', '""') + '"'
                yield f"{name},{score}\n"

    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(lines())
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None


def _draw(taken: Snapshot, path: Path) -> None:
    from chainrep.reputation.explain import found_accounts
    from chainrep.reputation.plot import Mark, Scene, draw_graph
    from chainrep.reputation.public_score import find_accounts

    found = taken.reputation
    marks = dict.fromkeys(find_accounts(found.graph, found.formula.seeds), Mark.SEED)
    scene = Scene(found.graph, found.scores, marks, found_accounts(found))
    draw_graph(scene, f"Trust in {taken.title}", path)


for command in (show, explain, attack, propose, prove, verify, vouch, rate):
    reputation.add_command(command)
