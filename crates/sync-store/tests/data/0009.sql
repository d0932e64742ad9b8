-- What an installation of version 9 may hold besides.
INSERT INTO hook_event VALUES (1, '7:a', 1767225600000000, 'organization', 11, 'change', 'basic', '{}', NULL),
    (1, '7:b', 1767225600000000, 'organization', 12, 'delete', 'basic hmac', '{}', 1767225700000000);
