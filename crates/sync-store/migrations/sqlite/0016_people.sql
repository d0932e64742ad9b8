-- People who use the console, programs that use the API, and what both did. None of it belongs to a connection.
CREATE TABLE person (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- The name as it is compared.
    name_key TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    -- argon2id, as a PHC string.
    password TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    left_at BIGINT
);
-- Links that make a person, or give one a new password; each is good for one time. Of secrets only digests are kept.
CREATE TABLE invitation (
    token_hash TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    -- Whose password it replaces.
    person_id BIGINT,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE TABLE session (
    token_hash TEXT NOT NULL PRIMARY KEY,
    person_id BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_person ON session (person_id);
CREATE TABLE api_token (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    used_at BIGINT,
    ended_at BIGINT
);
CREATE TABLE deed (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    -- Where from: an address of the network, or the terminal.
    place TEXT NOT NULL,
    what TEXT NOT NULL,
    about TEXT NOT NULL,
    -- None where it is about the installation.
    connection_id BIGINT,
    detail TEXT NOT NULL
);
-- Answers to requests that may come twice, by whoever asked and the key it gave.
CREATE TABLE idempotent (
    key_hash TEXT NOT NULL PRIMARY KEY,
    request_hash TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    -- None while it is worked on.
    status BIGINT,
    body TEXT
);
