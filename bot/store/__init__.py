"""What is remembered: SQLite, and the only SQL in the project.

Functions take the open transaction (or a read connection) first, so that whoever opens it
sees in one block what is written together.
"""
