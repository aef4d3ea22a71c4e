"""The command `cxmarts`.

Exit codes: 0 done (for `refresh`: published), 1 refused or failed, 2 wrong usage or settings,
3 another refresh is running, 130 interrupted.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import csv
import dataclasses
import gc
import getpass
import json
import logging
import os
import shlex
import signal
import sys
import threading
import warnings
import webbrowser
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from ingestion.errors import ExpectedError
from ingestion.sources.files.mapping import ENTITIES
from ingestion.urls import is_loopback
from orchestration.commands import demo
from orchestration.ground import mishaps, progress
from orchestration.ground.home import Home
from orchestration.ground.locking import exclusive
from orchestration.ground.settings import Settings, SettingsError, load, parse_time
from orchestration.publication import publish
from orchestration.report import page

if TYPE_CHECKING:
    from orchestration.commands.questions import Question
    from orchestration.refresh import Outcome

#: Columns of a table that no terminal shows.
WIDE = 160


class CommandError(ExpectedError):
    """A command that cannot do what it was asked; the message says why and what to do."""


# Libraries on the way may take the interruption for a failure of their own.
_interrupted = threading.Event()


def process() -> NoReturn:
    """The installed command: `main`, then the process's end without taking half a million objects apart."""
    code = main()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; failures are one message, never a stack."""
    options = _parser().parse_args(arguments)
    # Many objects that live as long as the process: looking for cycles less often saves an eighth of the CPU.
    gc.set_threshold(1_000_000, 50, 100)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        # Another signal on the way out would only show a stack.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        return _fail("interrupted; nothing was published, the next run goes on from here", 130)
    except BrokenPipeError:
        return 1
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        return _fail(told, error.exit_code if isinstance(error, ExpectedError) else ExpectedError.exit_code)


def _told(error: Exception) -> str | None:
    """An error in words for people; None if nobody has any."""
    is_expected = isinstance(error, ExpectedError)
    said = str(error) if is_expected else f"{type(error).__name__}: {error}"
    with contextlib.suppress(ExpectedError):
        if told := mishaps.explain(said, Home(load().home)):
            return told
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return said if is_expected else None


def _interrupt(*_: object) -> NoReturn:
    _interrupted.set()
    raise KeyboardInterrupt


def _fail(message: str, code: int) -> int:
    print(f"cxmarts: {message}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cxmarts", description="Customer-service KPI marts from helpdesk and survey APIs."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    refresh = command("refresh", _refresh, "Fetch, judge, build and publish once, in this process.")
    refresh.add_argument("--full", action="store_true", help="rebuild every model from the landing")
    refresh.add_argument("--as-of", type=_time, metavar="TIME", help="the instant the numbers hold for (ISO)")
    refresh.add_argument("--json", action="store_true", help="end with one line of JSON on stdout")

    command("doctor", _doctor, "Check settings, sources, disk and versions: a line each, with what to do.")
    figures = command("scorecard", _scorecard, "Show the published figures.")
    figures.add_argument(
        "--period", choices=("week", "month", "quarter"), help="of the last whole one, beside the one before"
    )
    figures.add_argument(
        "--dimension",
        metavar="NAME",
        help="its members too, such as segment (one that there is not lists those there are); with --period",
    )
    query = command("sql", _sql, "Run a query on the published marts.")
    query.add_argument("query", nargs="?", help="SQL; without it, what stdin holds")
    query.add_argument("--csv", action="store_true", help="all rows as CSV instead of a table")
    report = command("report", _report, "Name the page of the published report, or open it.")
    report.add_argument("--open", action="store_true", help="open it in the browser")
    project = command("docs", _docs, "Write dbt's documentation of the project as one page, and name it.")
    project.add_argument("--open", action="store_true", help="open it in the browser")
    questions = command(
        "questions",
        _questions,
        "Show the survey questions that nobody declared, or declare some.",
    )
    questions.add_argument(
        "--accept",
        nargs="+",
        metavar="ID",
        help="write this one's line (SOURCE SURVEY QUESTION), or `all`, into questions.csv of CXMARTS_RULES",
    )
    questions.add_argument("--json", action="store_true", help="a line of JSON for each instead of the table")

    trial = command("demo", _demo, "Run everything against a generated company, without any account.")
    trial.add_argument("--tickets", type=int, default=demo.TICKETS, help="of a new company, in two years")
    sandbox = command("sandbox", _sandbox, "Serve the generated company's APIs on loopback.")
    for each in (trial, sandbox):
        each.add_argument(
            "--helpdesk", metavar="NAME", action="append", default=[], help="the company's; again for two"
        )
    sandbox.add_argument("--tickets", type=int, default=1000)
    sandbox.add_argument("--seed", type=int, default=demo.SEED)
    sandbox.add_argument("--port", type=int, default=0)
    sandbox.add_argument(
        "--profile", help="real, with what real accounts have, or clean, a quiet company (default: real)"
    )

    batches = command("batches", _batches, "List held, lost and waived batches, or waive one.")
    actions = batches.add_subparsers(metavar="ACTION")
    actions.add_parser("list", help="what is held, lost or waived (the default)")
    waive = actions.add_parser("waive", help="let held batches through")
    waive.add_argument("ids", nargs="+", metavar="ID")
    waive.add_argument("--why", required=True, help="the reason, kept with the batch")
    waive.set_defaults(run=_waive)

    rejected = command(
        "rejected", _rejected, "List every row that the last refresh rejected or held, as CSV."
    )
    rejected.add_argument("source", nargs="?", metavar="SOURCE", help="only this source's")

    refetch = command("refetch", _refetch, "Make the next refresh read a source or stream again.")
    refetch.add_argument("target", metavar="SOURCE[/STREAM]")
    refetch.add_argument("--since", type=_time, metavar="TIME", help="read changes from this time on (ISO)")

    forget = command("forget", _forget, "Take all data of a source that is off out, for good.")
    forget.add_argument("target", metavar="SOURCE[/STREAM]")
    forget.add_argument("--yes", action="store_true", help="do not ask")

    erase = command("erase", _erase, "Take a person out of everything that is kept, and prove it by search.")
    erase.add_argument("source", nargs="?", metavar="SOURCE", help="of the customer or the response")
    who = erase.add_mutually_exclusive_group(required=True)
    who.add_argument("--customer", metavar="ID", help="a customer by the id that the source gives")
    who.add_argument("--email", metavar="ADDRESS", help="whoever has this address, at every source")
    who.add_argument("--response", metavar="ID", help="one response to a survey")
    erase.add_argument(
        "--records", action="store_true", help="their tickets and answers no longer count either"
    )
    erase.add_argument("--dry-run", action="store_true", help="show what there is, change nothing")
    erase.add_argument("--yes", action="store_true", help="do not ask")

    files = command("files", _draft, "Draft a mapping from an exported file.")
    steps = files.add_subparsers(metavar="ACTION", required=True)
    draft = steps.add_parser("draft", help="write a commented mapping of a file, to look through")
    draft.add_argument("file", type=Path, metavar="FILE")
    draft.add_argument(
        "-o", "--output", type=Path, metavar="PATH", help="a folder, or a .yml (default: stdout)"
    )
    draft.add_argument("--force", action="store_true", help="write over a mapping that is there")
    draft.add_argument("--entity", choices=ENTITIES, help="what the file holds, where the draft is mistaken")
    draft.add_argument("--score", metavar="COLUMN", help="the column with the answers to draft a mapping of")

    command("publications", _publications, "List the published versions, the newest first.")
    rollback = command("rollback", _rollback, "Make an earlier version the current one.")
    rollback.add_argument("version")
    interface = command("ui", _ui, "Open the Dagster UI on loopback.")
    interface.add_argument("--port", type=int, default=3000, help="0 for a free one")
    interface.add_argument(
        "--read-only", action="store_true", help="show, but start, stop and delete nothing"
    )
    return parser


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO time with a zone: {error}") from None


@contextlib.contextmanager
def _settings() -> Iterator[Settings]:
    """The settings; of the demo's home, where no source is set, those of its company, which is then there."""
    settings = load()
    home = Home(settings.home)
    if not demo.is_demo(home):
        yield settings
    elif settings.files or not all(
        is_loopback(urlsplit(url).hostname or "") for each in settings.sources for url in each.urls
    ):
        raise CommandError(f"{settings.home} holds the demo's data: remove it, or set CXMARTS_HOME")
    elif settings.sources:
        yield settings
    else:
        with demo.company(home.create(), rules=settings.rules) as variables:
            os.environ.update(variables)
            yield load()


def _refresh(options: argparse.Namespace) -> int:
    try:
        with _settings() as settings:
            code = _run_refresh(settings, as_of=options.as_of, is_full=options.full, as_json=options.json)
    except Exception as error:
        if options.json and (told := _told(error)):
            print(json.dumps({"published": False, "problems": [told], "warnings": []}))
        raise
    if code == 0 and not options.json:
        print(f"Look: `{_command('scorecard')}` shows the figures, `{_command('ui')}` the pipeline")
        _tell_of_questions(Home(settings.home))
        _tell_of_report(Home(settings.home))
    return code


def _run_refresh(
    settings: Settings, *, as_of: datetime | None = None, is_full: bool = False, as_json: bool = False
) -> int:
    from orchestration.commands.console import ConsoleProgress
    from orchestration.refresh import refresh

    # Failures are told in our own words; what the libraries remark on the way is noise here.
    warnings.filterwarnings("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    reporter = ConsoleProgress()
    progress.use(reporter)
    failed = True
    try:
        outcome = refresh(settings, as_of=as_of, is_full=is_full)
        failed = not outcome.published
        # While a step runs, dagster takes the signal and calls it a failure.
        is_interrupted = _interrupted.is_set() or any("Interrupt" in text for text in outcome.problems)
        if failed and is_interrupted:
            raise KeyboardInterrupt
    finally:
        reporter.close(failed)
    facts = outcome.facts
    if outcome.published:
        rows = f"{sum(facts['rows'].values()):,} rows in {len(facts['rows'])} marts"
        what = "Published" if facts["published"] else "Wrote (current stays as it is)"
        print(f"{what} {facts['version']}: {rows}\n{facts['path']}")
    else:
        print(f"cxmarts: {_state(settings, outcome)}:\n{_listed(outcome.problems)}", file=sys.stderr)
        _tell(settings, outcome)
    if outcome.warnings:
        print(f"Warnings, which stop nothing:\n{_listed(outcome.warnings)}", file=sys.stderr)
    if as_json:
        told = {"problems": outcome.problems, "warnings": outcome.warnings}
        print(json.dumps({"published": False, **facts, **told}, default=str))
    return 0 if outcome.published else 1


def _state(settings: Settings, outcome: Outcome) -> str:
    """What readers see after a refresh that failed."""
    if outcome.facts.get("published"):
        return f"published {outcome.facts['version']}, but what follows failed"
    kept = "the published marts stay as they were"
    with contextlib.suppress(ExpectedError):
        known = publish.current(Home(settings.home).published)
        kept = f"{kept} ({known.version})" if known else "nothing is published"
    return f"not published, {kept}"


def _tell(settings: Settings, outcome: Outcome) -> None:
    """Tell the webhook of a run that failed: whether a UI is up, whose sensors would tell, nobody knows."""
    from orchestration.ground.alerts import Alerts
    from orchestration.jobs import NIGHTLY

    if settings.webhook_url is None or "run_id" not in outcome.facts:
        return
    try:
        Alerts(Home(settings.home).alerts, settings).failed(
            NIGHTLY, outcome.facts["run_id"], outcome.problems, outcome.facts.get("version", "")
        )
    except (ExpectedError, OSError) as error:
        print(f"cxmarts: {error}", file=sys.stderr)


def _listed(texts: Sequence[str]) -> str:
    return "\n".join(f"  - {line}" for text in texts for line in text.splitlines())


def _scorecard(options: argparse.Namespace) -> int:
    settings = load()
    if options.period:
        _print_period(settings, options.period, options.dimension or "all")
    elif options.dimension:
        raise CommandError("--dimension needs --period: week, month or quarter")
    else:
        _print_scorecard(settings)
    return 0


def _sql(options: argparse.Namespace) -> int:
    from orchestration.commands import query

    sql = sys.stdin.read() if options.query in (None, "-") else options.query
    query.run(_current(load()).path, sql, sys.stdout, is_csv=options.csv)
    return 0


def _current(settings: Settings) -> publish.Publication:
    published = publish.current(Home(settings.home).published)
    if published is None:
        raise CommandError("nothing is published yet; run `cxmarts refresh`")
    return published


def _report(options: argparse.Namespace) -> int:
    path = _report_page(Home(load().home))
    if path is None:
        raise CommandError("no report is published yet; run `cxmarts refresh`")
    return _lead(path, is_opened=options.open)


def _docs(options: argparse.Namespace) -> int:
    from orchestration.commands import docs

    return _lead(docs.write(load()), is_opened=options.open)


def _lead(path: Path, *, is_opened: bool) -> int:
    """Name a page, and open it if asked to."""
    print(path, flush=True)
    if is_opened and not webbrowser.open(path.as_uri()):
        raise CommandError(f"no browser could be started: open {path}")
    return 0


def _report_page(home: Home) -> Path | None:
    """The page of the current version, by the path that leads to the newest one tomorrow too."""
    path = page.path(home.published / "current")
    return path if path.exists() else None


def _tell_of_report(home: Home) -> None:
    if path := _report_page(home):
        print(f"The report: {_near(path)} (`{_command('report --open')}`)")


def _print_scorecard(settings: Settings) -> None:
    from rich.console import Console
    from rich.table import Table

    from orchestration.commands import scorecard

    published = _current(settings)
    table = Table(title=f"Scorecard as of {published.as_of:%Y-%m-%d %H:%M} UTC, all time")
    lines, gaps = scorecard.read(published.path), scorecard.gaps(published.path)
    has_targets = any(line.target is not None for line in lines)
    table.add_column("KPI")
    for name in ("value", "n", "95 % interval", *(("target", "gap") if has_targets else ())):
        table.add_column(name, justify="right")
    for line in lines:
        interval = scorecard.show_interval(line.low, line.high, line.unit)
        cells = [line.name, scorecard.show(line.value, line.unit), f"{line.n:,}", interval]
        if has_targets:
            cells += [scorecard.show(number, line.unit) for number in (line.target, line.gap)]
        table.add_row(*cells)
    Console(markup=False).print(table)
    shown = {line.kpi for line in lines}
    if known := [gap for gap in gaps if shown.intersection(gap.kpis)]:
        print("Not known of all tickets:")
        for gap in known:
            print(f"  {gap}")
    today = published.as_of.astimezone(ZoneInfo(settings.timezone)).date()
    if shifts := scorecard.shifts(published.path, today):
        about = scorecard.judged(published.path, today)
        print("The newest week and month of each KPI that are no noise", end="")
        print(f" (judged were {about[0]}, {about[1]:.1f} would be here by chance):" if about else ":")
        for shift in shifts:
            print(f"  {shift}")
    _tell_of_questions(Home(settings.home))


def _print_period(settings: Settings, grain: str, dimension: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from orchestration.commands import scorecard
    from orchestration.commands.scorecard import show, show_interval

    published = _current(settings)
    cells = scorecard.of_period(published.path, grain, dimension)
    if not cells:
        raise CommandError(f"no whole {grain} is published yet")
    has_targets = any(cell.target is not None for cell in cells)
    table = Table(
        title=f"{grain.capitalize()} of {cells[0].period_start}, as of {published.as_of:%Y-%m-%d %H:%M} UTC"
    )
    for name in ("KPI", *((dimension,) if dimension != "all" else ())):
        table.add_column(name)
    for name in ("value", "n", "95 % interval", "before", *(("target",) if has_targets else ())):
        table.add_column(name, justify="right")
    table.add_column("change")
    for cell in cells:
        row = [cell.kpi.replace("_", " ")]
        if dimension != "all":
            row += ["" if cell.dimension == "all" else cell.member_label or cell.member]
        row += [
            show(cell.value, cell.unit),
            f"{cell.n:,}",
            show_interval(cell.ci_low, cell.ci_high, cell.unit),
        ]
        row += [show(cell.previous_value, cell.unit)]
        row += [show(cell.target, cell.unit)] if has_targets else []
        table.add_row(*row, cell.verdict, style="dim" if cell.is_small_n else None)
    # What is read by no terminal need not break names to fit one.
    Console(markup=False, width=None if sys.stdout.isatty() else WIDE).print(table)


def _tell_of_questions(home: Home) -> None:
    """Whoever misses a number finds the questions that would count if somebody declared them."""
    from orchestration.commands import questions

    with contextlib.suppress(questions.QuestionsError):
        if waiting := len(questions.unmapped(home)):
            print(f"Questions that count for nothing: {waiting}, see `{_command('questions')}`")


def _questions(options: argparse.Namespace) -> int:
    from orchestration.commands import questions

    settings = load()
    home = Home(settings.home)
    found = questions.unmapped(home)
    rules = demo.rules(home, settings.rules)
    known = questions.declared(rules, found)
    if options.accept is not None:
        return _accept(rules, home, found, options.accept)
    if options.json:
        for each in found:
            print(json.dumps({**dataclasses.asdict(each), "is_declared": each.key in known}))
    elif found:
        _print_questions(found, known)
    else:
        print("Every rating question is declared.")
    return 0


def _print_questions(found: Sequence[Question], known: Collection[tuple[str, str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Questions that count for nothing")
    for name in ("survey", "question"):
        table.add_column(name, overflow="fold")
    table.add_column("n", justify="right")
    table.add_column("answers", overflow="fold")
    table.add_column("looks like", overflow="fold")
    for each in found:
        looks = "declared by now: see the next refresh" if each.key in known else each.kind or each.reason
        table.add_row(each.survey_title, each.title, f"{each.answers:,}", each.distribution, looks)
    Console(markup=False).print(table)
    waiting = [each for each in found if each.key not in known]
    if lines := [each.line for each in waiting if each.line]:
        todo = f"`{_command('questions --accept SOURCE SURVEY QUESTION')}` writes one, `--accept all` each"
        print(f"Their lines for questions.csv ({todo}):")
        print("\n".join(lines))
    if others := [each for each in waiting if not each.line and "kind is not declared" in each.reason]:
        print("Lines to be completed; KIND is csat, nps, ces, or other, which never counts:")
        for each in others:
            scale = ("MIN", "MAX") if "scale is not declared" in each.reason else ("", "")
            csv.writer(sys.stdout, lineterminator="\n").writerow((*each.key, "KIND", *scale, "", "", ""))


def _accept(
    rules: Path | None,
    home: Home,
    found: Sequence[Question],
    named: Sequence[str],
) -> int:
    from orchestration.commands import questions

    if list(named) == ["all"]:
        wanted = [each for each in found if each.line]
    elif len(named) == len(questions.KEY):
        wanted = [each for each in found if each.key == tuple(named)]
        if not wanted:
            listed = ", ".join(" ".join(each.key) for each in found if each.line) or "none"
            raise CommandError(f"{' '.join(named)} is no question that waits; there are: {listed}")
        if wanted[0].line is None:
            raise CommandError(
                f"{' '.join(named)}: {wanted[0].reason}; write its line into questions.csv by hand"
            )
    else:
        raise CommandError("--accept takes SOURCE SURVEY QUESTION, or all")
    written = questions.accept(home, rules, wanted)
    for each in wanted:
        print(f"{' '.join(each.key)}: {each.kind if each in written else 'declared already'}")
    told = f"The next refresh counts them: `{_command('refresh')}`"
    print(told if wanted else "There is nothing to accept.")
    return 0


def _demo(options: argparse.Namespace) -> int:
    # Neither `.env` nor credentials of the environment: the demo never touches a real account.
    own = {name: os.environ[name] for name in ("CXMARTS_HOME", "CXMARTS_RULES") if name in os.environ}
    given = load(own, use_file=False)
    home = Home(given.home).create()
    with demo.company(home, options.tickets, given.rules, options.helpdesk) as variables:
        settings = load({**variables, **own}, use_file=False)
        code = _run_refresh(settings)
    if code == 0:
        _print_scorecard(settings)
        _print_pointers(home)
        _tell_of_report(home)
    return code


def _print_pointers(home: Home) -> None:
    current, python = _near(home.published / "current"), _near(Path(sys.executable))
    query = (
        f"import duckdb; print(duckdb.connect('{current}/marts.duckdb', read_only=True).sql('from kpi_csat'))"
    )
    lines = (
        ("the marts", f"{current}/marts.duckdb, and marts/*.parquet beside it"),
        ("what they are", f"{current}/report/dictionary.html, every table and column"),
        ("the pipeline", "make ui: the company goes on beside it, and every run fetches what is new"),
        ("a query", f'{shlex.quote(str(python))} -c "{query}"'),
        ("the next night", "make demo once more: it fetches only what changed"),
    )
    print("\nWhere to look next")
    for name, text in lines:
        print(f"  {name:15} {text}")


def _command(words: str) -> str:
    """A command to type next, with the home that was named for this one alone."""
    home = os.environ.get("CXMARTS_HOME")
    return f"CXMARTS_HOME={shlex.quote(home)} cxmarts {words}" if home else f"cxmarts {words}"


def _near(path: Path) -> Path:
    """The path as seen from the working folder, if it lies in it."""
    with contextlib.suppress(ValueError):
        return path.relative_to(Path.cwd())
    return path


def _sandbox(options: argparse.Namespace) -> int:
    from sandbox.server import serve

    try:
        sandbox = serve(options.tickets, options.seed, options.port, profile=options.profile)
        variables = sandbox.env(*options.helpdesk)
    except (OSError, ValueError) as error:
        raise CommandError(f"the sandbox cannot start: {error}") from None
    for name, value in variables.items():
        print(f"{name}={value}", flush=True)
    told = (
        f"Serving {options.tickets:,} tickets until Ctrl-C; the lines above are settings for another `.env`"
    )
    print(f"{told}, then `cxmarts refresh`", file=sys.stderr)
    with contextlib.suppress(KeyboardInterrupt):
        sandbox.serve_forever()
    return 0


def _batches(_: argparse.Namespace) -> int:
    from quality.report import batch_text

    home = Home(load().home)
    if not home.control.exists():
        print("No batch was judged yet.")
        return 0
    with mishaps.open_store(home) as store:
        shown = [*store.held(), *store.batches(verdict="lost"), *store.batches(verdict="waived")]
        for batch in shown:
            told = batch.verdict != "waived"
            failures = store.results(batch_id=batch.batch_id, failed_only=True) if told else []
            print(batch_text(batch, failures))
        if not shown:
            print(f"No batch is held or waived; {len(store.verdicts()):,} passed.")
    return 0


def _rejected(options: argparse.Namespace) -> int:
    from orchestration.warehouse import control_tables

    home = Home(load().home)
    if not home.warehouse.exists():
        raise CommandError("nothing was judged yet; run `cxmarts refresh`")
    with exclusive(home.lock, "listing rejected rows"), control_tables.connect(home.warehouse) as con:
        rows = control_tables.rejected_rows(con, [options.source] if options.source else None)
    writer = csv.writer(sys.stdout)
    writer.writerow(("source", "stream", "batch_id", "record_id", "reason", "is_held"))
    writer.writerows(rows)
    return 0


def _waive(options: argparse.Namespace) -> int:
    from orchestration.publication import remedies

    return _done(remedies.waive(Home(load().home), options.ids, options.why))


def _refetch(options: argparse.Namespace) -> int:
    from orchestration.publication import remedies

    with _settings() as settings:
        return _done(remedies.refetch(settings, options.target, options.since))


def _done(told: Sequence[str]) -> int:
    """Say what was done."""
    print("\n".join(told))
    return 0


def _draft(options: argparse.Namespace) -> int:
    from ingestion.sources.files.draft import draft

    target: Path | None = options.output
    named = target if target and target.suffix in (".yml", ".yaml") else None
    folder = named.parent if named else target
    if folder and not folder.is_dir():
        raise CommandError(f"{folder} is no folder: create it, or name another by -o")
    name = named.stem if named else None
    drafts = draft(options.file, folder=folder, name=name, entity=options.entity, score=options.score)
    if folder is None:
        print(drafts[0].text, end="")
        print(f"Save it as {drafts[0].name}.yml in the folder of CXMARTS_FILES", file=sys.stderr)
        return 0
    paths = [folder / f"{each.name}{named.suffix if named else '.yml'}" for each in drafts]
    if not options.force and (there := [str(path) for path in paths if path.exists()]):
        raise CommandError(f"{', '.join(there)} is there already: --force writes over it")
    for path, each in zip(paths, drafts, strict=True):
        path.write_text(each.text, encoding="utf-8")
        print(f"wrote {path}")
    print("Go through the lines, then `cxmarts doctor`")
    return 0


def _forget(options: argparse.Namespace) -> int:
    from orchestration.ground import forget

    settings = load()
    home = Home(settings.home)
    source, _, stream = options.target.partition("/")
    if not home.landing.exists():
        raise CommandError(f"{home.root} holds no data")
    with exclusive(home.lock, f"forget {options.target}"):
        found = forget.find(home, source, stream or None)
        if found is None:
            raise CommandError(f"nothing of {options.target!r} has landed in {home.landing}")
        if declared := forget.configured(settings, source, found.streams):
            raise CommandError(
                f"{options.target} is still declared, and the next refresh would fetch it again: remove "
                f"{declared} first (`cxmarts refetch` reads a source again without forgetting it)"
            )
        print(f"{found.about()}: this removes what only the landing may have of them.", file=sys.stderr)
        if not options.yes and not _agrees("Forget them for good?"):
            raise CommandError("nothing was removed")
        forget.forget(home, found, by=getpass.getuser())
    print(
        f"forgot {found.about()}. The next refresh builds everything anew, without it: `cxmarts refresh`. "
        "Versions published before still hold it until they are retired"
    )
    return 0


def _erase(options: argparse.Namespace) -> int:
    from ingestion.landing import Landing
    from orchestration.commands.erase import left
    from orchestration.ground import erase

    settings = load()
    home = Home(settings.home)
    if not home.landing.exists():
        raise CommandError(f"{home.root} holds no data")
    if (options.email is None) != bool(options.source):
        raise CommandError("name the source with --customer and --response, and none with --email")
    home.create()
    named = options.email or f"{options.customer or options.response} of {options.source}"
    with exclusive(home.lock, "erase"):
        unfinished = erase.remembered(home)
        person = unfinished or erase.Person()
        person.is_removed |= options.records
        if options.customer:
            person.customers.add((options.source, options.customer))
        elif options.email:
            person.addresses.add(options.email.casefold())
        response = (options.source, options.response) if options.response else None
        erase.find(home, person, response)
        if not person.rows and unfinished is None and not person.on(Landing(home.landing).erased()):
            raise CommandError(f"nothing of {named!r} has landed in {home.landing}")
        print(
            "\n".join(["What there is of them:", *(f"  {line}" for line in person.about())]), file=sys.stderr
        )
        if options.dry_run:
            print("nothing was changed")
            return 0
        told = "This takes them out for good, and all published versions but a new one."
        print(told, file=sys.stderr)
        if not options.yes and not _agrees("Erase them?"):
            raise CommandError("nothing was removed")
        changed = erase.scrub(home, person, by=getpass.getuser())
        print(
            f"Took them out of {changed:,} rows of the landing; everything else is built anew",
            file=sys.stderr,
        )
    published = publish.current(home.published)
    if published and _run_refresh(settings, as_of=published.as_of):
        return _fail("the landing is clean; the versions published before still hold them. Run it again", 1)
    with exclusive(home.lock, "erase"):
        for folder in (home.published, home.published_restricted):
            publish.retire(folder, 1)
        found, searched = left(home, person)
        print("\n".join(["Searched:", *(f"  {line}" for line in searched)]))
        if found:
            return _fail(f"something is left:\n{_listed(found)}", 1)
        home.erasing.unlink(missing_ok=True)
    print("nothing left")
    return 0


def _agrees(question: str) -> bool:
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask at: add --yes; nothing was removed")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _publications(_: argparse.Namespace) -> int:
    published = Home(load().home).published
    found = publish.publications(published)
    for publication in found:
        marts = publication.manifest["marts"].values()
        mark = "current" if publication.is_current else "       "
        rows = sum(mart["rows"] for mart in marts)
        print(f"{mark} {publication.version}  as of {publication.as_of:%Y-%m-%d %H:%M:%S}Z  {rows:,} rows")
    if publish.current(published) is None:
        print("Nothing is published yet; run `cxmarts refresh`.")
    return max((_fail(problem, 1) for problem in publish.damages(published)), default=0)


def _rollback(options: argparse.Namespace) -> int:
    from orchestration.publication import remedies

    return _done(remedies.rollback(load(), options.version))


def _doctor(_: argparse.Namespace) -> int:
    from orchestration.commands.doctor import examine

    good = True
    with contextlib.ExitStack() as stack:
        # Settings that cannot be read are a finding.
        with contextlib.suppress(SettingsError):
            stack.enter_context(_settings())
        for finding in examine():
            good = good and finding.ok
            word = "warn" if finding.warns else "ok  " if finding.ok else "FAIL"
            print(f"{word} {finding.source}: {finding.subject}: {finding.text}")
    if good:
        print(f"All good; next: `{_command('refresh')}`")
    return 0 if good else 1


def _ui(options: argparse.Namespace) -> int:
    from orchestration.ground.process import prepare_process

    with contextlib.suppress(KeyboardInterrupt), _settings() as settings:
        home = Home(settings.home).create()
        prepare_process(settings, home)
        print("Starting the Dagster UI …", file=sys.stderr)

        from orchestration.commands.ui import serve

        serve(home, options.port, is_read_only=options.read_only)
    return 0


if __name__ == "__main__":
    process()
