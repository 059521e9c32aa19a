"""The command `hezha`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

#: Where each command stands: the module of server/commands, and its name there.
_COMMANDS: Mapping[str, tuple[str, str]] = {
    "audit": ("audit", "audit"),
    "backup": ("backup", "backup"),
    "balance": ("balance", "balance"),
    "cases": ("cases", "cases"),
    "checklist": ("checklist", "checklist"),
    "couchdb": ("couchdb", "couchdb"),
    "demo": ("demo", "demo"),
    "device": ("people", "device"),
    "doctor": ("doctor", "doctor"),
    "migrate": ("migrate", "migrate_command"),
    "network": ("network", "network"),
    "originals": ("originals", "originals"),
    "photo": ("photo", "photo"),
    "rebuild": ("rebuild", "rebuild"),
    "renditions": ("storage", "renditions"),
    "restore": ("backup", "restore"),
    "salvage": ("salvage", "salvage"),
    "serve": ("serve", "serve"),
    "storage": ("storage", "storage"),
    "user": ("people", "user"),
    "worker": ("serve", "worker"),
}


class _OnFirstUse(click.Group):
    """Commands whose modules are read when one is asked for: to read all takes longer than most need to run.

    Processes that a command begins read this page too.
    """

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command = getattr(import_module(f"server.commands.{module}"), name)
        assert isinstance(command, click.Command)  # noqa: S101
        return command


@click.group(
    cls=_OnFirstUse, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="hezha", prog_name="hezha")
def main() -> None:
    """Hezha 合闸: the breaker is not closed until every loop is closed.

    Settings come from the environment (HEZHA_DATA, HEZHA_PORT, …); see docs/settings.md.
    """


if __name__ == "__main__":
    main()
