-- Why: what an earlier try may have posted is looked for from when it was begun; a busy channel hid it among thousands.

-- When the first and the last post to this place were begun. NULL: none was, or by an older version.
ALTER TABLE delivery ADD COLUMN first_try_at INTEGER;
ALTER TABLE delivery ADD COLUMN last_try_at INTEGER
    CONSTRAINT no_last_try_without_a_first
    CHECK ((first_try_at IS NULL) = (last_try_at IS NULL));
