"""The neutral request and answer <-> GigaChat's wire, v1 and v2 as twins side by side. Pure."""
