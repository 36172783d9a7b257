"""Pages that show scans in 3D: a file of some scans, and a server that asks a trained model about one."""
