"""Every command is there, says what it is for, and costs nobody anything who asks for another."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest
from click import Command, Context, Group
from click.testing import CliRunner

import server.commands
from server.cli import main
from tests.clitree import below

NAMES = main.list_commands(Context(main))


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is_for(name: str) -> None:
    command = main.get_command(Context(main), name)
    assert command is not None
    assert command.name == name
    told = CliRunner().invoke(main, [name, "--help"])
    assert told.exit_code == 0
    assert (command.help or "").split("\n")[0].split(":")[0] in " ".join(told.output.split())
    assert isinstance(command, Group) or command.callback is not None


def test_what_is_no_command_is_refused() -> None:
    told = CliRunner().invoke(main, ["energize"])
    assert told.exit_code == 2
    assert "No such command" in told.output


def test_every_command_that_is_written_can_be_asked_for() -> None:
    """One that no name leads to is a command that nobody can use."""
    modules = [import_module(f"server.commands.{one.name}") for one in iter_modules(server.commands.__path__)]
    written = {
        id(one): one for module in modules for one in vars(module).values() if isinstance(one, Command)
    }
    found: list[Command] = [main]
    for command in found:
        found += below(command)
    assert len(written) > len(NAMES)
    assert {one.name for key, one in written.items() if key not in set(map(id, found))} == set()


def test_who_asks_for_help_of_one_reads_no_other() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import server.cli, sys; print([m for m in sys.modules if 'commands.' in m])"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "server.commands" not in said.stdout
