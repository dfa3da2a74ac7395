"""A small real OpenStack on one machine, for Steward's tests and demonstrations."""
