-- Subscriptions for webhooks that we made: a delivery names the one it is for, and so the secret that it was made with.
CREATE TABLE subscription (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    -- Its id at the CRM.
    remote_id     BIGINT NOT NULL,
    -- Digest of the address it delivers to: each secret has its own.
    address       TEXT   NOT NULL,
    made_at       BIGINT NOT NULL,
    -- When the first and the latest event came that somebody vouched for.
    proven_at     BIGINT,
    heard_at      BIGINT,
    ended_at      BIGINT,
    ended_why     TEXT,
    PRIMARY KEY (connection_id, remote_id)
);

-- When a look at the record began. What comes in later stays open, whatever the clocks of its receivers say.
ALTER TABLE hook_event ADD COLUMN taken_at BIGINT;
