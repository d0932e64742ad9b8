-- What an installation of version 8 may hold besides.
INSERT INTO match_key VALUES (1, 'erp', -42, 300000200000001), (1, 'crm', -42, 11);
INSERT INTO match_word VALUES (1, 'erp', 7, 300000200000001), (1, 'crm', 7, 11);
