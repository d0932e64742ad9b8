-- What was told last of a connection's state, JSON of whoever tells; replaced only by who has read what is there, so that
-- of two processes one tells.
CREATE TABLE alert_state (
    connection_id BIGINT NOT NULL PRIMARY KEY REFERENCES connection (id),
    told          TEXT   NOT NULL,
    updated_at    BIGINT NOT NULL
);
-- Alerts on their way: committed together with what was told, sent afterwards until somebody takes them.
CREATE TABLE alert (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    -- The same with each try, by which the receiver knows one that comes twice.
    webhook_id    TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    at            BIGINT NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('waiting', 'sent', 'given_up')),
    attempts      BIGINT NOT NULL,
    next_at       BIGINT NOT NULL,
    last_error    TEXT,
    ended_at      BIGINT,
    PRIMARY KEY (connection_id, id),
    CHECK ((state = 'waiting') = (ended_at IS NULL))
);
CREATE INDEX alert_waiting ON alert (connection_id, id) WHERE state = 'waiting';
