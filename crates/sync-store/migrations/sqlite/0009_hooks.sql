-- Changes that webhooks told of, once somebody vouched for them. Hints only: the record is read again.
CREATE TABLE hook_event (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    -- By what a second delivery of the same event is known.
    event         TEXT   NOT NULL,
    received_at   BIGINT NOT NULL,
    entity        TEXT   NOT NULL CHECK (entity IN ('organization')),
    record_id     BIGINT NOT NULL,
    action        TEXT   NOT NULL,
    -- Which checks vouched for it.
    vouched       TEXT   NOT NULL CHECK (vouched <> ''),
    body          TEXT   NOT NULL,
    -- When the record was read again.
    done_at       BIGINT,
    PRIMARY KEY (connection_id, event)
);
CREATE INDEX hook_event_open ON hook_event (connection_id, entity, received_at) WHERE done_at IS NULL;
CREATE INDEX hook_event_done ON hook_event (connection_id, done_at) WHERE done_at IS NOT NULL;
