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

-- Thousands may be due at one moment, as when a budget ended: the next ones are found without sorting all of them.
DROP INDEX document_due;
CREATE INDEX document_due ON document (connection_id, class, due_at, kind, id) WHERE due_at IS NOT NULL;
DROP INDEX deal_page_due;
CREATE INDEX deal_page_due ON deal_page (connection_id, class, due_at, deal_id) WHERE due_at IS NOT NULL;
