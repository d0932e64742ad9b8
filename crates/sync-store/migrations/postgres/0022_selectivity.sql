-- SQLite is told by hand how selective its indexes are; PostgreSQL finds out by itself (autovacuum analyses).
SELECT 1;
