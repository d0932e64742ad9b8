-- What companies on both sides have in common, as digests of short texts (tax ids, domains, names): who shares one is
-- compared. Derived from the staged records; built anew when the rules change.
CREATE TABLE match_key (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    side          TEXT   NOT NULL CHECK (side IN ('erp', 'crm')),
    key           BIGINT NOT NULL,
    id            BIGINT NOT NULL,
    PRIMARY KEY (connection_id, side, key, id)
);
CREATE INDEX match_key_by_id ON match_key (connection_id, side, id);

-- Digests of the words of their names: a word that only one company on each side has tells more than one that many have.
CREATE TABLE match_word (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    side          TEXT   NOT NULL CHECK (side IN ('erp', 'crm')),
    word          BIGINT NOT NULL,
    id            BIGINT NOT NULL,
    PRIMARY KEY (connection_id, word, side, id)
);
CREATE INDEX match_word_by_id ON match_word (connection_id, side, id);
