"""Trained models: kept in folders without code, loaded from them, and asked about scans and datasets."""
