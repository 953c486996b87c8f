"""The files of a new sandbox, as text."""

from aexp.domain.sandbox import slug_in

_README = """\
# {name} — {title}

Mode: exploratory

> Exploratory work may be wrong, unfinished or thrown away, and no claim rests on it alone. What
> turns out to matter is done again as a tracked experiment, with hypothesis and analysis written
> down before the run.
>
> Fill in everything in `[square brackets]`. The parts down to the test plan come **before** the
> first result; afterwards, add to them with a date instead of rewriting them.

- Started: {date}
- Owner: [name]
- Status: open <!-- open / parked / dropped / promoted to ... -->
- Code at the start: [commit] · Data: [name and version]

## Directional statement

**[X: what I change, from what to what] increases / decreases [Y: what I measure, on which data],
because [Z: the mechanism, in one clause].**

- I expect this when [the conditions], and not when [the conditions].
- I would drop the idea if I saw [an observation that the mechanism rules out].

Only the direction is stated, on purpose. There is no threshold here: how large an effect has to be
cannot be said before the noise of Y has been measured (stage 1). A threshold may be added after
that calibration, together with the measurement it comes from.

## Mechanism

How does X act on Y, step by step? Name an intermediate quantity that must move too, if this is the
true cause, and that can be looked at.

1. [X leads to ...]
2. [which leads to ...]
3. [which moves Y]

Visible in between: [a quantity, and which way it should move]

## Why it might generalise

- It does not depend on this dataset, model or seed because: [...]
- It should hold as well on: [another dataset, model size or domain]
- It should stop holding at: [the edge where the mechanism no longer applies]

## Shortcut risks

Ways in which Y could look right for the wrong reason. Fill in at least three, each with a check
that could catch it.

1. **Leakage:** the answer reaches the model or the metric by another way than X.
   - Here it could happen through: [...]
   - I would notice by: [...]
   - [ ] checked
2. **Confounder:** something else changes along with X (compute, parameters, tuning effort, order).
   - Here it could be: [...]
   - I would notice by: [...]
   - [ ] checked
3. **Measurement:** the metric rewards an artefact, or the run was picked because it looked good.
   - Here it could be: [...]
   - I would notice by: [...]
   - [ ] checked
4. **[Another one]**
   - Here it could be: [...]
   - I would notice by: [...]
   - [ ] checked

## Test plan

| what | choice |
|---|---|
| Smallest test that could show the opposite | [...] |
| Baseline, given the same care and budget | [...] |
| Changed: X only | [from ... to ...] |
| Held fixed | [data split, budget, tuning, ...] |
| Measured: Y, and the quantity in between | [...] |
| Repeats, and what varies between them | [seeds, splits, ...] |
| Control where X should make no difference | [...] |
| Cost, and when I stop | [...] |

## Stages

- [ ] **0. Sanity:** the pipeline reproduces a known result; a random baseline scores like chance.
- [ ] **1. Calibration:** the baseline alone, repeated: how much does Y move when nothing changes?
- [ ] **2. Pilot:** the smallest test above. Does Y move in the stated direction, beyond that noise?
- [ ] **3. Attack:** the shortcut risks and the control. Is the effect still there?
- [ ] **4. Decision:** drop, park, or promote to a tracked experiment; why: [...]

| date | stage | what I did (notebook, commit) | what I saw | what I now believe |
|---|---|---|---|---|
| | | | | |

## Open questions

- [ ] [...]

## Cross-references

- Notebooks here: [...]
- Related sandboxes and experiments: [...]
- Issues, papers, discussions: [...]
- Runs and data: [...]
"""

_ROOT_README = """\
# Sandboxes

One dated folder for each exploratory question: `<YYYY-MM-DD>_<slug>/`, with a `README.md` (what is
asked, and how one could be fooled), a `helpers.py` and the notebooks.

- **Exploratory.** Nothing here supports a claim by itself, and nothing outside imports from here.
- **Reversible.** A sandbox is one folder: delete it and it is gone.
- **Promotable.** What turns out to matter is done again as a tracked experiment, and the sandbox's
  README points to it.
- **Small.** Arrays, tables, `outputs/large/` and `checkpoints/` stay out of git (see `.gitignore`).

A new one:

    aexp sandbox new my-question --title "Does X raise Y?"

In the first cell of its notebooks:

    from aexp.sandbox import setup_sandbox_notebook

    paths = setup_sandbox_notebook("my-question")

    from helpers import REPO_ROOT, SANDBOX_DIR
"""

_GITIGNORE = """\
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

_HELPERS = '''\
"""Helpers for the notebooks of this sandbox ({name}).

What a second sandbox needs too belongs into the package, not here.
"""

from pathlib import Path

SANDBOX_DIR = Path(__file__).resolve().parent

# The nearest folder upwards that holds `.git` (a folder, or a file in a worktree){otherwise}.
REPO_ROOT = next(
    (folder for folder in (SANDBOX_DIR, *SANDBOX_DIR.parents) if (folder / ".git").exists()),
    {fallback},
)
'''


def experiment_readme(dir_name: str, title: str) -> str:
    """The README of one sandbox: a form to fill in before the first result."""
    started = dir_name.removesuffix(f"_{slug_in(dir_name)}")
    return _README.format(name=dir_name, title=title, date=started)


def helpers(dir_name: str, repo_root: str | None) -> str:
    """The sandbox's ``helpers.py``.

    Args:
        dir_name: the sandbox folder's name.
        repo_root: the repository that a sandbox outside it belongs to; None for one inside.
    """
    if repo_root is None:
        return _HELPERS.format(name=dir_name, otherwise="", fallback="None")
    otherwise = ",\n# or else the repository from which this sandbox was made"
    return _HELPERS.format(name=dir_name, otherwise=otherwise, fallback=f"Path({repo_root!r})")


def root_readme() -> str:
    """The README of the folder that holds the sandboxes."""
    return _ROOT_README


def root_gitignore() -> str:
    """What git shall pass over in all sandboxes."""
    return _GITIGNORE
