-- What an installation of version 13 may hold besides.
INSERT INTO hook_event VALUES (1, '8:a', 1767225600000000, 'deal', 81, 'change', 'basic', '{}', NULL, NULL);
INSERT INTO subscription (connection_id, remote_id, address, made_at, entity)
    VALUES (1, 9, 'digest', 1767225600000000, 'deal');
