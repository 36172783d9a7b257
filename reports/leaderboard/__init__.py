"""The leaderboard: every method of any number of suites in one table, with what it reads, costs and reaches."""
