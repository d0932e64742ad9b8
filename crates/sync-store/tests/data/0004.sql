-- What an installation of version 4 may hold besides.
INSERT INTO spend_reset (connection_id, starts_after, learned_at) VALUES (1, 18000000000, 1767225600000000);
UPDATE spend_day SET remaining_at = 1767225600000000;
