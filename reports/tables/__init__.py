"""Tables and sentences on results."""
