-- Deals are told of, too. A subscription tells of one kind of record; those that there are tell of organizations.
ALTER TABLE subscription ADD COLUMN entity TEXT NOT NULL DEFAULT 'organization'
    CHECK (entity IN ('organization', 'deal'));

-- The inbox with deals. Its rows move over: SQLite cannot change what is allowed in a column.
CREATE TABLE hook_inbox (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    -- By what a second delivery of the same event is known.
    event         TEXT   NOT NULL,
    received_at   BIGINT NOT NULL,
    entity        TEXT   NOT NULL CHECK (entity IN ('organization', 'deal')),
    record_id     BIGINT NOT NULL,
    action        TEXT   NOT NULL,
    -- Which checks vouched for it.
    vouched       TEXT   NOT NULL CHECK (vouched <> ''),
    body          TEXT   NOT NULL,
    -- When the record was read again.
    done_at       BIGINT,
    -- When a look at the record began. What comes in later stays open, whatever the clocks of its receivers say.
    taken_at      BIGINT,
    PRIMARY KEY (connection_id, event)
);
INSERT INTO hook_inbox (connection_id, event, received_at, entity, record_id, action, vouched, body, done_at, taken_at)
    SELECT connection_id, event, received_at, entity, record_id, action, vouched, body, done_at, taken_at FROM hook_event;
DROP TABLE hook_event;
ALTER TABLE hook_inbox RENAME TO hook_event;
CREATE INDEX hook_event_open ON hook_event (connection_id, entity, received_at) WHERE done_at IS NULL;
CREATE INDEX hook_event_done ON hook_event (connection_id, done_at) WHERE done_at IS NOT NULL;
