"""What people see and press. Cards are pure; everything that outlives a command is a
``DynamicItem`` or one of our ``forms``, keyed by the job's number, checked again on every press.
"""
