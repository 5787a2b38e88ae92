"""The model of a day behind docs/scale.md: batches as the relayer cuts them, costs as measured."""

import json
from dataclasses import replace

import numpy as np
import pytest

from chainrep.errors import InputError
from chainrep.node.batching import next_batch
from chainrep.protocol.evidence import MAX_RECORDS
from chainrep.protocol.types import Feedback, FeedbackKind
from scripts.benchmarks.scale.assumptions import Assumptions
from scripts.benchmarks.scale.capacity import BLOCKS, OWN_TIME, ledgers_needed, limits
from scripts.benchmarks.scale.day import (
    Batching,
    full_batch,
    grouped,
    in_blobs,
    in_order,
    on_l1,
    on_l2,
)
from scripts.benchmarks.scale.document import document, measured_on
from scripts.benchmarks.scale.figures import figures_from, figures_table, parse_figures
from scripts.benchmarks.scale.popularity import popularity
from tests.tools import ROOT

ASSUMED = Assumptions()
PRINTED = (ROOT / "docs" / "scale.md").read_text()
FIGURES = parse_figures(PRINTED)


def judgements(sources):
    return [
        Feedback(f"{i}", int(source), FeedbackKind.GOLD, bytes(32), 100, 0, 0, 100, 1)
        for i, source in enumerate(sources)
    ]


def test_the_document_is_what_the_model_prints_from_the_figures_in_it():
    assert document(FIGURES, measured_on(PRINTED), ASSUMED) == PRINTED


def test_a_document_without_all_figures_is_refused():
    table = figures_table(FIGURES)
    assert parse_figures(table) == FIGURES
    with pytest.raises(InputError, match="not the figures"):
        parse_figures(table.replace("`gas_each`", "`gas_other`"))


def test_benchmark_output_without_a_figure_is_refused():
    with pytest.raises(InputError, match="update_gas"):
        figures_from({}, {}, {})


@pytest.mark.parametrize("sources", [10_000, 100_000])
def test_full_batches_are_as_large_as_those_that_the_relayer_cuts(sources):
    asked = popularity(sources, ASSUMED.zipf)
    weights = np.arange(1, sources + 1) ** -ASSUMED.zipf
    shares = weights / weights.sum()
    drawn = np.random.default_rng(0).choice(sources, size=100_000, p=shares) + 1
    waiting, taken = judgements(drawn), []
    while len(waiting) >= MAX_RECORDS:
        read = waiting[:MAX_RECORDS]
        records = next_batch(read, ASSUMED.max_updates).records
        chosen = {record.key for record in records}
        waiting = [record for record in read if record.key not in chosen] + waiting[MAX_RECORDS:]
        taken.append(len(records))
    late = taken[len(taken) // 2 :]  # the first batches take what has never had its turn
    assert np.mean(late) == pytest.approx(full_batch(asked, ASSUMED).records, rel=0.1)


def test_one_source_alone_fills_its_counter_as_in_the_relayer():
    batch = next_batch(judgements([1] * 1_000), ASSUMED.max_updates)
    assert full_batch(popularity(1, 0), ASSUMED) == Batching(1, 1, len(batch.records))


def test_few_sources_asked_alike_are_bounded_by_the_evidence():
    assert full_batch(popularity(600, 0), ASSUMED).records == MAX_RECORDS


def test_a_batch_costs_what_the_gas_snapshot_says():
    snapshot = json.loads((ROOT / "contracts" / "gas.json").read_text())
    for updates, signatures in ((10, 1), (100, 1), (10, 2)):
        name = f"apply {updates}" + (f", {signatures} signatures" if signatures > 1 else "")
        cost = on_l1(Batching(1, updates, 0), FIGURES, replace(ASSUMED, signatures=signatures))
        assert cost.gas == pytest.approx(snapshot[name], rel=0.01)


@pytest.mark.parametrize("cut", ["in order", "grouped"])
@pytest.mark.parametrize("feedback", [1e4, 1e7])
def test_every_judgement_of_a_day_is_in_one_batch_within_the_bounds(cut, feedback):
    asked = popularity(1_000, ASSUMED.zipf)
    full = full_batch(asked, ASSUMED)
    found = (
        in_order(asked, full, feedback, ASSUMED)
        if cut == "in order"
        else grouped(asked, feedback, ASSUMED)
    )
    assert found.batches * found.records == pytest.approx(feedback)
    assert found.records <= MAX_RECORDS
    assert found.updates <= found.batches * ASSUMED.max_updates * (1 + 1e-9)


def test_reading_all_that_waits_saves_updates_and_waiting_longer_saves_more():
    asked = popularity(10_000, ASSUMED.zipf)
    full = full_batch(asked, ASSUMED)
    hour = grouped(asked, 1e6, ASSUMED).updates
    assert grouped(asked, 1e6, replace(ASSUMED, flush_seconds=86_400)).updates < hour
    assert hour < in_order(asked, full, 1e6, ASSUMED).updates


def test_a_dearer_chain_costs_more_and_its_blobs_follow_its_price():
    asked = popularity(1_000, ASSUMED.zipf)
    day = in_order(asked, full_batch(asked, ASSUMED), 1e6, ASSUMED)
    dear = replace(ASSUMED, l1_gwei=2 * ASSUMED.l1_gwei)
    assert on_l1(day, FIGURES, dear).eth == pytest.approx(2 * on_l1(day, FIGURES, ASSUMED).eth)
    assert on_l2(day, FIGURES, dear).eth > on_l2(day, FIGURES, ASSUMED).eth
    blobs = [in_blobs(asked, 1e6, FIGURES, assumed) for assumed in (ASSUMED, dear)]
    assert blobs[1].eth == pytest.approx(2 * blobs[0].eth)


def test_sources_are_spread_until_the_busiest_ledger_keeps_up_and_no_further():
    asked, place = popularity(1_000_000, ASSUMED.zipf), ASSUMED.l1
    feedback = 6e7
    needed = ledgers_needed(asked, feedback, FIGURES, ASSUMED, place)
    assert needed is not None
    assert needed > 1
    for parts, enough in ((needed, True), (needed // 2, False)):
        own, share = asked.busiest_part(parts)
        found = limits(full_batch(own, ASSUMED), FIGURES, ASSUMED, place)
        assert (feedback * share <= min(found[BLOCKS], found[OWN_TIME])) is enough


def test_no_number_of_ledgers_carries_a_source_that_alone_is_too_much():
    asked = popularity(1_000, ASSUMED.zipf)
    assert ledgers_needed(asked, 1e9, FIGURES, ASSUMED, ASSUMED.l1) is None
