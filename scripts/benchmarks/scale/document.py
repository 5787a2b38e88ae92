"""docs/scale.md: the answer first, then what it stands on."""

from __future__ import annotations

from chainrep.protocol.evidence import MAX_RECORDS
from scripts.benchmarks.scale import sections, tables
from scripts.benchmarks.scale.assumptions import DAY, Assumptions
from scripts.benchmarks.scale.day import MAX_JUDGEMENTS, in_blobs, on_l1, on_l2
from scripts.benchmarks.scale.figures import Figures, figures_table
from scripts.benchmarks.scale.outlook import FEEDBACK, SOURCES, Outlook
from scripts.benchmarks.scale.wording import power, prose, share, short, table

MEASURED = "Measured on "
_INTRODUCTION = """Printed by `scripts/bench scale`; do not edit. `scripts/bench scale --figures
docs/scale.md` prints it again from the figures at its end, under other assumptions where options
set them; without `--figures` everything is measured anew. k, M, G, T: 10^3, 10^6, 10^9, 10^12."""


def document(figures: Figures, measured_on: str, assumed: Assumptions) -> str:
    """The whole document, in Markdown; ``measured_on`` names machine and versions in one line."""
    outlook = Outlook(figures, assumed)
    parts = [
        "# Scale: what a day costs, and what breaks first",
        prose(_INTRODUCTION),
        _carried(outlook),
        _answer(outlook),
        "## What is assumed",
        sections.assumptions(assumed),
        "## What a batch holds",
        sections.batches(outlook),
        "## What a day costs",
        sections.costs(outlook),
        "## Flushing more rarely",
        sections.flushing(outlook),
        "## What breaks first",
        sections.breaking(outlook),
        "## What then moves",
        sections.moving(outlook),
        "## What this does not know",
        sections.unknown(),
        "## What was measured",
        MEASURED + measured_on,
        figures_table(figures),
    ]
    return "\n\n".join(parts) + "\n"


def measured_on(printed: str) -> str:
    """The line of a printed document that names machine and versions; empty where it has none."""
    lines = [line for line in printed.splitlines() if line.startswith(MEASURED)]
    return lines[-1].removeprefix(MEASURED) if lines else ""


def _answer(outlook: Outlook) -> str:
    f, a = outlook.figures, outlook.assumed
    sources, feedback = tables.COMPARED[1]
    found = outlook.batches(sources, feedback)
    l1, l2 = on_l1(found, f, a), on_l2(found, f, a)
    archive = on_l2(found, f, a, archive=True)
    blobs = in_blobs(outlook.asked[sources], feedback, f, a)
    better = on_l2(outlook.grouped(sources, feedback), f, a)
    space = l1.gas / (DAY / a.l1_block_seconds * a.l1_block_gas)
    return prose(
        f"""- **{power(feedback)} judgements a day on {power(sources)} sources** cost
        {outlook.ether(l1)} on L1 at {a.l1_gwei:g} gwei ({share(space)} of all its gas),
        {outlook.ether(l2)} on an L2 at {a.l2_gwei:g} gwei, or {outlook.ether(archive)}
        there in an archive. As an archive in L1's blobs they would cost {outlook.ether(blobs)}.

        - **{MAX_RECORDS:,} records are read before a batch is cut**, which puts
        {short(feedback / found.updates)} judgements into an update. If all that waits after an hour
        were read, the same day would cost {outlook.ether(better)} on the L2.

        - {_most(outlook)}"""
    )


def _carried(outlook: Outlook) -> str:
    """What one node carries in each place, for the fewest and the most sources."""
    rows = []
    for place in (outlook.assumed.l1, outlook.assumed.l2):
        for sources in (SOURCES[0], SOURCES[-1]):
            found = outlook.limits(sources, place)
            first, second = sorted(found, key=lambda part: found[part])[:2]
            row = [f"{place.name}, {power(sources)} sources", short(found[first]), first]
            rows.append([*row, f"{second}, at {short(found[second])}"])
    return table(["one node, one ledger", "judgements a day", "breaks first", "next"], rows, text=2)


def _most(outlook: Outlook) -> str:
    """What the evidence bound and the counter's bound say of the largest day."""
    feedback, sources, place = FEEDBACK[-1], SOURCES[-1], outlook.assumed.l2
    top = outlook.asked[sources].top * feedback
    blocks = DAY / place.block_seconds * outlook.assumed.batches_per_block
    alone = blocks * MAX_JUDGEMENTS
    return (
        f"**{power(feedback)} a day** are {short(feedback / MAX_RECORDS)} batches at the least, as"
        f" one holds {MAX_RECORDS:,} records, and {short(blocks)} of one ledger get into an L2's"
        f" blocks. The most asked of {power(sources)} sources gets {short(top)} of these"
        f" judgements, and one ledger takes {short(alone)} of a source, {MAX_JUDGEMENTS} a batch."
    )
