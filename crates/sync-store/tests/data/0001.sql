-- What an installation of version 1 may hold: at least one row in every table.
INSERT INTO connection VALUES (1, 'acme', '{}', 1767225600000000, 1767225600000000);
INSERT INTO lease VALUES (1, NULL, 3, 17);
INSERT INTO counter VALUES (1, 'run', 2), (1, 'plan', 1), (1, 'intent', 1), (1, 'journal', 1), (1, 'hold', 1);
INSERT INTO cursor_state VALUES (1, 'erp.party', '[1]', 1767225600000000);
INSERT INTO staged VALUES (1, 'party', 300000200000001, NULL, 1767225600000000, 'a', '{}', NULL, 1767225600000000, 1, 0);
INSERT INTO job VALUES (1, 300000200000001, 2, 1767225600000000, 1, 0, 'poll', NULL);
INSERT INTO pair VALUES (1, 300000200000001, 11, '{}', '{}', '{}', 1767225600000000, 1767225600000000);
INSERT INTO run VALUES (1, 1, 'sync', 1767225600000000, NULL, NULL), (1, 2, 'run', 1767225600000000, 1767225601000000, '{}');
INSERT INTO outcome VALUES (1, 1, 'customers', 300000200000001, 'created');
INSERT INTO plan VALUES (1, 1, 1, 300000200000001, '{"party":300000200000001,"steps":[],"reason":"","rule":"erp_owns_field","class":"edit","then_hold":null}', 1767225600000000);
INSERT INTO intent VALUES (1, 1, 1, 1, 300000200000001, '{}', '{}', NULL, 'because', 'erp_owns_field', 2, 'poll', 3, 'done', 1767225600000000, NULL, 1767225601000000);
INSERT INTO journal VALUES (1, 1, 1, 1, 1767225600000000, 'create', 300000200000001, 11, '{}', '{}', 'because', 'erp_owns_field', 'poll', 5);
INSERT INTO hold VALUES (1, 1, 300000200000002, 'party_missing', '{"hold":"party_missing"}', 1767225600000000, NULL);
INSERT INTO spend VALUES (1, 20454, 2, 5, 1);
INSERT INTO spend_day VALUES (1, 20454, 0, NULL, NULL);
INSERT INTO data_key VALUES (1, 1, 'wrapped');
INSERT INTO credential VALUES (1, 'refresh', 1, 'sealed');
