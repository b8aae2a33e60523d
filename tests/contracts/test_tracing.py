"""Traces by OpenTelemetry: the real program, library and exporter against a collector of ours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.gateway import tracing_story
from bot.gateway.tracing import trace_id, wanted
from bot.gateway.tracing_story import Span
from tests.contracts.cli_support import ROOT, Trunkline
from tests.contracts.gateway_product import MAIN, Desk, opened
from tests.fakes.openai_server import FakeOpenAI, call_piece, error, stream_of, text_stream

TEXT = "a very private sentence"


@dataclass
class Collector:
    """What was exported, as it came."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def spans(self) -> list[Any]:
        found = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found += list(scope.spans)
        return found

    def resource(self) -> dict[str, Any]:
        asked = ExportTraceServiceRequest.FromString(self.bodies[0])
        return about(asked.resource_spans[0].resource)


def about(one: Any) -> dict[str, Any]:
    """Attributes as plain values."""
    found = {}
    for pair in one.attributes:
        kind = pair.value.WhichOneof("value")
        found[pair.key] = getattr(pair.value, kind) if kind else None
    return found


@contextmanager
def collector() -> Iterator[Collector]:
    told = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.paths.append(self.path)
            told.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def program(tmp_path: Path) -> Trunkline:
    return Trunkline(tmp_path / "home")


def told(spans: list[Any], name: str) -> Any:
    [found] = [one for one in spans if one.name == name]
    return found


def test_a_message_is_one_trace_from_its_coming_to_the_receipt(program: Trunkline) -> None:
    with collector() as there:
        with program.up(OTEL_EXPORTER_OTLP_ENDPOINT=there.url) as running:
            said = program.json("agent", "--message", TEXT)
            assert running.stop()[0] == 0
        spans = there.spans()
        assert set(there.paths) == {"/v1/traces"}
        assert there.resource()["service.name"] == "trunkline"
        assert TEXT.encode() not in b"".join(there.bodies)
    run = said["runId"]
    assert {int.from_bytes(one.trace_id, "big") for one in spans} == {trace_id(run)}
    root, queue = told(spans, "message"), told(spans, "queue")
    agent, model = told(spans, "invoke_agent main"), told(spans, "chat demo/demo")
    assert root.parent_span_id == b"" and about(root)["trunkline.run.id"] == run
    assert queue.parent_span_id == agent.parent_span_id == root.span_id
    assert model.parent_span_id == agent.span_id
    facts = about(model)
    assert facts["gen_ai.request.model"] == "demo" and facts["gen_ai.provider.name"] == "demo"
    assert facts["gen_ai.usage.input_tokens"] > 0 and facts["gen_ai.usage.output_tokens"] > 0
    for inner, outer in ((queue, root), (agent, root), (model, agent)):
        assert outer.start_time_unix_nano <= inner.start_time_unix_nano
        assert inner.start_time_unix_nano <= inner.end_time_unix_nano <= outer.end_time_unix_nano
    assert queue.end_time_unix_nano == agent.start_time_unix_nano


def test_nothing_is_loaded_unless_the_environment_asks(program: Trunkline) -> None:
    with program.up(PYTHONPROFILEIMPORTTIME="1") as running:
        assert "opentelemetry" not in running.stop()[2]


def test_without_the_extra_it_serves_and_says_what_to_install(
    program: Trunkline, tmp_path: Path
) -> None:
    (tmp_path / "bare" / "opentelemetry").mkdir(parents=True)
    (tmp_path / "bare" / "opentelemetry" / "__init__.py").touch()
    path = f"{tmp_path / 'bare'}:{ROOT}"
    with program.up(PYTHONPATH=path, OTEL_TRACES_EXPORTER="otlp") as running:
        code, _, err = running.stop()
    assert code == 0 and r"pip install \"trunkline[otel]\"" in err, err


def test_a_collector_that_is_away_holds_nothing_up(program: Trunkline) -> None:
    with program.up(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as running:
        assert program.json("agent", "--message", TEXT)["status"] == "ok"
        assert running.stop()[0] == 0


@pytest.mark.parametrize(
    ("env", "asked"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, False),
    ],
)
def test_the_standard_variables_decide(env: dict[str, str], asked: bool) -> None:
    assert wanted(env) is asked


async def story_of(desk: Desk, run: str, folded: Any = ()) -> Span:
    await desk.end(run)
    found = await desk.core.engine.read(tracing_story.read(run))
    assert found is not None
    return tracing_story.trace(found, folded, desk.core.clock.now())


def every(span: Span) -> list[Span]:
    return [span, *(one for child in span.children for one in every(child))]


def config(server: FakeOpenAI) -> str:
    return f"""
agents: [{{id: main, model: x/m, tools: {{profile: full}}}}]
providers: {{x: {{api: openai, base_url: "{server.url}", api_key: k, models: [{{id: m}}]}}}}
"""


async def test_steps_of_a_run_stand_below_it_in_order(tmp_path: Path) -> None:
    async with FakeOpenAI() as server, opened(tmp_path, config(server)) as desk:
        piece = call_piece(0, "c1", "message", f'{{"action": "send", "message": "{TEXT}"}}')
        wrong = call_piece(1, "c2", "nothing", "{}")
        server.answer(*stream_of({"tool_calls": [piece, wrong]}, finish="tool_calls"))
        server.answer(*text_stream("Done."))
        run = (await desk.send(TEXT))["runId"]
        root = await story_of(desk, run)
        queue, agent, *parts = root.children
        assert (queue.name, agent.name) == ("queue", "invoke_agent main")
        assert [one.name for one in parts] == ["send"]
        first, sent, refused, last = agent.children
        assert [one.name for one in (first, last)] == ["chat x/m", "chat x/m"]
        assert (sent.name, refused.name) == ("execute_tool message", "execute_tool nothing")
        assert sent.error is None and refused.error == "tool_error"
        [told] = sent.children
        assert told.about["trunkline.part.receipt"] is True
        assert first.end <= sent.start <= told.start <= told.end <= sent.end <= last.end
        assert last.start >= sent.end, "the second call began when the tools were done"
        assert first.about["gen_ai.usage.input_tokens"] == 7
        assert root.end >= parts[0].end and root.start == queue.start
        texts = str([(one.name, one.about) for one in every(root)])
        assert TEXT not in texts and "Done." not in texts and MAIN not in texts
        steps = (await desk.ok("why", id=run))["steps"]
        took = {one["name"]: one["ms"] for one in steps if one["kind"] == "tool"}
        assert took["message"] is not None and took["nothing"] is None
        folded = await story_of(desk, run, [(first.start, first.end)])
        assert "compaction" in [one.name for one in folded.children[1].children]


async def test_a_failure_is_its_code_alone(tmp_path: Path) -> None:
    async with FakeOpenAI() as server, opened(tmp_path, config(server)) as desk:
        server.refuse(401, error("the key of a very private person is wrong"))
        root = await story_of(desk, (await desk.send("hi"))["runId"])
        assert root.error == "MODEL_AUTH"
        assert "private" not in str([(one.name, one.about, one.error) for one in every(root)])


async def test_a_part_without_receipt_is_told_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        run = (await desk.send("hi"))["runId"]
        await desk.end(run)
        found = await desk.core.engine.read(tracing_story.read(run))
    assert found is not None
    [part] = [{**dict(row), "state": "sending", "sent_at": None} for row in found.parts]
    late = replace(found, parts=[part])
    assert not late.settled
    send = tracing_story.trace(late, (), part["created_at"] + 5.0).children[-1]
    assert (send.about["trunkline.part.state"], send.end - send.start) == ("sending", 5.0)
    assert send.about["trunkline.part.receipt"] is False
    failed = replace(found, parts=[part | {"state": "failed"}])
    assert failed.settled
    assert tracing_story.trace(failed, (), 0.0).children[-1].error == "failed"
