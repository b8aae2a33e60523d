"""Code of the operator that runs at named points; `docs/hooks.md` says how to write it.

table     the points: how answers are merged, and which of them are policy
handlers  what is registered, and how one handler is run: its time, its faults
merge     what several handlers together say
wire      the core's types as handlers see them
points    one method for each place of the core that calls hooks
load      files, folders and packages that hold handlers
"""
