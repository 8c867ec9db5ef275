-- Why: servers are told in a channel what is changed and used, who gives Pika too much to refuse is blocked, and what is old is forgotten.

-- What the operator allows all servers together is a setting of the installation and stands in no
-- table. SQLite changes a CHECK only by making the table anew (SQLite docs, lang_altertable).
CREATE TABLE usage_limit_anew (
    guild_id   INTEGER NOT NULL CONSTRAINT a_limit_is_a_servers CHECK (guild_id <> 0),
    subject    TEXT NOT NULL CONSTRAINT limit_subject_is_known
               CHECK (subject IN ('everyone', 'member', 'role', 'channel', 'server')),
    subject_id INTEGER NOT NULL,
    credits    INTEGER CONSTRAINT credits_not_negative CHECK (credits >= 0),
    window_ms  INTEGER CONSTRAINT window_is_some_time CHECK (window_ms > 0),
    concurrent INTEGER CONSTRAINT at_least_one_job_at_once CHECK (concurrent >= 1),
    PRIMARY KEY (guild_id, subject, subject_id),
    CONSTRAINT a_limit_limits_something
        CHECK (credits IS NOT NULL OR window_ms IS NOT NULL OR concurrent IS NOT NULL),
    CONSTRAINT a_window_belongs_to_credits
        CHECK (credits IS NOT NULL OR window_ms IS NULL OR subject = 'everyone'),
    CONSTRAINT a_budget_is_credits_in_a_window
        CHECK (subject <> 'server'
               OR (credits IS NOT NULL AND window_ms IS NOT NULL AND concurrent IS NULL)),
    CONSTRAINT an_id_where_there_is_one
        CHECK ((subject IN ('everyone', 'server')) = (subject_id = 0))
) STRICT, WITHOUT ROWID;

INSERT INTO usage_limit_anew
SELECT guild_id, subject, subject_id, credits, window_ms, concurrent
FROM usage_limit WHERE guild_id <> 0;

DROP TABLE usage_limit;
ALTER TABLE usage_limit_anew RENAME TO usage_limit;

-- What a server's log channel has to be told, in order; gone once it stands there.
CREATE TABLE log_line (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id   INTEGER NOT NULL,
    kind       TEXT NOT NULL
               CONSTRAINT line_kind_is_known CHECK (kind IN ('entry', 'budget', 'digest')),
    entry_id   INTEGER,
    facts      TEXT CONSTRAINT facts_are_json CHECK (facts IS NULL OR json_valid(facts)),
    -- A channel that was the log until the server chose another one, or none. NULL: the one that
    -- is the log when the line is posted.
    channel_id INTEGER,
    at         INTEGER NOT NULL,
    CONSTRAINT a_line_has_an_entry_or_facts
        CHECK ((kind = 'entry') = (entry_id IS NOT NULL) AND (kind = 'entry') = (facts IS NULL))
) STRICT;

CREATE INDEX log_line_of_server ON log_line (guild_id, id);

-- How the log of a server is doing. A row is there once it had anything to say.
CREATE TABLE server_log (
    guild_id      INTEGER PRIMARY KEY,
    due_at        INTEGER,                     -- NULL: there is nothing to post
    attempts      INTEGER NOT NULL DEFAULT 0,  -- in vain, since the last one that was not
    refused       INTEGER,                     -- Discord's code of the last refusal
    lost          INTEGER NOT NULL DEFAULT 0,  -- lines that were given up, and nobody was told yet
    -- The message under way: into which channel, up to which line, since when.
    begun_channel INTEGER,
    begun_line    INTEGER,
    begun_at      INTEGER,
    CONSTRAINT begun_as_a_whole CHECK ((begun_channel IS NULL) = (begun_line IS NULL)
                                       AND (begun_channel IS NULL) = (begun_at IS NULL))
) STRICT;

CREATE INDEX log_due ON server_log (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX log_refused ON server_log (guild_id) WHERE refused IS NOT NULL;

CREATE TRIGGER entries_are_logged AFTER INSERT ON audit_entry
WHEN EXISTS (SELECT 1 FROM server_choice
             WHERE guild_id = NEW.guild_id AND log_channel IS NOT NULL)
BEGIN
    INSERT INTO log_line (guild_id, kind, entry_id, at)
    VALUES (NEW.guild_id, 'entry', NEW.id, NEW.at);
END;

CREATE TRIGGER a_line_makes_its_log_due AFTER INSERT ON log_line
BEGIN
    INSERT INTO server_log (guild_id, due_at) VALUES (NEW.guild_id, NEW.at)
    ON CONFLICT DO UPDATE SET due_at = coalesce(due_at, excluded.due_at);
END;

-- How full a server's budget was when it was last told of. No row: it need not be told of.
CREATE TABLE budget_alert (
    guild_id INTEGER PRIMARY KEY,
    fill     TEXT NOT NULL CONSTRAINT fill_is_worth_telling CHECK (fill IN ('near', 'full'))
) STRICT;

-- The last day (days since 1970, in UTC) of which a server's log channel was told.
CREATE TABLE server_digest (
    guild_id INTEGER PRIMARY KEY,
    day      INTEGER NOT NULL
) STRICT;

CREATE INDEX report_by_time ON report (at);

-- Until when the member was blocked, as this prompt was one too many that Pika has moderated.
ALTER TABLE job ADD COLUMN blocked_until INTEGER;

-- When its words and pictures were erased.
ALTER TABLE job ADD COLUMN erased_at INTEGER
    CONSTRAINT only_what_is_over_is_erased CHECK (erased_at IS NULL OR finished_at IS NOT NULL);

-- All are written when a job ends, never while a command waits for its answer.
CREATE INDEX job_moderated ON job (guild_id, user_id, finished_at)
    WHERE state = 'failed' AND code = 'moderated';
CREATE INDEX job_to_erase ON job (guild_id, finished_at)
    WHERE finished_at IS NOT NULL AND erased_at IS NULL;

CREATE INDEX audit_of_blocks ON audit_entry (guild_id, subject_id, at)
    WHERE action IN ('block', 'unblock');

-- Servers that the bot was removed from, and since when.
CREATE TABLE server_absence (
    guild_id INTEGER PRIMARY KEY,
    since    INTEGER NOT NULL
) STRICT;
