-- Relationships of the ERP are staged, too: party_id is the daughter, parent_id the parent. The kinds are no longer
-- listed here, the program alone knows them.
ALTER TABLE staged DROP CONSTRAINT IF EXISTS staged_kind_check;
ALTER TABLE staged ADD CONSTRAINT staged_kind_check CHECK (kind <> '');
ALTER TABLE staged ADD COLUMN parent_id BIGINT;
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
