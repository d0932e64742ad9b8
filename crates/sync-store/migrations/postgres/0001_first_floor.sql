-- The first floor. Every table is keyed by connection. Times are microseconds since 1970 UTC, JSON is text,
-- truth is 0 or 1. The same text serves SQLite and PostgreSQL.

-- One ERP instance, one CRM company, and what was agreed about them.
CREATE TABLE connection (
    id           BIGINT NOT NULL PRIMARY KEY,
    name         TEXT   NOT NULL UNIQUE,
    settings     TEXT   NOT NULL,
    activated_at BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);

-- Who may work on a connection. The epoch fences off a holder that was taken for dead; the heartbeat is what a
-- taker watches on its own clock.
CREATE TABLE lease (
    connection_id BIGINT NOT NULL PRIMARY KEY REFERENCES connection (id),
    owner         TEXT,
    epoch         BIGINT NOT NULL CHECK (epoch > 0),
    heartbeat     BIGINT NOT NULL
);

-- Row numbers, handed out within the transaction that uses them.
CREATE TABLE counter (
    connection_id BIGINT NOT NULL,
    name          TEXT   NOT NULL,
    value         BIGINT NOT NULL,
    PRIMARY KEY (connection_id, name)
);

-- Where reading of each stream stands. Moves only together with the rows it passes.
CREATE TABLE cursor_state (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    stream        TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, stream)
);

-- The newest remote record seen per id. party_id: owner of an account, or the ERP id that an organization carries.
CREATE TABLE staged (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    kind          TEXT   NOT NULL CHECK (kind IN ('party', 'account', 'org')),
    id            BIGINT NOT NULL,
    party_id      BIGINT,
    stamp         BIGINT NOT NULL,
    hash          TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    malformed     TEXT,
    read_at       BIGINT NOT NULL,
    sweep         BIGINT NOT NULL,
    missing       BIGINT NOT NULL CHECK (missing BETWEEN 0 AND 2),
    PRIMARY KEY (connection_id, kind, id)
);
CREATE INDEX staged_by_party ON staged (connection_id, kind, party_id) WHERE party_id IS NOT NULL;
CREATE INDEX staged_by_sweep ON staged (connection_id, kind, sweep);

-- Parties to look at. Keys, never payloads: whoever asks again only makes the look earlier or more urgent.
CREATE TABLE job (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    party_id      BIGINT NOT NULL,
    class         BIGINT NOT NULL,
    due_at        BIGINT NOT NULL,
    generation    BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    origin        TEXT   NOT NULL,
    last_error    TEXT,
    PRIMARY KEY (connection_id, party_id)
);
CREATE INDEX job_by_urgency ON job (connection_id, class, due_at, party_id);
CREATE INDEX job_by_due ON job (connection_id, due_at);

-- A party and an organization that are the same company, with what each side looked like.
CREATE TABLE pair (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    party_id      BIGINT NOT NULL,
    org_id        BIGINT NOT NULL,
    erp_mirror    TEXT   NOT NULL,
    crm_mirror    TEXT   NOT NULL,
    written       TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, party_id),
    UNIQUE (connection_id, org_id)
);

-- In whose name work was done: one sync, or one life of the daemon.
CREATE TABLE run (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    kind          TEXT   NOT NULL,
    started_at    BIGINT NOT NULL,
    finished_at   BIGINT,
    summary       TEXT,
    PRIMARY KEY (connection_id, id)
);

-- How each key of a run ended, by its last outcome.
CREATE TABLE outcome (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    run_id        BIGINT NOT NULL,
    flow          TEXT   NOT NULL,
    party_id      BIGINT NOT NULL,
    outcome       TEXT   NOT NULL CHECK (outcome IN ('created', 'updated', 'unchanged', 'held', 'failed')),
    PRIMARY KEY (connection_id, run_id, flow, party_id)
);

-- The exact writes that were decided.
CREATE TABLE plan (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    run_id        BIGINT NOT NULL,
    party_id      BIGINT NOT NULL,
    body          TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, id)
);

-- Committed before a write is sent. Open ones without an answer are in doubt and looked for.
CREATE TABLE intent (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    plan_id       BIGINT NOT NULL,
    run_id        BIGINT NOT NULL,
    party_id      BIGINT NOT NULL,
    step          TEXT   NOT NULL,
    before_image  TEXT   NOT NULL,
    before_stamp  BIGINT,
    reason        TEXT   NOT NULL,
    rule          TEXT   NOT NULL,
    class         BIGINT NOT NULL,
    origin        TEXT   NOT NULL,
    epoch         BIGINT NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('open', 'done', 'refused', 'void')),
    created_at    BIGINT NOT NULL,
    settled_at    BIGINT,
    ended_at      BIGINT,
    PRIMARY KEY (connection_id, id),
    FOREIGN KEY (connection_id, plan_id) REFERENCES plan (connection_id, id)
);
-- A party has at most one write under way.
CREATE UNIQUE INDEX intent_open ON intent (connection_id, party_id) WHERE state = 'open';

-- Every remote write that took effect: what it changed, why, and where that came from. Never changed, never pruned.
CREATE TABLE journal (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    intent_id     BIGINT NOT NULL,
    run_id        BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    op            TEXT   NOT NULL,
    party_id      BIGINT NOT NULL,
    org_id        BIGINT,
    before_image  TEXT   NOT NULL,
    after_image   TEXT   NOT NULL,
    reason        TEXT   NOT NULL,
    rule          TEXT   NOT NULL,
    origin        TEXT   NOT NULL,
    tokens        BIGINT NOT NULL,
    PRIMARY KEY (connection_id, id)
);
CREATE INDEX journal_by_party ON journal (connection_id, party_id, id);

-- Questions for a person; at most one open one a party.
CREATE TABLE hold (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    party_id      BIGINT NOT NULL,
    reason_key    TEXT   NOT NULL,
    reason        TEXT   NOT NULL,
    opened_at     BIGINT NOT NULL,
    closed_at     BIGINT,
    PRIMARY KEY (connection_id, id)
);
CREATE UNIQUE INDEX hold_open ON hold (connection_id, party_id) WHERE closed_at IS NULL;

-- Tokens spent by us, per UTC day and class.
CREATE TABLE spend (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    day           BIGINT NOT NULL,
    class         BIGINT NOT NULL,
    tokens        BIGINT NOT NULL,
    calls         BIGINT NOT NULL,
    PRIMARY KEY (connection_id, day, class)
);

-- What others spent as far as we have seen, and whether the CRM said that nothing is left.
CREATE TABLE spend_day (
    connection_id   BIGINT NOT NULL REFERENCES connection (id),
    day             BIGINT NOT NULL,
    foreign_tokens  BIGINT NOT NULL,
    remaining_seen  BIGINT,
    exhausted_until BIGINT,
    PRIMARY KEY (connection_id, day)
);

-- The data key of a connection, wrapped by the master key.
CREATE TABLE data_key (
    connection_id BIGINT NOT NULL PRIMARY KEY REFERENCES connection (id),
    version       BIGINT NOT NULL,
    wrapped       TEXT   NOT NULL
);

-- Secrets that were obtained or entered, sealed with the data key.
CREATE TABLE credential (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    name          TEXT   NOT NULL,
    key_version   BIGINT NOT NULL,
    sealed        TEXT   NOT NULL,
    PRIMARY KEY (connection_id, name)
);
