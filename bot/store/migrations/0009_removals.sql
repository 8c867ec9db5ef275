-- Why: videos are taken away, reported and shared long after they were made, and are named by the message they hang on.

-- When a message became wanted: its job may have been over for long. NULL in rows of before.
ALTER TABLE delivery ADD COLUMN wanted_at INTEGER;

CREATE INDEX video_of_message ON delivery (message_id) WHERE kind IN ('result', 'share');
CREATE INDEX report_may_change ON delivery (job_id)
    WHERE kind = 'report' AND state = 'sent' AND shown <> 'final';

-- Reports that a moderator has seen and thinks nothing of: all of them until then.
CREATE TABLE dismissal (
    job_id   INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
    actor_id INTEGER NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
