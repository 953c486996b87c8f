"""The files of the folder that holds the sandboxes, as text."""

ROOT_README = """\
# Sandboxes

One dated folder for each exploratory question: `<YYYY-MM-DD>_<slug>/`, with a `README.md` (what is
asked, and how one could be fooled), a `helpers.py` and the notebooks.

- **Exploratory.** Nothing here supports a claim by itself, and nothing outside imports from here.
- **Reversible.** A sandbox is one folder: delete it and it is gone.
- **Promotable.** What turns out to matter is done again as a tracked experiment, and the sandbox's
  README points to it (see below).
- **Small.** Arrays, tables, `outputs/large/` and `checkpoints/` stay out of git (see `.gitignore`).

A new one:

    aexp sandbox new my-question --title "Does X raise Y?"

The first cell of its notebooks (`00_feasibility.ipynb` has it already):

    from aexp.sandbox import setup_sandbox_notebook

    paths = setup_sandbox_notebook()

    from helpers import REPO_ROOT, SANDBOX_DIR

Afterwards:

    aexp sandbox ls             what there is, how large, and what became of it
    aexp sandbox check [NAME]   what is missing before a result counts for anything
    aexp sandbox archive NAME   put a finished one away; --undo brings it back

## The way into the tracked chain

Tracked work is a chain: a thread asks, a hypothesis H### states, an experiment E### tests, a finding
F### says what came out. Sandboxes stand outside of it. They lead into it when their last stage ends in
"promote":

1. Write the hypothesis down in the tracked chain, with the threshold that the calibration has shown
   to mean something, and register the experiment.
2. Save the notebook and commit it. Then take the cells that matter out of it:

       aexp sandbox promote NOTEBOOK --cells 4-12 --to PATH --experiment E###

   The script names the notebook and the cells that it comes from, and the sandbox's README gains a line
   "Promoted" that names the script. The notebook stays as it is.
3. Run the experiment anew. What the sandbox saw is the reason to look, and no part of the finding.
"""

ROOT_GITIGNORE = """\
# Large or machine-made files of sandboxes stay out of git.
*.npy
*.parquet
*.h5
*.feather
**/outputs/large/
**/checkpoints/

# Notebook and Python leftovers.
.ipynb_checkpoints/
__pycache__/

# Left only where aexp was killed half-way; may be deleted.
.aexp-tmp-*
"""
