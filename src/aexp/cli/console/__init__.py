"""``aexp relay console``: the screen of the consent console. Textual is imported here and nowhere else."""
