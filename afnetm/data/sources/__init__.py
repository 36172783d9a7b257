"""The datasets: from the files that people have to scans, one file a dataset, and what a folder of one holds."""
