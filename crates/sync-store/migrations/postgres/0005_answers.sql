-- What people decided about a party: remembered, so that nobody is asked twice.
CREATE TABLE answer (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    party_id      BIGINT NOT NULL,
    body          TEXT   NOT NULL,
    answered_by   TEXT   NOT NULL,
    answered_at   BIGINT NOT NULL,
    PRIMARY KEY (connection_id, party_id)
);
-- How a hold was answered, and by whom; neither for one that reality has solved.
ALTER TABLE hold ADD COLUMN answer TEXT;
ALTER TABLE hold ADD COLUMN answered_by TEXT;
-- The open holds of one cause.
CREATE INDEX hold_by_reason ON hold (connection_id, reason_key, id) WHERE closed_at IS NULL;
-- Parties whose numbers are shown by the organization of another party, which sales merged with theirs.
CREATE TABLE alias (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    party_id      BIGINT NOT NULL,
    of_party_id   BIGINT NOT NULL,
    PRIMARY KEY (connection_id, party_id)
);
CREATE INDEX alias_of ON alias (connection_id, of_party_id);
