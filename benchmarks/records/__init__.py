"""What is on disk: a home, its ledgers, and the records of finished runs."""
