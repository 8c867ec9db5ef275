"""Commands only: a cog turns arguments into values, makes one call, and renders the answer."""
