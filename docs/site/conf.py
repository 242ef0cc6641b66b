# SPDX-License-Identifier: Apache-2.0
# The site of these pages (make -f Makefile.apxs docs), by Sphinx and MyST: docs/site/build.sh calls it.
project = "mod_webhook_keys"
author = "the mod_webhook_keys project"
project_copyright = "Apache License 2.0"
extensions = ["myst_parser"]
root_doc = "index"
# Anchors are those that a page's host makes of a heading: links hold there and here.
myst_heading_anchors = 4
html_theme = "furo"
html_title = "mod_webhook_keys"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["site.css"]
# Ours are keys, names and codes, not English words that end in -ing.
html_search_language = "en"
# What pages show with an ellipsis is no JSON to a lexer.
suppress_warnings = ["misc.highlighting_failure"]
pygments_style = "friendly"
pygments_dark_style = "monokai"
