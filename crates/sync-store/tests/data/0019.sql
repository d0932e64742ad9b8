-- What an installation of version 19 may hold besides.
UPDATE pair SET search = 'acme' WHERE search = '';
