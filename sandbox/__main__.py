"""`python -m sandbox`: serve a generated company on loopback until interrupted."""

import argparse
import contextlib
from datetime import datetime
from pathlib import Path

from sandbox.real.company import RealCompany
from sandbox.real.mailings import export
from sandbox.server import HELPDESKS, PROFILES, serve


def main() -> None:
    """Print the environment lines, then serve."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A helpdesk and a survey tool to play with."
    )
    parser.add_argument(
        "--tickets", type=int, default=1000, help="tickets created in the last year (default 1000)"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument(
        "--now", type=datetime.fromisoformat, help="the company's present, ISO with zone; default: this hour"
    )
    parser.add_argument(
        "--at", type=datetime.fromisoformat, help="move the clock of that company to this instant"
    )
    parser.add_argument(
        "--profile", choices=PROFILES, help="a quiet company, or one like real ones (default)"
    )
    parser.add_argument(
        "--helpdesk",
        choices=HELPDESKS,
        action="append",
        default=[],
        help=f"again for both; default {HELPDESKS[0]}",
    )
    parser.add_argument("--files", type=Path, help="write what the company's mailer exports into this folder")
    arguments = parser.parse_args()
    sandbox = serve(
        arguments.tickets,
        arguments.seed,
        arguments.port,
        arguments.now,
        arguments.at,
        profile=arguments.profile,
    )
    variables = sandbox.env(*arguments.helpdesk)
    if arguments.files is not None and isinstance(sandbox.company, RealCompany):
        export(sandbox.company, sandbox.company.mailings, arguments.files)
        variables["CXMARTS_FILES"] = str(arguments.files.resolve())
    for name, value in variables.items():
        print(f"{name}={value}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sandbox.serve_forever()


if __name__ == "__main__":
    main()
