"""Fair tuning: Optuna proposes and learns, by the same rules for every method. Nothing here trains."""

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)  # progress is told by who runs the trials
