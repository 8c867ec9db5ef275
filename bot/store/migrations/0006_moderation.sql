-- Why: a cancelled job says whether a moderator cancelled it, and reports count what became of jobs without reading them.

-- The moderator who asked; NULL where the member did, or nobody.
ALTER TABLE job ADD COLUMN cancel_asked_by INTEGER;

-- All are written once, when a job ends: never while a command waits for its answer. They hold
-- all that reports read, in the order in which it is added up.
CREATE INDEX job_outcome ON job (guild_id, finished_at, state) WHERE finished_at IS NOT NULL;
CREATE INDEX reservation_settled ON reservation (guild_id, settled_at, credits, state)
    WHERE settled_at IS NOT NULL;
CREATE INDEX reservation_settled_of_member
    ON reservation (guild_id, user_id, settled_at, credits, state) WHERE settled_at IS NOT NULL;
