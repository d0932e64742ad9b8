//! Model, field table, mapping, decisions, plans and ports: everything that needs no IO, clock, randomness or thread
