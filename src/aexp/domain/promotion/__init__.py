"""From the cells of a notebook to a script: text in, text out."""
