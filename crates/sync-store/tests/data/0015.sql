-- What an installation of version 15 may hold besides.
UPDATE handover SET show_at = 1767225600000000, show_attempts = 2, show_error = '503: service unavailable' WHERE id = 81;
