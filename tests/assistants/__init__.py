"""The coding assistants that people use, installed and run for real against the sandbox: ``.ci/assistants``.

Not collected by pytest: it needs npm, a package index and minutes.
"""
