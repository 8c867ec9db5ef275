-- Why: moderators look at videos before they are posted, and take them away afterwards; servers choose where things go.

-- A new state, and what a request was marked for when it was taken. SQLite changes a CHECK only
-- by making the table anew (SQLite docs, lang_altertable, section 7).
CREATE TABLE job_anew (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    request_key     INTEGER NOT NULL CONSTRAINT one_job_per_request UNIQUE,
    guild_id        INTEGER NOT NULL,
    channel_id      INTEGER NOT NULL,
    parent_id       INTEGER,
    user_id         INTEGER NOT NULL,
    verb            TEXT NOT NULL CONSTRAINT verb_is_known
                    CHECK (verb IN ('create', 'animate', 'encrypt_text', 'encrypt_image')),
    prompt          TEXT NOT NULL CONSTRAINT prompt_fits_pika CHECK (length(prompt) <= 1500),
    message         TEXT CONSTRAINT message_fits_pika CHECK (length(message) <= 20),
    font            TEXT,
    state           TEXT NOT NULL CONSTRAINT state_is_known CHECK (state IN (
                        'queued', 'submitting', 'in_doubt', 'rendering', 'reviewing',
                        'delivering', 'delivered', 'failed', 'cancelled')),
    attempt         INTEGER NOT NULL DEFAULT 0,
    reply_ref       TEXT CONSTRAINT one_reference_per_attempt UNIQUE,
    pika_id         TEXT CONSTRAINT one_job_per_pika_id UNIQUE,
    created_at      INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    submitted_at    INTEGER,
    progressed_at   INTEGER,
    finished_at     INTEGER,
    cancel_asked_at INTEGER,
    percent         INTEGER CONSTRAINT percent_in_range CHECK (percent BETWEEN 0 AND 100),
    code            TEXT,
    detail          TEXT,
    video_path      TEXT,
    -- The moderator who asked; NULL where the member did, or nobody.
    cancel_asked_by INTEGER,
    -- Why its video is to be looked at first, as far as that was known when it was taken.
    marked          TEXT CONSTRAINT mark_is_known CHECK (marked IN ('newcomer', 'flagged')),
    CONSTRAINT finished_iff_final
        CHECK ((state IN ('delivered', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT pika_id_once_accepted
        CHECK (state NOT IN ('rendering', 'reviewing', 'delivering', 'delivered')
               OR pika_id IS NOT NULL),
    CONSTRAINT reference_before_submit
        CHECK (state NOT IN ('submitting', 'in_doubt') OR (reply_ref IS NOT NULL AND attempt > 0)),
    CONSTRAINT failure_has_a_code CHECK (state <> 'failed' OR code IS NOT NULL)
) STRICT;

INSERT INTO job_anew
SELECT id, request_key, guild_id, channel_id, parent_id, user_id, verb, prompt, message, font,
       state, attempt, reply_ref, pika_id, created_at, changed_at, submitted_at, progressed_at,
       finished_at, cancel_asked_at, percent, code, detail, video_path, cancel_asked_by, NULL
FROM job;

-- Numbers are never used twice, also those of jobs that are gone.
DELETE FROM sqlite_sequence WHERE name = 'job_anew';
INSERT INTO sqlite_sequence SELECT 'job_anew', seq FROM sqlite_sequence WHERE name = 'job';

DROP TRIGGER reservation_settles_once;  -- it speaks of the table, and comes again below
DROP TABLE job;
ALTER TABLE job_anew RENAME TO job;

CREATE INDEX job_unfinished ON job (guild_id, user_id, state) WHERE finished_at IS NULL;
CREATE INDEX job_finished ON job (finished_at) WHERE state = 'delivered';
CREATE INDEX job_given_up ON job (finished_at)
    WHERE state = 'failed' AND code IN ('unknown', 'stalled', 'gone', 'video_unreachable')
      AND cancel_asked_at IS NULL;
CREATE INDEX job_unfinished_here ON job (guild_id, coalesce(parent_id, channel_id))
    WHERE finished_at IS NULL;
CREATE INDEX job_outcome ON job (guild_id, finished_at, state) WHERE finished_at IS NOT NULL;

CREATE TRIGGER job_history_begins AFTER INSERT ON job
BEGIN
    INSERT INTO job_event (job_id, state, attempt, code, at)
    VALUES (NEW.id, NEW.state, NEW.attempt, NEW.code, NEW.changed_at);
END;

CREATE TRIGGER job_history_goes_on AFTER UPDATE OF state ON job
WHEN NEW.state <> OLD.state
BEGIN
    INSERT INTO job_event (job_id, state, attempt, code, at)
    VALUES (NEW.id, NEW.state, NEW.attempt, NEW.code, NEW.changed_at);
END;

-- A late video may have to be looked at, too.
CREATE TRIGGER reservation_settles_once BEFORE UPDATE OF state ON reservation
WHEN OLD.state <> 'held'
 AND NOT (OLD.state = 'released' AND NEW.state = 'charged'
          AND EXISTS (SELECT 1 FROM job WHERE id = OLD.job_id AND code = 'late'
                      AND state IN ('delivering', 'reviewing')))
BEGIN
    SELECT raise(ABORT, 'a reservation settles once');
END;

-- More kinds of messages, places that the server has chosen, and messages that must go again.
CREATE TABLE delivery_anew (
    id         INTEGER PRIMARY KEY,
    job_id     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CONSTRAINT kind_is_known
               CHECK (kind IN ('card', 'result', 'notice', 'review', 'share', 'report', 'removal')),
    state      TEXT NOT NULL DEFAULT 'pending' CONSTRAINT delivery_state_is_known
               CHECK (state IN ('pending', 'sent', 'undeliverable', 'removing', 'removed')),
    channel_id INTEGER NOT NULL,
    message_id INTEGER,
    shown      TEXT,
    place      TEXT NOT NULL DEFAULT 'here'
               CONSTRAINT place_is_known CHECK (place IN ('chosen', 'here', 'parent', 'direct')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    fit        INTEGER CONSTRAINT fit_is_a_size CHECK (fit >= 0),
    due_at     INTEGER NOT NULL,
    sent_at    INTEGER,
    code       INTEGER,
    CONSTRAINT one_message_of_a_kind UNIQUE (job_id, kind),
    CONSTRAINT sent_iff_message
        CHECK ((state IN ('sent', 'removing', 'removed')) = (message_id IS NOT NULL)),
    CONSTRAINT sent_iff_dated
        CHECK ((state IN ('sent', 'removing', 'removed')) = (sent_at IS NOT NULL))
) STRICT;

INSERT INTO delivery_anew SELECT id, job_id, kind, state, channel_id, message_id, shown, place,
                                 attempts, fit, due_at, sent_at, code
FROM delivery;

DROP TABLE delivery;
ALTER TABLE delivery_anew RENAME TO delivery;

CREATE INDEX delivery_due ON delivery (due_at) WHERE state = 'pending';
CREATE INDEX removal_due ON delivery (due_at) WHERE state = 'removing';
CREATE INDEX card_may_change ON delivery (job_id)
    WHERE kind = 'card' AND state = 'sent' AND shown <> 'final';
CREATE INDEX card_given_up ON delivery (job_id) WHERE kind = 'card' AND state = 'undeliverable';

-- What a server has chosen beside its limits. A row is there once anything is chosen.
CREATE TABLE server_choice (
    guild_id           INTEGER PRIMARY KEY,
    result_channel     INTEGER,  -- NULL: where the video was asked for
    showcase_channel   INTEGER,
    log_channel        INTEGER,
    review_channel     INTEGER,
    review_newcomer_ms INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT newcomers_are_new_for_some_time CHECK (review_newcomer_ms >= 0),
    review_flagged     INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT review_flagged_or_not CHECK (review_flagged IN (0, 1)),
    review_all         INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT review_all_or_not CHECK (review_all IN (0, 1)),
    strikes            INTEGER CONSTRAINT a_strike_at_least CHECK (strikes >= 1),
    strike_window_ms   INTEGER CONSTRAINT strikes_count_for_some_time CHECK (strike_window_ms > 0),
    strike_block_ms    INTEGER CONSTRAINT strikes_block_for_some_time CHECK (strike_block_ms > 0),
    retention_ms       INTEGER CONSTRAINT kept_for_some_time CHECK (retention_ms > 0),
    digest             INTEGER NOT NULL DEFAULT 1
                       CONSTRAINT digest_or_not CHECK (digest IN (0, 1)),
    CONSTRAINT a_review_has_a_place
        CHECK (review_channel IS NOT NULL
               OR (review_newcomer_ms = 0 AND review_flagged = 0 AND review_all = 0)),
    CONSTRAINT strikes_are_whole_or_none
        CHECK ((strikes IS NULL) = (strike_window_ms IS NULL)
               AND (strikes IS NULL) = (strike_block_ms IS NULL))
) STRICT;

-- A video that is looked at before it is posted, and what was decided: once.
CREATE TABLE review (
    job_id     INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
    guild_id   INTEGER NOT NULL,
    why        TEXT NOT NULL
               CONSTRAINT review_has_a_reason CHECK (why IN ('newcomer', 'flagged', 'all')),
    asked_at   INTEGER NOT NULL,
    verdict    TEXT CONSTRAINT verdict_is_known CHECK (verdict IN ('approved', 'rejected')),
    decided_at INTEGER,
    decided_by INTEGER,  -- 0: the bot, as nobody else did
    reason     TEXT,
    CONSTRAINT decided_iff_dated CHECK ((verdict IS NULL) = (decided_at IS NULL)
                                        AND (verdict IS NULL) = (decided_by IS NULL))
) STRICT;

CREATE INDEX review_waits ON review (guild_id, asked_at) WHERE verdict IS NULL;

CREATE TRIGGER review_is_decided_once BEFORE UPDATE OF verdict ON review
WHEN OLD.verdict IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a review is decided once');
END;

-- A video that a moderator has taken away.
CREATE TABLE removal (
    job_id   INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
    actor_id INTEGER NOT NULL,
    reason   TEXT,
    at       INTEGER NOT NULL
) STRICT;

-- Members who find that a video should go.
CREATE TABLE report (
    job_id  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    reason  TEXT,
    at      INTEGER NOT NULL,
    PRIMARY KEY (job_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX report_of_member ON report (user_id, at);
