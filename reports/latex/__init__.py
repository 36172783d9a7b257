"""Tables as LaTeX that fits a paper's column or page, whatever names methods have."""
