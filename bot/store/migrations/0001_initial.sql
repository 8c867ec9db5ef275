-- Why: the first schema. What was asked, the credits it holds, and what must still be said in Discord.
-- Times are milliseconds since 1970; ids of Discord are integers.

CREATE TABLE guild_policy (
    guild_id   INTEGER PRIMARY KEY,
    credits    INTEGER CONSTRAINT credits_not_negative CHECK (credits >= 0),
    window_ms  INTEGER CONSTRAINT window_is_some_time CHECK (window_ms > 0),
    concurrent INTEGER CONSTRAINT at_least_one_job_at_once CHECK (concurrent >= 1)
) STRICT;

CREATE TABLE job (
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
                        'queued', 'submitting', 'in_doubt', 'rendering', 'delivering',
                        'delivered', 'failed', 'cancelled')),
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
    CONSTRAINT finished_iff_final
        CHECK ((state IN ('delivered', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT pika_id_once_accepted
        CHECK (state NOT IN ('rendering', 'delivering', 'delivered') OR pika_id IS NOT NULL),
    CONSTRAINT reference_before_submit
        CHECK (state NOT IN ('submitting', 'in_doubt') OR (reply_ref IS NOT NULL AND attempt > 0)),
    CONSTRAINT failure_has_a_code CHECK (state <> 'failed' OR code IS NOT NULL)
) STRICT;

CREATE INDEX job_unfinished ON job (guild_id, user_id, state) WHERE finished_at IS NULL;
CREATE INDEX job_finished ON job (finished_at) WHERE state = 'delivered';

-- A member's picture: its address until it is fetched, its path from then on.
CREATE TABLE picture (
    job_id       INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    role         TEXT NOT NULL CONSTRAINT role_is_known CHECK (role IN ('image', 'message')),
    filename     TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size         INTEGER NOT NULL,
    url          TEXT,
    path         TEXT,
    PRIMARY KEY (job_id, role)
) STRICT, WITHOUT ROWID;

-- Credits set aside for one job. The sum over these rows is the usage: there is no counter.
CREATE TABLE reservation (
    job_id     INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
    guild_id   INTEGER NOT NULL,
    user_id    INTEGER NOT NULL,
    credits    INTEGER NOT NULL CONSTRAINT credits_positive CHECK (credits > 0),
    state      TEXT NOT NULL DEFAULT 'held'
               CONSTRAINT hold_is_known CHECK (state IN ('held', 'charged', 'released')),
    held_at    INTEGER NOT NULL,
    settled_at INTEGER,
    CONSTRAINT settled_iff_not_held CHECK ((state = 'held') = (settled_at IS NULL))
) STRICT;

CREATE INDEX reservation_counts ON reservation (guild_id, user_id, held_at, credits)
    WHERE state <> 'released';

CREATE TRIGGER reservation_settles_once BEFORE UPDATE OF state ON reservation
WHEN OLD.state <> 'held'
BEGIN
    SELECT raise(ABORT, 'a reservation settles once');
END;

-- A message that must exist in Discord.
CREATE TABLE delivery (
    id         INTEGER PRIMARY KEY,
    job_id     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL
               CONSTRAINT kind_is_known CHECK (kind IN ('card', 'result', 'notice')),
    state      TEXT NOT NULL DEFAULT 'pending' CONSTRAINT delivery_state_is_known
               CHECK (state IN ('pending', 'sent', 'undeliverable')),
    channel_id INTEGER NOT NULL,
    message_id INTEGER,
    shown      TEXT,
    place      TEXT NOT NULL DEFAULT 'here'
               CONSTRAINT place_is_known CHECK (place IN ('here', 'parent', 'direct')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    fit        INTEGER CONSTRAINT fit_is_a_size CHECK (fit >= 0),
    due_at     INTEGER NOT NULL,
    sent_at    INTEGER,
    code       INTEGER,
    CONSTRAINT one_message_of_a_kind UNIQUE (job_id, kind),
    CONSTRAINT sent_iff_message CHECK ((state = 'sent') = (message_id IS NOT NULL)),
    CONSTRAINT sent_iff_dated CHECK ((state = 'sent') = (sent_at IS NOT NULL))
) STRICT;

CREATE INDEX delivery_due ON delivery (due_at) WHERE state = 'pending';
CREATE INDEX card_may_change ON delivery (job_id)
    WHERE kind = 'card' AND state = 'sent' AND shown <> 'final';

-- History: written by triggers, so that no code path can forget it.
CREATE TABLE job_event (
    id      INTEGER PRIMARY KEY,
    job_id  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    state   TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    code    TEXT,
    at      INTEGER NOT NULL
) STRICT;

CREATE INDEX job_event_of_job ON job_event (job_id);

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

-- Facts about this installation, such as which commands Discord already knows.
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
