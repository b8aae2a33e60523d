"""Every method of the gateway, in one table; the same on the socket and in process."""

from __future__ import annotations

from bot.gateway import (
    methods_agents,
    methods_approvals,
    methods_channels,
    methods_chat,
    methods_config,
    methods_logs,
    methods_mcp,
    methods_memory,
    methods_models,
    methods_nodes,
    methods_providers,
    methods_runs,
    methods_sessions,
    methods_setup,
    methods_system,
    methods_tasks,
    methods_tools,
    methods_tour,
    methods_usage,
)
from bot.gateway.rpc import Method, Methods
from bot.gateway.services import Core

METHODS: tuple[Method, ...] = (
    *methods_runs.METHODS,
    *methods_chat.METHODS,
    *methods_sessions.METHODS,
    *methods_agents.METHODS,
    *methods_channels.METHODS,
    *methods_config.METHODS,
    *methods_memory.METHODS,
    *methods_mcp.METHODS,
    *methods_models.METHODS,
    *methods_providers.METHODS,
    *methods_nodes.METHODS,
    *methods_approvals.METHODS,
    *methods_system.METHODS,
    *methods_tasks.METHODS,
    *methods_tools.METHODS,
    *methods_usage.METHODS,
    *methods_logs.METHODS,
    *methods_setup.METHODS,
    *methods_tour.METHODS,
)


def table(core: Core) -> Methods:
    """The methods, acting on a core."""
    return Methods(core, METHODS)
