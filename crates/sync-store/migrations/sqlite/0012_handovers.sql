-- Organizations of the CRM, and won deals without one, that are or may become customers of the ERP: what is known of each,
-- what people decided, the open question, and when it is looked at next.
CREATE TABLE handover (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    kind          TEXT   NOT NULL CHECK (kind IN ('org', 'deal')),
    id            BIGINT NOT NULL,
    class         BIGINT NOT NULL,
    -- None while nobody asked for a look.
    due_at        BIGINT,
    generation    BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    origin        TEXT   NOT NULL,
    last_error    TEXT,
    -- What was made or found in the ERP so far.
    made          TEXT   NOT NULL,
    answers       TEXT   NOT NULL,
    answered_by   TEXT,
    assigned_at   BIGINT,
    question_key  TEXT,
    question      TEXT,
    asked_at      BIGINT,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, kind, id),
    CHECK ((question_key IS NULL) = (question IS NULL) AND (question IS NULL) = (asked_at IS NULL))
);
CREATE INDEX handover_due ON handover (connection_id, class, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX handover_asked ON handover (connection_id, question_key, asked_at) WHERE question_key IS NOT NULL;

-- Writes to the ERP: committed before they are sent, ended by their receipts. Open ones without an answer are in doubt.
CREATE TABLE erp_intent (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    run_id        BIGINT NOT NULL,
    org_id        BIGINT NOT NULL,
    kind          TEXT   NOT NULL CHECK (kind <> ''),
    piece         TEXT   NOT NULL,
    cause         TEXT   NOT NULL,
    set_id        BIGINT NOT NULL,
    reason        TEXT   NOT NULL,
    class         BIGINT NOT NULL,
    origin        TEXT   NOT NULL,
    epoch         BIGINT NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('open', 'done', 'refused', 'void')),
    created_at    BIGINT NOT NULL,
    settled_at    BIGINT,
    ended_at      BIGINT,
    PRIMARY KEY (connection_id, id)
);
CREATE UNIQUE INDEX erp_intent_open ON erp_intent (connection_id, org_id) WHERE state = 'open';

-- What was sent to the ERP and what it said, where that is no organization of the CRM.
ALTER TABLE journal ADD COLUMN detail TEXT;
-- The record of a flow: a party of customers, an organization of handovers.
ALTER TABLE outcome RENAME COLUMN party_id TO record_id;
