-- What an installation of version 18 may hold besides.
INSERT INTO alert_state (connection_id, told, updated_at) VALUES (1, '{"broken_since":"2026-01-01T00:00:00Z"}', 1767225600000000);
INSERT INTO alert (connection_id, id, webhook_id, kind, body, at, state, attempts, next_at, last_error, ended_at)
    VALUES (1, 1, 'msg_1', 'holds.waiting', '{}', 1767225600000000, 'sent', 1, 1767225600000000, NULL, 1767225601000000),
           (1, 2, 'msg_2', 'connection.broken', '{}', 1767225600000000, 'waiting', 2, 1767225700000000, 'HTTP 503', NULL);
INSERT INTO counter (connection_id, name, value) VALUES (1, 'alert', 2);
