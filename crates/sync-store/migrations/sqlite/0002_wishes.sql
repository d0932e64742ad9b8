-- Somebody beside the process that holds a connection asks it to bring the connection up to date now, and follows.
CREATE TABLE wish (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    asked_by      TEXT   NOT NULL,
    asked_at      BIGINT NOT NULL,
    -- The run in which it is worked on; none while nobody has noticed it.
    run_id        BIGINT,
    ended_at      BIGINT,
    -- 'done', 'budget' or 'remote'.
    ended         TEXT CHECK (ended IN ('done', 'budget', 'remote')),
    message       TEXT,
    crm_requests  BIGINT,
    crm_tokens    BIGINT,
    erp_requests  BIGINT,
    PRIMARY KEY (connection_id, id)
);
CREATE INDEX wish_open ON wish (connection_id) WHERE ended_at IS NULL;
