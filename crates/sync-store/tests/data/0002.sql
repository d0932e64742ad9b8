-- What an installation of version 2 may hold besides.
INSERT INTO wish (connection_id, id, asked_by, asked_at) VALUES (1, 1, 'process 7', 1767225600000000);
INSERT INTO counter VALUES (1, 'wish', 1);
