"""The bot, room by room.

A prompt travels ``cogs.generate`` → ``ui.ordering`` → ``workflow.intake`` →
``workflow.queue`` → ``workflow.rendering`` → ``pika``; its video comes back ``pika`` →
``workflow.rendering`` → ``media`` → ``workflow.delivery`` → ``messenger``.

================  ============================================================
model, errors     values, the job's state machine, and what a caller may do next
rules             pure decisions: limits, access, blocked words, costs, flags
store             SQLite: the only SQL in the project
pika              the Pika API over httpx
media             downloads to disk, with the rules of where from
charts            pictures of numbers, drawn by a process of its own
workflow          the way of a job, from the question to the delivered video
ui                what people see: cards, buttons, answers
client            the discord.py bot; ``messenger`` is its only sender
listener          its HTTP side: ``health``, ``callbacks`` and what ``metrics`` counts
sandbox           an embedded Discord, an embedded Pika and the page to play with them
demo              all of them with the unchanged bot between
app, cli          where it is all put together and started; ``stopping`` hears signals
================  ============================================================

Who may import whom is kept by ``tests/test_architecture.py``.
"""
