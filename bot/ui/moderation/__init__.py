"""What moderators see: who is one, the words for what was changed, pages and files.

========  ==============================================================
access    who may use ``/moderate`` now
reach     which channels a moderator reaches themselves
values    what servers set, in words
changes   a change in words: before → after
texts     the server's queue, list of words and usage, as plain text
held      what moderators read of a video that waits
reviews   deciding about it: buttons and forms
reports   what members reported, with buttons
removing  why a video is taken away
asking    what such forms ask for
log       pages of the audit log, with buttons
logged    what the log channel is told
files     the same as CSV
panel     settings and the guided first run
========  ==============================================================
"""
