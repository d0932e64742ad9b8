-- What an installation of version 17 may hold besides.
INSERT INTO fit_report (connection_id, id, made_at, body) VALUES (1, 1, 1767225600000000, '{}');
INSERT INTO connection_text (connection_id, version, made_at, made_by, why, body)
    VALUES (1, 1, 1767225600000000, 'Ada', 'made', 'name = "acme"');
INSERT INTO counter (connection_id, name, value) VALUES (1, 'fit_report', 1);
