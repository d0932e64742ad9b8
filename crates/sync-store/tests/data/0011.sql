INSERT INTO subscription (connection_id, remote_id, address, made_at, proven_at, heard_at, ended_at, ended_why) VALUES
    (1, 1828448, 'aa', 1767225600000000, 1767225601000000, 1767225602000000, NULL, NULL),
    (1, 1828447, 'bb', 1767225500000000, NULL, NULL, 1767225600000000, 'its address changed');
