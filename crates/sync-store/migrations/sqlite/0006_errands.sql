-- What is wished for, where it is more than a sync of everything: one customer, or a repetition (JSON).
ALTER TABLE wish ADD COLUMN customer TEXT;
ALTER TABLE wish ADD COLUMN again TEXT;
-- What became of the one customer, JSON.
ALTER TABLE wish ADD COLUMN report TEXT;
