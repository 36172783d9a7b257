"""Records of a benchmark as tables, statistics, pictures and one page; knows data frames only."""
