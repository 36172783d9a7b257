"""Files on disk: a home, its manifests, and the records of finished runs."""
