//! State of the connector in SQLite or PostgreSQL
