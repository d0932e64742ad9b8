-- What was spent is kept by the hour, too (hours since 1970, UTC), so that a day can be shown as it went.
-- Of days before this it is not known: all of it stands at their beginning.
CREATE TABLE spend_by_hour (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    day           BIGINT NOT NULL,
    class         BIGINT NOT NULL,
    hour          BIGINT NOT NULL,
    tokens        BIGINT NOT NULL,
    calls         BIGINT NOT NULL,
    PRIMARY KEY (connection_id, day, class, hour)
);
INSERT INTO spend_by_hour SELECT connection_id, day, class, day * 24, tokens, calls FROM spend;
DROP TABLE spend;
ALTER TABLE spend_by_hour RENAME TO spend;
CREATE INDEX spend_by_day ON spend (day);

-- What others had spent of a day by the end of an hour, as far as was seen; hours in which nothing was seen are not there.
CREATE TABLE spend_others (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    day           BIGINT NOT NULL,
    hour          BIGINT NOT NULL,
    tokens        BIGINT NOT NULL,
    PRIMARY KEY (connection_id, day, hour)
);
CREATE INDEX spend_others_by_day ON spend_others (day);
