"""The schema, as numbered migrations: a store is at version n once the first n have run.

It follows one road: feedback → batch → submission. A row moves on only in the same SQLite
transaction that records why, so a kill between any two statements leaves a state from which the
relayer can go on: feedback without a batch was never sent; a batch without a submission was never
broadcast; a stored submission may be broadcast again, byte for byte.

Beside it runs the road back: event → source, score, score_change, with a checkpoint. All of it is
written, or taken back to an earlier checkpoint, in one transaction per range of blocks.
"""

from __future__ import annotations

MIGRATIONS = (
    """
    CREATE TABLE batch (
        id INTEGER PRIMARY KEY,
        ledger TEXT NOT NULL,
        committee INTEGER NOT NULL,
        nonce INTEGER NOT NULL,
        deadline INTEGER NOT NULL,
        evidence_root BLOB NOT NULL CHECK (length(evidence_root) = 32),
        updates BLOB NOT NULL,
        signer_mask INTEGER NOT NULL,
        signatures BLOB NOT NULL,
        state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'applied')),
        UNIQUE (ledger, nonce)
    ) STRICT;

    CREATE TABLE feedback (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        ledger TEXT NOT NULL,
        source INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        query_digest BLOB NOT NULL CHECK (length(query_digest) = 32),
        salt BLOB NOT NULL,
        supported INTEGER NOT NULL,
        contradicted INTEGER NOT NULL,
        used INTEGER NOT NULL,
        asked INTEGER NOT NULL,
        time INTEGER NOT NULL,
        batch INTEGER REFERENCES batch (id),
        refused TEXT
    ) STRICT;
    CREATE INDEX feedback_pending ON feedback (ledger, id)
        WHERE batch IS NULL AND refused IS NULL;
    CREATE INDEX feedback_by_batch ON feedback (batch) WHERE batch IS NOT NULL;

    CREATE TABLE submission (
        hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
        batch INTEGER NOT NULL REFERENCES batch (id),
        raw BLOB NOT NULL,
        block INTEGER,
        gas_used INTEGER
    ) STRICT;
    CREATE INDEX submission_by_batch ON submission (batch);
    """,
    """
    ALTER TABLE feedback ADD COLUMN receipt BLOB NOT NULL DEFAULT x'';
    """,
    """
    CREATE TABLE signed_batch (
        id INTEGER PRIMARY KEY,
        ledger TEXT NOT NULL,
        evidence_root BLOB NOT NULL CHECK (length(evidence_root) = 32),
        UNIQUE (ledger, evidence_root)
    ) STRICT;

    CREATE TABLE signing (
        batch INTEGER NOT NULL REFERENCES signed_batch (id),
        nonce INTEGER NOT NULL,
        committee INTEGER NOT NULL,
        deadline INTEGER NOT NULL,
        block INTEGER NOT NULL,
        PRIMARY KEY (batch, nonce, committee)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX signing_by_nonce ON signing (nonce);

    CREATE TABLE signed_feedback (
        id BLOB NOT NULL CHECK (length(id) = 32),
        batch INTEGER NOT NULL REFERENCES signed_batch (id),
        PRIMARY KEY (id, batch)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE indexed_ledger (
        id INTEGER PRIMARY KEY,
        ledger TEXT NOT NULL UNIQUE,
        contracts TEXT NOT NULL,
        generation INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE checkpoint (
        ledger INTEGER NOT NULL REFERENCES indexed_ledger (id),
        block INTEGER NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32),
        time INTEGER NOT NULL,
        verified INTEGER NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (ledger, block)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE event (
        ledger INTEGER NOT NULL REFERENCES indexed_ledger (id),
        block INTEGER NOT NULL,
        log INTEGER NOT NULL,
        contract TEXT NOT NULL,
        name TEXT NOT NULL,
        subject INTEGER,
        transaction_hash BLOB NOT NULL CHECK (length(transaction_hash) = 32),
        topics BLOB NOT NULL,
        content BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX event_in_order ON event (ledger, block, log);
    CREATE INDEX event_by_name ON event (ledger, name, subject, block, log);

    CREATE TABLE indexed_source (
        ledger INTEGER NOT NULL REFERENCES indexed_ledger (id),
        id INTEGER NOT NULL,
        owner TEXT NOT NULL,
        uri TEXT NOT NULL,
        registered_at INTEGER NOT NULL,
        retired INTEGER NOT NULL DEFAULT 0,
        rotations INTEGER NOT NULL DEFAULT 0,
        agent TEXT,
        PRIMARY KEY (ledger, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE score (
        ledger INTEGER NOT NULL REFERENCES indexed_ledger (id),
        source INTEGER NOT NULL,
        supported INTEGER NOT NULL,
        contradicted INTEGER NOT NULL,
        used INTEGER NOT NULL,
        asked INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (ledger, source)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE score_change (
        ledger INTEGER NOT NULL REFERENCES indexed_ledger (id),
        source INTEGER NOT NULL,
        block INTEGER NOT NULL,
        log INTEGER NOT NULL,
        time INTEGER NOT NULL,
        supported INTEGER NOT NULL,
        contradicted INTEGER NOT NULL,
        used INTEGER NOT NULL,
        asked INTEGER NOT NULL,
        PRIMARY KEY (ledger, source, block, log)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE batch ADD COLUMN sealed_block INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE batch ADD COLUMN block INTEGER;
    ALTER TABLE batch ADD COLUMN sent_deadline INTEGER NOT NULL DEFAULT 0;
    UPDATE batch SET sent_deadline = deadline;
    ALTER TABLE submission ADD COLUMN sent_block INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE submission ADD COLUMN sent_time INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE submission ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE submission ADD COLUMN reserved TEXT NOT NULL DEFAULT '0';
    ALTER TABLE submission ADD COLUMN reserved_day INTEGER NOT NULL DEFAULT 0;

    CREATE INDEX feedback_refused ON feedback (ledger) WHERE refused IS NOT NULL;

    CREATE TABLE lease (
        ledger TEXT PRIMARY KEY,
        holder BLOB NOT NULL,
        pid INTEGER NOT NULL,
        began TEXT NOT NULL,
        expires INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE pace (
        ledger TEXT PRIMARY KEY,
        multiplier INTEGER NOT NULL,
        block INTEGER NOT NULL,
        day INTEGER NOT NULL,
        spent TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
)
