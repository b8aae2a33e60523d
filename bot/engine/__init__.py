"""The engine: transactions and wakes behind one port, so that the domain is the same everywhere."""
