-- What an installation of version 20 may hold besides.
INSERT INTO spend_others VALUES (1, 20454, 490897, 7);
