-- Relationships of the ERP are staged, too: party_id is the daughter, parent_id the parent. SQLite cannot alter a CHECK,
-- so the table is made anew; the kinds are no longer listed here, the program alone knows them.
CREATE TABLE staged_anew (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    kind          TEXT   NOT NULL CHECK (kind <> ''),
    id            BIGINT NOT NULL,
    party_id      BIGINT,
    stamp         BIGINT NOT NULL,
    hash          TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    malformed     TEXT,
    read_at       BIGINT NOT NULL,
    sweep         BIGINT NOT NULL,
    missing       BIGINT NOT NULL CHECK (missing BETWEEN 0 AND 2),
    parent_id     BIGINT,
    PRIMARY KEY (connection_id, kind, id)
);
INSERT INTO staged_anew (connection_id, kind, id, party_id, stamp, hash, body, malformed, read_at, sweep, missing)
    SELECT connection_id, kind, id, party_id, stamp, hash, body, malformed, read_at, sweep, missing FROM staged;
DROP TABLE staged;
ALTER TABLE staged_anew RENAME TO staged;
CREATE INDEX staged_by_party ON staged (connection_id, kind, party_id) WHERE party_id IS NOT NULL;
CREATE INDEX staged_by_sweep ON staged (connection_id, kind, sweep);
CREATE INDEX staged_by_parent ON staged (connection_id, parent_id) WHERE parent_id IS NOT NULL;

-- What we made of them in the CRM, by daughter and parent. Remembered, because the CRM's own are never listed.
CREATE TABLE relation (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    daughter_id   BIGINT NOT NULL,
    parent_id     BIGINT NOT NULL,
    daughter_org  BIGINT NOT NULL,
    parent_org    BIGINT NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('stands', 'found', 'removed', 'by_hand', 'unsure')),
    -- The CRM's id of one that stands.
    relation_id   BIGINT,
    -- How often in a row it was sent.
    times         BIGINT NOT NULL CHECK (times >= 0),
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, daughter_id, parent_id),
    CHECK ((state IN ('stands', 'found')) = (relation_id IS NOT NULL))
);
