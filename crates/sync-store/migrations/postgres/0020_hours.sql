-- What was spent is kept by the hour, too (hours since 1970, UTC), so that a day can be shown as it went.
-- Of days before this it is not known: all of it stands at their beginning.
ALTER TABLE spend ADD COLUMN hour BIGINT NOT NULL DEFAULT 0;
UPDATE spend SET hour = day * 24;
ALTER TABLE spend ALTER COLUMN hour DROP DEFAULT;
ALTER TABLE spend DROP CONSTRAINT spend_pkey;
ALTER TABLE spend ADD PRIMARY KEY (connection_id, day, class, hour);
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
