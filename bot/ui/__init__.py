"""What people see and press. Cards are pure; everything that outlives a command is a
``DynamicItem`` keyed by the job's number, checked again on every press.
"""
