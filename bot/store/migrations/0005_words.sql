-- Why: servers block words and phrases.

-- ``version`` is the id of the audit entry of the last change: no number comes twice, not even
-- after a server was forgotten, so that what was worked out for a list is never taken for another.
CREATE TABLE word_list (
    guild_id INTEGER PRIMARY KEY,
    version  INTEGER NOT NULL
) STRICT;

-- In the order of the list. What counts as the same phrase is for the rules to say.
CREATE TABLE blocked_phrase (
    guild_id INTEGER NOT NULL REFERENCES word_list (guild_id) ON DELETE CASCADE,
    place    INTEGER NOT NULL,
    phrase   TEXT NOT NULL CONSTRAINT phrase_is_short CHECK (length(phrase) BETWEEN 1 AND 100),
    PRIMARY KEY (guild_id, place),
    CONSTRAINT a_phrase_is_listed_once UNIQUE (guild_id, phrase)
) STRICT, WITHOUT ROWID;
