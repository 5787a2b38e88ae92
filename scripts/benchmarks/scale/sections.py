"""What stands around the tables. Whatever depends on a figure is computed."""

from __future__ import annotations

from dataclasses import fields, replace

from chainrep.node.batching import SAFE_UPDATES
from chainrep.node.flush_policy import FlushPolicy
from chainrep.protocol.evidence import MAX_RECORDS
from chainrep.store.outbox import MAX_PENDING
from scripts.benchmarks.scale import tables
from scripts.benchmarks.scale.assumptions import DAY, MEANINGS, Assumptions
from scripts.benchmarks.scale.capacity import BLOCKS, OWN_TIME
from scripts.benchmarks.scale.day import GWEI, MAX_JUDGEMENTS, on_l1, on_l2
from scripts.benchmarks.scale.outlook import SOURCES, Outlook
from scripts.benchmarks.scale.wording import power, prose, short, table

MORE_UPDATES = 2_000
"""The limit that a new ledger begins with."""

PER_BLOCK = 8
"""Batches of one ledger in a block, to see what that would lift."""

SENT_AT = FlushPolicy().flush_at


def assumptions(assumed: Assumptions) -> str:
    """Every one of them, with the option that sets it."""
    rows = [
        [f"`--{f.name.replace('_', '-')}`", f"{getattr(assumed, f.name):,.12g}", MEANINGS[f.name]]
        for f in fields(assumed)
    ]
    before = f"""Nothing in this table is measured. Prices and block space change all the time: the
        numbers are round, and of today's order. An L2 is a rollup that charges gas for execution,
        and for its transactions, compressed, what L1's blobs cost ({assumed.blob_price:g} gwei per
        blob gas here)."""
    return f"{prose(before)}\n\n{table(['option', 'value', 'meaning'], rows, text=1)}"


def batches(outlook: Outlook) -> str:
    """The three bounds of a batch."""
    most = outlook.assumed.max_updates
    before = f"""The relayer reads the {MAX_RECORDS:,} oldest records that wait, and takes all of
        those of the first {most:,} sources among them. A batch has at most {most:,} sources,
        {MAX_JUDGEMENTS} units in one counter (65,535 hundredths) and {MAX_RECORDS:,} records of
        evidence. Records in a batch in the long run, while more waits than is read, by each bound:
        """
    after = f"""Expected values: n records touch Σ 1 - (1 - p)^n sources; while more waits, sources
        take turns, the longest waiting first. {SAFE_UPDATES} updates fit into the 2^24 gas of a
        transaction (EIP-7825) though every source be new, {outlook.figures.most_updates:,.0f} if
        none is."""
    return f"{prose(before)}\n\n{tables.full_batches(outlook)}\n\n{prose(after)}"


def costs(outlook: Outlook) -> str:
    """ETH a day."""
    f, a = outlook.figures, outlook.assumed
    many = f.gas_joining * SOURCES[-1] * GWEI
    before = f"""In ETH, sent every {a.flush_seconds / 60:g} minutes, or when a batch is full; all
        sources have a score already. †: more gas than the whole chain has. *Gas* and *L1* are a
        ledger's; an *archive* keeps events only. *Blobs* is a projection, as chainrep's contracts
        take calldata only: an archive on L1 whose updates are grouped by source and travel in
        blobs, each paid for whole, with a transaction and a point evaluation, without a bound on
        evidence. Last, the tightest part that does not carry the day, and how many more do not."""
    after = f"""Once per source, registering it and its first update take {short(f.gas_joining)} gas
        more: for {power(SOURCES[-1])} sources {short(many * a.l1_gwei)} ETH on L1,
        {short(many * a.l2_gwei)} ETH on the L2 without its data."""
    return f"{prose(before)}\n\n{tables.costs(outlook)}\n\n{prose(after)}"


def flushing(outlook: Outlook) -> str:
    """More rarely, grouped, larger."""
    f, a = outlook.figures, outlook.assumed
    sources, feedback = tables.COMPARED[1]
    sizes = {size: Outlook(f, replace(a, max_updates=size)) for size in (SENT_AT, MORE_UPDATES)}
    early, late = (sizes[size].batches(sources, feedback) for size in (SENT_AT, MORE_UPDATES))
    before = f"""Waiting longer brings more judgements into an update, as far as the relayer reads.
        *All that waits* is not built: it would read all of it before it cuts. ‡: more waits than
        the outbox admits ({MAX_PENDING:,} records)."""
    after = f"""These batches are sent when full. A node sends earlier, unless told otherwise: when
        {SENT_AT} sources wait and the batch before is mined. In batches of {SENT_AT} updates the
        last day above, {MAX_RECORDS:,} read at once, takes {short(on_l1(early, f, a).eth)} ETH on
        L1 and {short(on_l2(early, f, a).eth)} ETH on the L2; in batches of {MORE_UPDATES:,},
        which a new ledger admits, {short(on_l1(late, f, a).eth)} and
        {short(on_l2(late, f, a).eth)} ETH."""
    return f"{prose(before)}\n\n{tables.flushes(outlook)}\n\n{prose(after)}"


def breaking(outlook: Outlook) -> str:
    """Limits by part."""
    f = outlook.figures
    before = """Judgements a day at which each part is full, on one node with one ledger, each part
        having the machine for itself. *Outage*: what the outbox holds while no chain answers. *One
        batch at a time*: the relayer waits until a batch is in a block."""
    after = f"""The whole road was measured at {short(f.road_per_s)} judgements a second
        ({short(f.road_per_s * DAY)} a day) on a local chain that mines at once, in batches of
        {MAX_RECORDS:,}. A score is read in {f.view_read_us:g} µs, without a request."""
    return f"{prose(before)}\n\n{tables.part_limits(outlook)}\n\n{prose(after)}"


def moving(outlook: Outlook) -> str:
    """What can be spread, and how far that goes."""
    f, a = outlook.figures, outlook.assumed
    quick = Outlook(f, replace(a, batches_per_block=PER_BLOCK)).limits(SOURCES[-1], a.l2)
    before = """*Ledgers*: over so many, each with a relayer and a store of its own, sources would
        have to be spread; *none*: the most asked source alone is more than one ledger takes, so
        that spreading does not help. Cores, bytes kept and requests are for all ledgers together;
        *evidence* is the projection of putting the evidence files, compressed, into blobs."""
    after = f"""What would move, by effort. None of it is built.

        1. **Read more before cutting**, in the relayer: no new machine, see above.

        2. **Several batches of a ledger in one block**: with {PER_BLOCK} of them an L2's blocks
        hold {short(quick[BLOCKS])} judgements a day over {power(SOURCES[-1])} sources, and the
        relayer's own time suffices for {short(quick[OWN_TIME])}.

        3. **A ledger and a relayer per group of sources** or per topic, and with it a member and an
        index: the contracts need nothing for it; readers have to know which source is where.

        4. **Evidence to object storage**: files are named by their root and never change. In blobs
        they take {f.evidence_packed_bytes:.0f} bytes a judgement, and nodes drop blobs after 4,096
        epochs (18 days): that publishes evidence and does not keep it.

        5. **Wider counters**, or less weight per judgement, for a source that fills its own.

        Ray is meant for reputation, which is not built: nothing to measure yet, and no figure."""
    return f"{prose(before)}\n\n{tables.moves(outlook)}\n\n{prose(after)}"


def unknown() -> str:
    """What the model leaves out."""
    return prose(
        """Rates were measured for minutes, on small stores, and drawn as straight lines through two
        sizes of batch; stores of 10^9 rows were not measured. The index read from a local chain: a
        provider's log queries are slower. Requests are those of a batch that is mined at once;
        while it waits, its receipt is asked for every 2 s. Left out are sources' receipts (up to
        1,024 bytes a judgement), tips, replaced and failed transactions, an L2's margin, and what a
        day's own gas would do to the price. Judgements are taken to be independent and to weigh
        one unit; real ones come in bursts."""
    )
