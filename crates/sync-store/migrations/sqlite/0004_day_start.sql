-- When the CRM's day begins (microseconds after midnight UTC), as its answers taught us; and when each word about what
-- is left was heard: a rise between two of them is the reset.
CREATE TABLE spend_reset (
    connection_id BIGINT NOT NULL PRIMARY KEY REFERENCES connection (id),
    starts_after  BIGINT NOT NULL,
    learned_at    BIGINT NOT NULL
);
ALTER TABLE spend_day ADD COLUMN remaining_at BIGINT;
