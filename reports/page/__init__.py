"""The report as a page, as Markdown, and as a folder put in its place whole."""
