-- Why: credits are counted by channel and server too, and sums of them must not grow dearer with history.

-- The channel that a reservation counts for: never a thread, but the channel above it.
ALTER TABLE reservation ADD COLUMN channel_id INTEGER NOT NULL DEFAULT 0;

UPDATE reservation
SET channel_id = (SELECT coalesce(parent_id, channel_id) FROM job WHERE id = job_id);

CREATE TRIGGER reservation_names_its_channel BEFORE INSERT ON reservation
WHEN NEW.channel_id = 0
BEGIN
    SELECT raise(ABORT, 'a reservation names its channel');
END;

CREATE INDEX reservation_of_channel ON reservation (guild_id, channel_id, held_at, credits)
    WHERE state <> 'released';
CREATE INDEX reservation_of_server ON reservation (guild_id, held_at, credits)
    WHERE state <> 'released';
CREATE INDEX reservation_of_all ON reservation (held_at, credits) WHERE state <> 'released';
CREATE INDEX job_unfinished_here ON job (guild_id, coalesce(parent_id, channel_id))
    WHERE finished_at IS NULL;

-- Sums over long windows, kept by the triggers below. ``credits`` is what is held or charged
-- after ``since``; a reader takes off what has left the window meanwhile, a writer moves
-- ``since`` on. A sum that is missing is added up from the reservations.
CREATE TABLE rolling_sum (
    scope      TEXT NOT NULL CONSTRAINT scope_is_known
               CHECK (scope IN ('member', 'channel', 'server', 'everything')),
    guild_id   INTEGER NOT NULL,
    subject_id INTEGER NOT NULL,
    window_ms  INTEGER NOT NULL CONSTRAINT window_is_some_time CHECK (window_ms > 0),
    since      INTEGER NOT NULL,
    credits    INTEGER NOT NULL CONSTRAINT sum_not_negative CHECK (credits >= 0),
    PRIMARY KEY (scope, guild_id, subject_id, window_ms)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER rolling_sums_grow AFTER INSERT ON reservation
WHEN NEW.state <> 'released'
BEGIN
    UPDATE rolling_sum SET credits = credits + NEW.credits
    WHERE since < NEW.held_at AND (
           (scope = 'member' AND guild_id = NEW.guild_id AND subject_id = NEW.user_id)
        OR (scope = 'channel' AND guild_id = NEW.guild_id AND subject_id = NEW.channel_id)
        OR (scope = 'server' AND guild_id = NEW.guild_id AND subject_id = NEW.guild_id)
        OR (scope = 'everything' AND guild_id = 0 AND subject_id = 0));
END;

CREATE TRIGGER rolling_sums_shrink AFTER DELETE ON reservation
WHEN OLD.state <> 'released'
BEGIN
    UPDATE rolling_sum SET credits = credits - OLD.credits
    WHERE since < OLD.held_at AND (
           (scope = 'member' AND guild_id = OLD.guild_id AND subject_id = OLD.user_id)
        OR (scope = 'channel' AND guild_id = OLD.guild_id AND subject_id = OLD.channel_id)
        OR (scope = 'server' AND guild_id = OLD.guild_id AND subject_id = OLD.guild_id)
        OR (scope = 'everything' AND guild_id = 0 AND subject_id = 0));
END;

CREATE TRIGGER rolling_sums_follow AFTER UPDATE ON reservation
WHEN (OLD.state <> 'released') <> (NEW.state <> 'released')
  OR (OLD.held_at, OLD.credits, OLD.guild_id, OLD.user_id, OLD.channel_id)
     <> (NEW.held_at, NEW.credits, NEW.guild_id, NEW.user_id, NEW.channel_id)
BEGIN
    UPDATE rolling_sum SET credits = credits + NEW.credits
    WHERE since < NEW.held_at AND (
           (scope = 'member' AND guild_id = NEW.guild_id AND subject_id = NEW.user_id)
        OR (scope = 'channel' AND guild_id = NEW.guild_id AND subject_id = NEW.channel_id)
        OR (scope = 'server' AND guild_id = NEW.guild_id AND subject_id = NEW.guild_id)
        OR (scope = 'everything' AND guild_id = 0 AND subject_id = 0)) AND NEW.state <> 'released';
    UPDATE rolling_sum SET credits = credits - OLD.credits
    WHERE since < OLD.held_at AND (
           (scope = 'member' AND guild_id = OLD.guild_id AND subject_id = OLD.user_id)
        OR (scope = 'channel' AND guild_id = OLD.guild_id AND subject_id = OLD.channel_id)
        OR (scope = 'server' AND guild_id = OLD.guild_id AND subject_id = OLD.guild_id)
        OR (scope = 'everything' AND guild_id = 0 AND subject_id = 0)) AND OLD.state <> 'released';
END;
