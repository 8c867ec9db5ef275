-- Why: words may let a video be looked at, and the message for moderators may have to be posted anew.

ALTER TABLE blocked_phrase ADD COLUMN what_then TEXT NOT NULL DEFAULT 'refuse'
    CONSTRAINT phrase_leads_somewhere CHECK (what_then IN ('refuse', 'review'));

-- How often a message was wanted anew: each time it is another message.
ALTER TABLE delivery ADD COLUMN round INTEGER NOT NULL DEFAULT 0
    CONSTRAINT round_not_negative CHECK (round >= 0);

-- Messages of reviews that went on elsewhere: they must say so. Nobody knows of one without a
-- message id whether it was posted.
CREATE TABLE former_review (
    id         INTEGER PRIMARY KEY,
    job_id     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL,
    message_id INTEGER
) STRICT;

CREATE INDEX former_review_of ON former_review (job_id);

CREATE INDEX review_may_change ON delivery (job_id)
    WHERE kind = 'review' AND state = 'sent' AND shown <> 'final';
