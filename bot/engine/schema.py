"""What the cluster engine keeps in PostgreSQL beside the domain's tables: jobs, and live events."""

from __future__ import annotations

from importlib import resources

# The library keeps a diary of every job that nothing here reads: three rows for each wake.
_DIARY = (
    "procrastinate_trigger_status_events_insert_v1",
    "procrastinate_trigger_status_events_update_v1",
    "procrastinate_trigger_scheduled_events_v1",
)
# Steps of our own after the first schema, by name: who works on the store, and when it was heard;
# what kinds a worker takes, and the jobs it may take now (see bot/engine/fetching.py).
_OURS = {
    "processes": "CREATE TABLE engine_processes(id TEXT PRIMARY KEY, about TEXT NOT NULL, "
    "seen_at TIMESTAMPTZ NOT NULL)",
    "fetching": "ALTER TABLE procrastinate_workers ADD COLUMN kinds TEXT[] NOT NULL DEFAULT '{}'; "
    "CREATE INDEX engine_jobs_ready ON procrastinate_jobs(id) "
    "WHERE status = 'todo' AND scheduled_at IS NULL",
}


def statements() -> tuple[str, ...]:
    """The statements that make the engine's tables in an empty database."""
    schema = (resources.files("procrastinate.sql") / "schema.sql").read_text("utf-8")
    return (
        schema,
        *(f"ALTER TABLE procrastinate_jobs DISABLE TRIGGER {name}" for name in _DIARY),
        "CREATE INDEX engine_jobs_lock ON procrastinate_jobs(lock) "
        "WHERE status IN ('todo', 'doing')",
        "CREATE INDEX engine_jobs_due ON procrastinate_jobs(scheduled_at) WHERE status = 'todo'",
        "CREATE TABLE engine_events(id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
        "body TEXT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now())",
        "CREATE TABLE engine_state(name TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
        "INSERT INTO engine_state(name, at) VALUES('sweep', 0)",
        *_OURS.values(),
    )


def updates() -> dict[str, str]:
    """The steps after the first schema, the library's and ours, by name, in order."""
    folder = resources.files("procrastinate.sql") / "migrations"
    found = sorted(one.name for one in folder.iterdir() if one.name.endswith(".sql"))
    return {name: (folder / name).read_text("utf-8") for name in found} | _OURS
