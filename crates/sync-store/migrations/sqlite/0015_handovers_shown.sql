-- What deal and organization say of a handover is looked at after the handover itself, and only while nothing more urgent is
-- due: when, after how many failures, and how the last of them went.
ALTER TABLE handover ADD COLUMN show_at BIGINT;
ALTER TABLE handover ADD COLUMN show_attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE handover ADD COLUMN show_error TEXT;
-- An earlier version may have died between the two.
UPDATE handover SET show_at = updated_at;
CREATE INDEX handover_show ON handover (connection_id, show_at) WHERE show_at IS NOT NULL;
