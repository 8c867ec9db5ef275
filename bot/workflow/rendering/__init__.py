"""A job at Pika: the ``runner`` sends it, the ``poller`` follows it, ``settling`` ends it.

``doubts`` finds out what became of a POST without an answer, ``late`` takes videos of jobs that
were given up; both ``search`` Pika's list. ``errands`` outlast the round that began them, ``pace``
says how often to ask, the ``gate`` when not to send.
"""
