"""The files of a new sandbox as templates; see :mod:`aexp.domain.sandbox_templates` for the slots."""

README = """\
# {{sandbox.name}} — {{sandbox.title}}

Mode: exploratory

> Exploratory work may be wrong, unfinished or thrown away, and no claim rests on it alone. It stands
> outside the tracked chain (thread, hypothesis H###, experiment E###, finding F###) and can lead
> into it: what turns out to matter is promoted, and done again as a tracked experiment, with
> hypothesis and analysis written down before the run.
>
> Fill in everything in `[square brackets]`. The parts down to the test plan come **before** the
> first result; afterwards, add to them with a date instead of rewriting them.

- Started: {{sandbox.date}}
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

Promoting takes the cells that matter out of a notebook, as a script outside the sandbox, and leaves
a line "Promoted" at the top of this file. Save the notebook and commit it first:

    aexp sandbox promote NOTEBOOK --cells 4-12 --to PATH --experiment E###

What the tracked experiment then finds is a finding F### there; nothing in this folder is one.

| date | stage | what I did (notebook, commit) | what I saw | what I now believe |
|---|---|---|---|---|
| | | | | |

## Open questions

- [ ] [...]

## Cross-references

- Notebooks here: [...]
- Thread, hypothesis H###, experiment E###, finding F###: [none yet]
- Related sandboxes: [...]
- Issues, papers, discussions: [...]
- Runs and data: [...]
"""

HELPERS = '''\
"""Helpers for the notebooks of this sandbox ({{sandbox.name}}).

What a second sandbox needs too belongs into the package, not here.
"""

from pathlib import Path

SANDBOX_DIR = Path(__file__).resolve().parent

# The nearest folder upwards that holds `.git` (a folder, or a file in a worktree). For a sandbox
# outside every repository: the repository from which it was made, or None.
REPO_ROOT = next(
    (folder for folder in (SANDBOX_DIR, *SANDBOX_DIR.parents) if (folder / ".git").exists()),
    {{sandbox.repo_root}},
)
'''
