-- What people search customers by, in one index: looking through all of them reads nothing else.
ALTER TABLE pair ADD COLUMN search TEXT NOT NULL DEFAULT '';
UPDATE pair SET search = substr(lower(crm_mirror), 1, 500);
CREATE INDEX pair_search ON pair (connection_id, party_id, org_id, search);
