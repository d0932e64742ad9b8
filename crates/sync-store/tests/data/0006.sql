-- What an installation of version 6 may hold besides.
INSERT INTO wish (connection_id, id, asked_by, asked_at, customer) VALUES (1, 2, 'process 8', 1767225600000000, '1006');
INSERT INTO wish (connection_id, id, asked_by, asked_at, again) VALUES (1, 3, 'process 9', 1767225600000000, '"all"');
UPDATE counter SET value = 3 WHERE name = 'wish';
