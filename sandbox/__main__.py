"""`python -m sandbox`: serve a generated company on loopback until interrupted."""

import argparse
import contextlib
from datetime import datetime

from sandbox.server import PROFILES, serve


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
    arguments = parser.parse_args()
    sandbox = serve(
        arguments.tickets,
        arguments.seed,
        arguments.port,
        arguments.now,
        arguments.at,
        profile=arguments.profile,
    )
    for name, value in sandbox.env().items():
        print(f"{name}={value}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sandbox.serve_forever()


if __name__ == "__main__":
    main()
