"""Configuration of the site, which ``nox -s docs`` builds."""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

# Tutorials call the program by its name.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

project = "afnetm"
author = "The afnetm authors"
copyright = author
version = release = version_of("afnetm")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "repository_links",
    "names_in_docstrings",
    "reference_pages",
]
exclude_patterns = ["_build"]

# Pages: Markdown, as GitHub shows it too.
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "html_image"]
myst_heading_anchors = 4  # links to headings as GitHub makes them
myst_links_external_new_tab = False

# Tutorials are run at every build: what they print is what this version prints.
nb_execution_mode = "force"
nb_execution_timeout = 600  # of a cell, on a machine that is busy
nb_execution_raise_on_error = True
nb_merge_streams = True

smartquotes = False  # texts name options

# Docstrings. Names in single backticks are looked up as Python objects.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autosummary_generate = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_display_short_literal_types = True
python_maximum_signature_line_length = 88
add_module_names = False

# The theme and all that it needs come with it: a page loads nothing from elsewhere.
html_theme = "pydata_sphinx_theme"
html_title = "afnetm"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"index": [], "start": [], "faq": [], "changelog": [], "contributing": []}
html_theme_options = {
    "logo": {"text": "afnetm"},
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navbar_end": ["theme-switcher"],
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "collapse_navigation": False,
    "use_edit_page_button": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
