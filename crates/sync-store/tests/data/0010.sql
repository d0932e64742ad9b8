-- What an installation of version 10 may hold besides.
INSERT INTO connect_attempt VALUES
    (1, 'aa', 'sealed', 'https://sync.example.com/connect/acme', NULL, 1767225600000000, 1767226200000000, NULL, NULL, NULL),
    (1, 'bb', NULL, 'https://sync.example.com/connect/acme', 7, 1767225600000000, 1767226200000000, 1767225700000000,
        1767225700000000, '{"result":"denied","said":"user_denied"}');
INSERT INTO company VALUES (1, 7, 'Acme', 'acme', 8, 'Ann', 1767225600000000, 1767225700000000, 'uninstalled');
