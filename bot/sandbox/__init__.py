"""Stand-ins for the outside world: servers on 127.0.0.1 that keep the contracts of the real ones.

They share no code with the bot they are used against, so that a misreading of a contract
cannot hide in both places at once.
"""
