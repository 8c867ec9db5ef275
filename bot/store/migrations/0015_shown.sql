-- Why: moderators are told, once, that a channel takes no reviews, and that it does again.

CREATE TABLE review_trouble (
    guild_id   INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    code       INTEGER NOT NULL  -- Discord's
) STRICT;
