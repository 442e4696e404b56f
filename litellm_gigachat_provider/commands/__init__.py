"""The sub-commands of ``litellm-gigachat``, one module each: ``add_arguments(parser)`` and ``run(args) -> int``."""
