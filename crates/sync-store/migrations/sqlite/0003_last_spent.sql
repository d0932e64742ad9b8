-- When we last spent: the burst window outlives the process that filled it.
ALTER TABLE spend_day ADD COLUMN last_at BIGINT;
