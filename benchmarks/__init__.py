"""How fast the relay is and what it costs when idle, next to baselines measured in the same run.

``python -m benchmarks run`` measures, ``compare`` sets two runs side by side, ``plot`` draws one.
"""
