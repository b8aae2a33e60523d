"""For authors of parts: a clock that tests step, a platform that remembers, an app to run in both.

Nothing here knows a real platform. Import what you need from the module that has it: `clock`,
`platform`, `remote`, `channel`, `model`, `running`; or `conformance`, the kit for adapters.
"""
