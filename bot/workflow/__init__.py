"""The way of a job: ``intake`` → ``queue`` → ``rendering`` → ``delivery``.

``recovery`` puts everything back after a start; ``members`` answers people about their own
jobs. ``decisions`` feeds the rules from the store, ``wordlists`` holds requests against block
lists, ``pauses`` keeps back what must wait. Nothing in here knows Discord: who asks is a
``Requester``, and what is said goes through the ``Messenger`` protocol. Every write is one
transaction of ``store``.
"""
