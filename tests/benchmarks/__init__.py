"""Cost of a call: LiteLLM's built-in ``gigachat``, a do-nothing ``CustomLLM``, and this provider.

``python -m tests.benchmarks`` from the repository's root prints the table; see ``--help``. Only ratios of one
run mean anything: the three take turns, slice by slice, against one local server in a process of its own.
"""
