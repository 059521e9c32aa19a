"""The command `hezha`."""

from __future__ import annotations

import click

from server.commands import (
    audit,
    backup,
    balance,
    cases,
    checklist,
    couchdb,
    demo,
    doctor,
    migrate,
    network,
    originals,
    people,
    photo,
    rebuild,
    salvage,
    serve,
    storage,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hezha", prog_name="hezha")
def main() -> None:
    """Hezha 合闸: the breaker is not closed until every loop is closed.

    Settings come from the environment (HEZHA_DATA, HEZHA_PORT, …); see docs/settings.md.
    """


main.add_command(serve.serve)
main.add_command(serve.worker)
main.add_command(demo.demo)
main.add_command(people.user)
main.add_command(people.device)
main.add_command(checklist.checklist)
main.add_command(cases.cases)
main.add_command(rebuild.rebuild)
main.add_command(migrate.migrate_command)
main.add_command(doctor.doctor)
main.add_command(audit.audit)
main.add_command(couchdb.couchdb)
main.add_command(backup.backup)
main.add_command(backup.restore)
main.add_command(salvage.salvage)
main.add_command(balance.balance)
main.add_command(network.network)
main.add_command(photo.photo)
main.add_command(storage.storage)
main.add_command(storage.renditions)
main.add_command(originals.originals)

if __name__ == "__main__":
    main()
