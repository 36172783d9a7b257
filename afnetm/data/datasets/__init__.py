"""The data sets: from the files that people have to scans, one file a data set, and what a folder of one holds."""
