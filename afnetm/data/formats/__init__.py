"""The file formats of the datasets, one file each: strict reading of bytes, and writing.

A reader takes a file's content and its name, and either returns what stands there or raises `UserError` with one line
that begins with the name and says where. Nothing here knows what a scan is (`afnetm.data.sources`).
"""
