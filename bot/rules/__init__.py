"""Pure decisions: values in, a value or a ``UserError`` out. No clock, no database."""
