"""The way of a job: ``intake`` → ``queue`` → ``runner`` → ``poller`` → ``courier``.

Nothing in here knows Discord: who asks is a ``Requester``, and what is said goes through
the ``Messenger`` protocol. Every write is one transaction of ``store``.
"""
