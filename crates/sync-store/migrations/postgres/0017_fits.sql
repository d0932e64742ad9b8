-- What was forecast of a connection, and when.
CREATE TABLE fit_report (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (connection_id, id)
);
-- Connections that were made in the console: every version of what the configuration file would say of them, without secrets.
CREATE TABLE connection_text (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    version BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    why TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (connection_id, version)
);
