"""Every method tuned by the same rules: studies asked, told, copied and chosen from."""
