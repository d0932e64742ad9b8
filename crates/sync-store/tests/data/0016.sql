-- What an installation of version 16 may hold besides.
INSERT INTO person (id, name, name_key, role, password, made_at, left_at)
    VALUES (1, 'Ada', 'ada', 'admin', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaA', 1767225600000000, NULL);
INSERT INTO invitation (token_hash, role, person_id, made_by, made_at, expires_at, used_at)
    VALUES ('cc', 'viewer', NULL, 'Ada', 1767225600000000, 1767312000000000, NULL);
INSERT INTO session (token_hash, person_id, made_at, seen_at, expires_at)
    VALUES ('dd', 1, 1767225600000000, 1767225600000000, 1767830400000000);
INSERT INTO api_token (id, name, token_hash, role, made_by, made_at, used_at, ended_at)
    VALUES (1, 'reporting', 'ee', 'viewer', 'Ada', 1767225600000000, NULL, NULL);
INSERT INTO deed (id, at, who, place, what, about, connection_id, detail)
    VALUES (1, 1767225600000000, 'Ada', '127.0.0.1', 'answered', 'party 300000200000002', 1, 'leave');
INSERT INTO idempotent (key_hash, request_hash, made_at, status, body)
    VALUES ('ff', '00', 1767225600000000, 200, '{}');
INSERT INTO counter (connection_id, name, value) VALUES (0, 'person', 1), (0, 'api_token', 1), (0, 'deed', 1);
