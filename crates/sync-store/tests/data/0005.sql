-- What an installation of version 5 may hold besides.
INSERT INTO answer VALUES (1, 300000200000002, '{"lives":{"deleted":"leave"}}', 'maria', 1767225600000000);
INSERT INTO alias VALUES (1, 300000200000003, 300000200000001);
INSERT INTO hold VALUES (1, 2, 300000200000004, 'party_missing', '{"hold":"party_missing"}', 1767225600000000, 1767225601000000, '{"answer":"retry"}', 'maria');
