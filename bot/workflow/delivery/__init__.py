"""Messages in Discord: the ``courier`` begins what is due, ``posting`` posts it once,
``upkeep`` keeps cards true and ``companions`` what moderators see, ``fitting`` makes videos small
enough, ``restoring`` brings lost ones back, ``review_places`` reviews that could not be shown,
``removing`` deletes what was taken away.

``messenger`` is the protocol behind which Discord is; ``careful`` asks it no more than it must:
``closed`` remembers places that refuse, the ``brake`` counts refusals, ``uploads`` what sizes
servers take.
"""
