-- Why: limits, grants, blocks, pauses and access per server, with a log of every change.
-- guild_id 0 stands for the operator: what is set there holds in every server.

-- A limit for everyone, one member, one role, one channel (with its threads) or the whole server.
CREATE TABLE usage_limit (
    guild_id   INTEGER NOT NULL,
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
        CHECK ((subject IN ('everyone', 'server')) = (subject_id = 0)),
    CONSTRAINT the_operator_limits_everything CHECK (guild_id <> 0 OR subject = 'server')
) STRICT, WITHOUT ROWID;

INSERT INTO usage_limit (guild_id, subject, subject_id, credits, window_ms, concurrent)
SELECT guild_id, 'everyone', 0, credits, window_ms, concurrent FROM guild_policy
WHERE coalesce(credits, window_ms, concurrent) IS NOT NULL;

DROP TABLE guild_policy;

CREATE TABLE member_grant (
    id       INTEGER PRIMARY KEY,
    guild_id INTEGER NOT NULL,
    user_id  INTEGER NOT NULL,
    credits  INTEGER NOT NULL CONSTRAINT a_grant_grants_something CHECK (credits > 0),
    until_at INTEGER NOT NULL
) STRICT;

CREATE INDEX grant_of_member ON member_grant (guild_id, user_id, until_at);

CREATE TABLE member_block (
    guild_id INTEGER NOT NULL,
    user_id  INTEGER NOT NULL,
    reason   TEXT,
    until_at INTEGER,
    PRIMARY KEY (guild_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE server_pause (
    guild_id INTEGER PRIMARY KEY,
    mode     TEXT NOT NULL CONSTRAINT pause_mode_is_known CHECK (mode IN ('pause', 'drain')),
    reason   TEXT,
    until_at INTEGER
) STRICT;

CREATE TABLE server_access (
    guild_id   INTEGER NOT NULL,
    kind       TEXT NOT NULL CONSTRAINT access_kind_is_known
               CHECK (kind IN ('allowed_channel', 'required_role', 'barred_role')),
    subject_id INTEGER NOT NULL,
    PRIMARY KEY (guild_id, kind, subject_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE server_gate (
    guild_id    INTEGER PRIMARY KEY,
    newcomer_ms INTEGER NOT NULL DEFAULT 0
                CONSTRAINT newcomers_wait_not_negative CHECK (newcomer_ms >= 0),
    age         TEXT NOT NULL DEFAULT 'anywhere' CONSTRAINT age_rule_is_known
                CHECK (age IN ('anywhere', 'only_there', 'not_there'))
) STRICT;

CREATE TABLE verb_weight (
    guild_id INTEGER NOT NULL,
    verb     TEXT NOT NULL,
    weight   INTEGER NOT NULL CONSTRAINT nothing_is_free CHECK (weight >= 1),
    PRIMARY KEY (guild_id, verb)
) STRICT, WITHOUT ROWID;

-- Who changed what, from what to what. Written once; gone only with the server it belongs to.
CREATE TABLE audit_entry (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id     INTEGER NOT NULL,
    actor_id     INTEGER NOT NULL,
    action       TEXT NOT NULL CONSTRAINT action_has_a_name CHECK (action <> ''),
    subject      TEXT NOT NULL,
    subject_id   INTEGER NOT NULL,
    before_state TEXT CONSTRAINT before_is_json
                 CHECK (before_state IS NULL OR json_valid(before_state)),
    after_state  TEXT CONSTRAINT after_is_json
                 CHECK (after_state IS NULL OR json_valid(after_state)),
    at           INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_of_server ON audit_entry (guild_id, id);

-- Filled and emptied in the transaction that forgets a server.
CREATE TABLE server_to_forget (
    guild_id INTEGER PRIMARY KEY
) STRICT;

CREATE TRIGGER audit_is_never_rewritten BEFORE UPDATE ON audit_entry
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit_entry
WHEN NOT EXISTS (SELECT 1 FROM server_to_forget WHERE guild_id = OLD.guild_id)
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;
