-- Records that the CRM said were merged into others: once one is gone, nothing is left to read that tells where to.
CREATE TABLE merged_record (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    entity        TEXT   NOT NULL,
    record_id     BIGINT NOT NULL,
    into_id       BIGINT NOT NULL,
    told_at       BIGINT NOT NULL,
    PRIMARY KEY (connection_id, entity, record_id)
);

-- What a person said about one document, made a rule for all that are like it (JSON of what they have in common).
CREATE TABLE document_rule (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    likeness      TEXT   NOT NULL,
    deal_id       BIGINT NOT NULL,
    made_by       TEXT   NOT NULL,
    made_at       BIGINT NOT NULL,
    PRIMARY KEY (connection_id, id),
    UNIQUE (connection_id, likeness)
);
