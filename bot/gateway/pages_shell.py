"""The pages: which there are, where, and what each of them loads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot import __version__
from bot.lazy import optional

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
STATIC = HERE / "static"
TABS = ("models", "channels", "sessions", "tasks", "skills", "memory", "files")

_SHARED = ("ui/base.css", "ui/shell.css", "ui/parts.css", "ui/markdown.css")
# What is loaded later (`import("…")`) is not meant, so there is no bracket in it.
_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*["'](\.[^"'\s]+)["']""")


@dataclass(frozen=True)
class Page:
    """One page: its script is `static/<name>/main.js`.

    `paths` are the routes that it answers, the first one is where the navigation leads. `template`
    is the shell unless the page brings one that extends it.
    """

    name: str
    title: str
    paths: tuple[str, ...]
    template: str = "shell.html"

    @property
    def path(self) -> str:
        return self.paths[0]

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Every module that the script imports, near ones first, as paths below `static`."""
        entry = STATIC / self.name / "main.js"
        found = {entry: None}
        waiting = [entry]
        while waiting:
            for file in _imports(waiting.pop(0)):
                if file not in found:
                    found[file] = None
                    waiting.append(file)
        return tuple(file.relative_to(STATIC).as_posix() for file in found if file != entry)

    @cached_property
    def styles(self) -> tuple[str, ...]:
        """The shared styles and the page's own, as paths below `static`."""
        own = sorted((STATIC / self.name).glob("*.css"))
        return (*_SHARED, *(file.relative_to(STATIC).as_posix() for file in own))


PAGES = (
    Page("chat", "Chat", ("/chat",), "chat.html"),
    Page(
        "agents",
        "Agents",
        (
            "/agents",
            "/agents/{id}",
            f"/agents/{{id}}/{{tab:{'|'.join(TABS)}}}",
            # Old addresses: they lead to the models of the default agent.
            "/providers",
            "/providers/{provider}",
        ),
    ),
    Page("sessions", "Sessions", ("/sessions", "/sessions/{id}")),
    Page("approvals", "Approvals", ("/approvals",)),
    Page("usage", "Usage", ("/usage",)),
    Page("logs", "Logs", ("/logs",)),
    Page("settings", "Settings", ("/settings",)),
    Page("start", "Start", ("/start",)),
)
HOME = PAGES[0].path


class Templates:
    """Renders the HTML of pages; what is put in is escaped."""

    def page(self, page: Page) -> str:
        return self.render(page.template, page=page, pages=PAGES)

    def render(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(version=__version__, **values)

    @cached_property
    def _environment(self) -> Environment:
        jinja = optional("jinja2")
        environment: Environment = jinja.Environment(
            loader=jinja.FileSystemLoader(HERE / "pages"),
            autoescape=True,
            undefined=jinja.StrictUndefined,
        )
        return environment


def _imports(module: Path) -> Iterator[Path]:
    for name in _IMPORT.findall(module.read_text("utf-8")):
        yield (module.parent / name).resolve()
