"""What is done for whole servers, beside the way of jobs and off it.

========  =============================================================
budgets   telling a server that its budget is nearly used up
care      all of it as one loop
chores    what of it is counted
digests   telling the log channel of each day
keeping   erasing words and pictures that were kept for long enough
leaving   servers that the bot was removed from
log       telling the log channel of every change, once, in order
presence  in which servers the bot is, as the gateway tells
rounds    doing such things again and again until the bot stops
strikes   blocking whoever gives Pika too much to refuse
========  =============================================================
"""
