-- What an installation of version 21 may hold besides.
INSERT INTO merged_record VALUES (1, 'deal', 80, 81, 1767225600000000);
INSERT INTO document_rule VALUES (1, 1, '{"account":"1001"}', 81, 'ann', 1767225600000000);
