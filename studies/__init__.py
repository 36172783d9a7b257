"""Fair tuning: Optuna proposes and learns, by the same rules for every method. Nothing here trains."""
