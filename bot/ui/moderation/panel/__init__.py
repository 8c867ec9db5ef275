"""``/moderate settings`` and ``/moderate setup``: all that a server sets, page by page.

Every press reads what is set now, changes it, and draws the page anew. Ids of components hold the
names of pages and nothing else, so that all of it answers after any restart, to whoever may
moderate when it is pressed, about the server in which it is pressed.

=========  ==============================================================
server     what a page shows: what is set, and what the bot sees of channels
parts      what pages are made of
fields     selects that stand on several pages, and what is missing where
summaries  each group of settings in a line
settings   the first page, and one for each group
setup      the steps of a first run
acts       what each control changes
numbers    what is typed, and how it is set; forms is how it is filled in and read
trial      test posts
controls   from a press to the page drawn anew
=========  ==============================================================
"""
