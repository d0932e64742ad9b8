-- What an installation of version 3 may hold besides.
UPDATE spend_day SET last_at = 1767225600000000;
