-- Attempts to get the consent of a person at the CRM (OAuth): one row each, single use, for ten minutes.
CREATE TABLE connect_attempt (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    -- SHA-256 of the state that comes back with the person; the state itself is nowhere.
    state_hash    TEXT   NOT NULL,
    -- What the code has to be exchanged with, sealed; none without PKCE, and none any more once it was used.
    verifier      TEXT,
    redirect_url  TEXT   NOT NULL,
    -- The company that it must become, if that was said.
    company_id    BIGINT,
    made_at       BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    -- When the person came back.
    taken_at      BIGINT,
    ended_at      BIGINT,
    outcome       TEXT,
    PRIMARY KEY (connection_id, state_hash)
);
-- The company of a connection, remembered for ever: a connection is never pointed at another one.
CREATE TABLE company (
    connection_id BIGINT NOT NULL PRIMARY KEY REFERENCES connection (id),
    company_id    BIGINT NOT NULL,
    name          TEXT,
    domain        TEXT,
    user_id       BIGINT NOT NULL,
    user_name     TEXT,
    connected_at  BIGINT NOT NULL,
    -- When and by whom access was ended since.
    ended_at      BIGINT,
    ended_by      TEXT   CHECK (ended_by IN ('uninstalled', 'disconnected'))
);
