-- Why: of a review's earlier message it must be known which of them it is, and when it may have been posted.

ALTER TABLE former_review ADD COLUMN round INTEGER NOT NULL DEFAULT 0
    CONSTRAINT former_round_not_negative CHECK (round >= 0);
ALTER TABLE former_review ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1
    CONSTRAINT former_attempts_not_negative CHECK (attempts >= 0);
ALTER TABLE former_review ADD COLUMN first_try_at INTEGER;
ALTER TABLE former_review ADD COLUMN last_try_at INTEGER;
