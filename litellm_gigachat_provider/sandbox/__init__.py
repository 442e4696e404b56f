"""A local GigaChat for the demo and for tests: as strict as the real service where its refusals are known."""
