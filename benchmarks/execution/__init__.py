"""Runs trained by processes of their own, records copied to MLflow, and who shows them."""
