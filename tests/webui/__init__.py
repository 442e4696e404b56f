"""Open WebUI, used in a browser as people use it, against the sandbox: ``.ci/webui``.

Not collected by pytest: it needs a browser, 4 GB from a package index and minutes.
"""
