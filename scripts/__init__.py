"""Programs of this project's own, run in a checkout: measuring speed, luck and difficulty, calibrating statistics."""
