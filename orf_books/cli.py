"""The command line, `orf-books`.

Belongs here: arguments, exit statuses. Does not belong here: what is printed and what is done
(`orf_books/commands`); the commands run the same jobs as the page, on the same instance.

Dagster is imported inside the commands that need it: reading a dashboard should not wait for it.
"""

import atexit
import gc
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from orf_books.commands.batch_view import BatchFilter, BatchStatus
from orf_books.commands.printing import (
    output,
    print_json,
    show_activities,
    show_books,
    show_genres,
    show_readings,
    show_sessions,
    show_skills,
    table_of_batches,
    table_of_rows,
    table_of_values,
)
from orf_books.failures import FixConfiguration, FixInput, OrfBooksError
from orf_books.settings import Settings, load_settings

if TYPE_CHECKING:
    from orf_books.commands.local_runs import ActivitiesRun, BooksRun, TranscriptsRun
    from orf_books.commands.local_uploads import SessionFiles
    from orf_books.commands.terminal import TerminalBatch

ITEMS_FAILED, WRONG_CALL = 1, 2
INTERRUPTED = 130
"""As shells have it for Ctrl-C."""
LAST_PORT = 65535
DEMO_READINGS = 2
DEMO_UTTERANCES = 400
DEMO_RATE = 50.0
"""Requests a second: the sandbox is nobody else's server."""
DEMO_WINDOW = 10_000


def _examples(*commands: str) -> str:
    """What stands below the help of a command."""
    return "\n".join(["Examples:", *(f"  orf-books {command}" for command in commands)])


app = typer.Typer(
    name="orf-books",
    help="From raw uploads to per-item results.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog=_examples("demo", "run books my_export.csv --library ana", "status ana", "dev"),
)
run_commands = typer.Typer(help="Upload a file and run its batch here.", no_args_is_help=True)
app.add_typer(run_commands, name="run")
show_commands = typer.Typer(
    help="What is published; who looks at it is logged.", no_args_is_help=True
)
app.add_typer(show_commands, name="show")
delete_commands = typer.Typer(help="Delete from everywhere.", no_args_is_help=True)
app.add_typer(delete_commands, name="delete")
database_commands = typer.Typer(help="The published tables.", no_args_is_help=True)
app.add_typer(database_commands, name="database")
compare_commands = typer.Typer(help="Two results beside each other.", no_args_is_help=True)
app.add_typer(compare_commands, name="compare")

roster_commands = typer.Typer(help="Who belongs to a class.", no_args_is_help=True)
app.add_typer(roster_commands, name="roster")

messages = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]
Library = Annotated[
    str | None, typer.Option("--library", help="The library's name; default: the file's name.")
]
ExportFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A Goodreads export.")
]
UploadPath = Annotated[
    Path,
    typer.Argument(
        exists=True,
        readable=True,
        help="A Goodreads export, or as `run activities` and `run transcripts`.",
    ),
]
RecordingPaths = Annotated[
    list[Path],
    typer.Argument(
        exists=True,
        readable=True,
        help="Folders with complete.wav and activity.json, folders of such, or a CSV of ids.",
    ),
]
LabelsPath = Annotated[
    Path | None,
    typer.Argument(
        exists=True,
        readable=True,
        help=(
            "For books: a CSV of goodreads_id,title,author,isbn13,genres; genres divided by `;`. "
            "For activities: upload folders, each with truth.json. "
            'For transcripts: JSON lines of {"text": ..., "skills": [...]}; without, our own '
            "sentences that nothing was tuned on."
        ),
    ),
]
TranscriptPaths = Annotated[
    list[Path],
    typer.Argument(
        exists=True,
        readable=True,
        help="Transcripts, or folders of them: text, CSV, captions, JSON, Word, Excel.",
    ),
]
ClassId = Annotated[str | None, typer.Option("--class", help="The class, for transcripts.")]


def _day(written: str) -> str:
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        raise typer.BadParameter(
            f"{written!r} is no day: write YYYY-MM-DD, such as 2026-11-16."
        ) from None


Day = Annotated[
    str | None,
    typer.Option("--date", parser=_day, metavar="DAY", help="Of the session, YYYY-MM-DD."),
]
Roster = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        readable=True,
        help="Who belongs to the class; default: roster.json beside the file, or as in the store.",
    ),
]
Source = Annotated[
    str | None, typer.Option(help="Where the transcript comes from: Zoom, manual, ...")
]
Purpose = Annotated[str, typer.Option(help="What for; it is logged.")]
ResultName = Annotated[
    str, typer.Argument(help="`reference` or `majority`, a rule; or `version:<code version>`.")
]


def _print_version(is_wanted: bool) -> None:  # noqa: FBT001 - an option's callback
    if is_wanted:
        typer.echo(f"orf-books {version('orf-books')}")
        raise typer.Exit


@app.callback()
def of_all_commands(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """From raw uploads to per-item results."""


class Kind(StrEnum):
    """Kinds of upload."""

    BOOKS = "books"
    ACTIVITIES = "activities"
    TRANSCRIPTS = "transcripts"


KindOfUpload = Annotated[
    Kind, typer.Argument(metavar="KIND", help=f"One of {', '.join(Kind)}.", show_default=False)
]


@run_commands.command(
    "books",
    epilog=_examples(
        "run books my_export.csv --library ana", "run books my_export.csv --library ana --wait"
    ),
)
def run_books(
    file: ExportFile,
    library: Library = None,
    *,
    wait: Annotated[
        bool, typer.Option(help="Go on until Google Books was asked about every book.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload a Goodreads export, enrich its books here, build the dashboard."""
    from orf_books.commands.local_runs import fill_gaps, ingest_export

    settings = load_settings()
    batch, name = _batch(settings, is_silent=as_json), _library(file, library)
    run = ingest_export(settings, file.read_bytes(), name, batch)
    if wait and settings.google_books_key and run.report.gaps:
        messages.print("The dashboard is built; Google Books is asked about its gaps.")
        run = fill_gaps(settings, run, name, batch, messages.print)
    _report(run, show_books, as_json=as_json)


@run_commands.command(
    "activities",
    epilog=_examples("run activities readings/", "run activities readings/ana-1 readings/ben-2"),
)
def run_activities(paths: RecordingPaths, *, as_json: AsJson = False) -> None:
    """Upload recorded readings, rescore them here, make the reports."""
    from orf_books.commands.local_runs import ingest_recordings

    settings = load_settings()
    batch = _batch(settings, is_silent=as_json)
    _report(ingest_recordings(settings, paths, batch), show_activities, as_json=as_json)


@run_commands.command(
    "transcripts",
    epilog=_examples(
        "run transcripts monday.txt --class 5B --date 2026-11-16 --roster roster.json"
    ),
)
def run_transcripts(  # noqa: PLR0913 - options
    paths: TranscriptPaths,
    class_id: ClassId = None,
    day: Day = None,
    roster: Roster = None,
    source: Source = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Upload class sessions, score them here, publish, make the pages."""
    from orf_books.commands.local_runs import ingest_sessions

    settings = load_settings()
    batch = _batch(settings, is_silent=as_json)
    files = _session_files(paths, class_id, day, roster, source)
    _report(ingest_sessions(settings, files, batch), show_sessions, as_json=as_json)


@app.command(epilog=_examples("retry books", "retry transcripts --json"))
def retry(kind: KindOfUpload, *, as_json: AsJson = False) -> None:
    """Run everything that failed or is missing, wherever it lies, in one run."""
    from orf_books.commands.local_runs import retry_activities, retry_books, retry_transcripts

    settings = load_settings()
    batch = _batch(settings, is_silent=as_json)
    match kind:
        case Kind.BOOKS:
            _report(retry_books(settings, batch), show_books, as_json=as_json)
        case Kind.ACTIVITIES:
            _report(retry_activities(settings, batch), show_activities, as_json=as_json)
        case Kind.TRANSCRIPTS:
            _report(retry_transcripts(settings, batch), show_sessions, as_json=as_json)


@app.command(
    epilog=_examples(
        "upload books my_export.csv --library ana",
        "upload transcripts monday.txt --class 5B --date 2026-11-16",
    )
)
def upload(  # noqa: PLR0913, PLR0917 - options
    kind: KindOfUpload,
    path: UploadPath,
    library: Library = None,
    class_id: ClassId = None,
    day: Day = None,
    roster: Roster = None,
    source: Source = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Put an upload where the sensor finds it, and print its key."""
    from orf_books.commands.local_uploads import put_activities, put_export, put_sessions

    storage = load_settings().open_storage()
    match kind:
        case Kind.BOOKS:
            keys = [put_export(storage, path, _library(path, library))]
        case Kind.ACTIVITIES:
            keys = put_activities(storage, path)
        case Kind.TRANSCRIPTS:
            keys = put_sessions(storage, _session_files([path], class_id, day, roster, source))
    _print("\n".join(keys), {"upload": keys[0], "uploads": keys}, as_json=as_json)


@app.command(
    epilog=_examples(
        "status ana",
        "status --kind books --status complete_with_failures",
        "status --class 5B --longer-than 60",
    )
)
def status(  # noqa: PLR0913, PLR0917 - options
    upload: Annotated[
        str | None,
        typer.Argument(help="An upload's key, a library, or an activity; without, all batches."),
    ] = None,
    kind: Annotated[
        Kind | None, typer.Option(metavar="KIND", help=f"Batches of {', '.join(Kind)}.")
    ] = None,
    class_id: Annotated[str | None, typer.Option("--class", help="Batches of this class.")] = None,
    state: Annotated[
        BatchStatus | None,
        typer.Option("--status", metavar="STATUS", help=f"One of {', '.join(BatchStatus)}."),
    ] = None,
    longer_than: Annotated[float | None, typer.Option(help="Seconds that it took.")] = None,
    error: Annotated[
        str | None, typer.Option(help="Why items failed: a category or a code.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """How far an upload is, or what came of batches."""
    from orf_books.commands.batch_status import batches
    from orf_books.commands.unreported_runs import unreported_batches
    from orf_books.commands.upload_status import status_of

    settings = load_settings()
    storage = settings.open_storage()
    if upload is not None:
        shown = status_of(storage, upload, lambda: unreported_batches(settings))
        _print_values(shown["upload"], shown, as_json=as_json)
        return
    wanted = BatchFilter(kind, class_id, state, longer_than, error)
    found = batches(storage, wanted, lambda reported: unreported_batches(settings, reported))
    if as_json:
        print_json({"batches": [batch.as_document() for batch in found]})
    elif found:
        output.print(table_of_batches(found))
    else:
        output.print("There is no such batch.")


@show_commands.command("class", epilog=_examples('show class 5B --purpose "parents\' evening"'))
def show_class(
    class_id: Annotated[str, typer.Argument(help="A class.")],
    purpose: Purpose,
    *,
    as_json: AsJson = False,
) -> None:
    """The published figures of a class; those of fewer than five students are suppressed."""
    from orf_books.commands.published_records import class_document

    document = class_document(load_settings(), class_id, purpose)
    if as_json:
        print_json(document)
    elif document["figures"]:
        output.print(table_of_rows(f"Class {class_id}", document["figures"]))
    else:
        output.print(f"Nothing is published of class {class_id}.", markup=False)


@show_commands.command(
    "student", epilog=_examples('show student 3f6c0a1e-… --purpose "parents\' evening"')
)
def show_student(
    student_id: Annotated[str, typer.Argument(help="The pseudonymous id, as on the roster.")],
    purpose: Purpose,
    *,
    as_json: AsJson = True,  # noqa: ARG001 - it is JSON for people too
) -> None:
    """All that is published of a student, as JSON."""
    from orf_books.commands.published_records import student_document

    print_json(student_document(load_settings(), student_id, purpose))


@roster_commands.command(
    "suggest",
    epilog=_examples(
        "roster suggest monday.txt > roster.json", "roster suggest lessons/ --roster roster.json"
    ),
)
def roster_suggest(
    paths: TranscriptPaths,
    roster: Roster = None,
    *,
    as_json: AsJson = True,  # noqa: ARG001 - it is JSON for people too
) -> None:
    """A roster to fill in for transcripts: the labels that it lacks, of nobody with consent yet."""
    from orf_books.commands.suggest_roster import suggest_roster

    print_json(suggest_roster(paths, roster))


@app.command(
    epilog=_examples(
        "correct corrections-3f6c.json",
        "correct corrections-ana-1.json",
        "correct --class 5B --session 2026-11-16 --student 3f6c0a1e-… --line 42 --skill empathy",
    )
)
def correct(  # noqa: PLR0913, PLR0917 - options
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help="Marks downloaded from a student's or an activity's page; or else the options.",
        ),
    ] = None,
    class_id: Annotated[str | None, typer.Option("--class", help="The class.")] = None,
    session: Annotated[
        str | None, typer.Option(help="<date>, or <date>/<id> where a day has several sessions.")
    ] = None,
    student_id: Annotated[
        str | None, typer.Option("--student", help="The pseudonymous id.")
    ] = None,
    line: Annotated[
        int | None, typer.Option(help="Line of the transcript on which the utterance begins.")
    ] = None,
    skill: Annotated[str | None, typer.Option(help="The skill.")] = None,
    verdict: Annotated[
        str, typer.Option(help="`right`, `wrong`, or `missed` to add a finding.")
    ] = "wrong",
    by: Annotated[
        str | None, typer.Option(help="Who says so; default: who is logged in here.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Hand in what people say of findings or of words; figures and pages follow."""
    from orf_books.commands.corrections import correct as hand_in
    from orf_books.commands.corrections import marks_of, read_marks
    from orf_books.commands.published_records import actor

    if file:
        marks = read_marks(file.read_bytes())
        marks = replace(marks, corrected_by=by) if by else marks
    else:
        marks = marks_of(class_id, session, student_id, line, skill, verdict, by or actor())
    settings = load_settings()
    document = hand_in(settings, marks, _batch(settings, is_silent=as_json)).as_document()
    _print_values("Corrected", document, as_json=as_json)


@delete_commands.command("student", epilog=_examples("delete student 3f6c0a1e-…"))
def delete_student(
    student_id: Annotated[str, typer.Argument(help="The pseudonymous id, as on the roster.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Delete a student: raw lines, what was made of them, tables, pages, and on the roster."""
    from orf_books.commands.published_records import actor
    from orf_books.commands.student_deletion import delete_student as delete

    settings = load_settings()
    batch = _batch(settings, is_silent=as_json)
    document = delete(settings, student_id, actor(), batch).as_document()
    _print_values("Deleted", document, as_json=as_json)


@delete_commands.command("library", epilog=_examples("delete library ana"))
def delete_library(
    library: Annotated[str, typer.Argument(help="A library's name.")], *, as_json: AsJson = False
) -> None:
    """Delete a library: uploads, rows, dashboard, and books that no other library holds."""
    from orf_books.commands.library_deletion import delete_library as delete

    document = delete(load_settings(), library).as_document()
    _print_values("Deleted", document, as_json=as_json)


@delete_commands.command("activity", epilog=_examples("delete activity ana-1"))
def delete_activity(
    activity_id: Annotated[str, typer.Argument(help="An activity's id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Delete an activity: recording, record, result, kept answers, report."""
    from orf_books.commands.activity_deletion import delete_activity as delete

    document = delete(load_settings(), activity_id).as_document()
    _print_values("Deleted", document, as_json=as_json)


@database_commands.command("upgrade", epilog=_examples("database upgrade"))
def upgrade_database() -> None:
    """Bring the published tables up to date."""
    from orf_books.resources.database import upgrade

    revision = upgrade(load_settings().published_database.get_secret_value())
    output.print(f"The tables are of revision {revision}.")


@database_commands.command("revision", epilog=_examples("database revision"))
def database_revision() -> None:
    """The revision of the published tables."""
    from orf_books.resources.database import current

    found = current(load_settings().published_database.get_secret_value())
    output.print(f"The tables are of revision {found}." if found else "There are no tables yet.")


@app.command(epilog=_examples("data ana", "data ana > ana.json"))
def data(
    library: Annotated[str, typer.Argument(help="A library's name.")],
    *,
    as_json: AsJson = True,  # noqa: ARG001 - it is JSON for people too
) -> None:
    """The dashboard JSON of a library."""
    from orf_books.object_keys import library_data_key, library_name
    from orf_books.resources.storage import ObjectNotFoundError

    try:
        content = load_settings().open_storage().get(library_data_key(library_name(library)))
    except ObjectNotFoundError:
        raise FixInput(
            f"There is no dashboard of library {library!r}; `orf-books run books` makes one."
        ) from None
    sys.stdout.write(content.decode())


@app.command(
    epilog=_examples(
        "evaluate books labels.csv", "evaluate activities readings/", "evaluate transcripts"
    )
)
def evaluate(kind: KindOfUpload, path: LabelsPath = None, *, as_json: AsJson = False) -> None:
    """Compare results with your labels; 1 if some labelled items have no result yet."""
    settings = load_settings()
    storage = settings.open_storage()
    is_complete, document, show = True, dict[str, Any](), show_skills
    match kind, path:
        case Kind.TRANSCRIPTS, _:
            from orf_books.commands.evaluate_transcripts import evaluate_transcripts

            document = evaluate_transcripts(path).as_document()
        case _, None:
            raise FixInput(f"Evaluating {kind} needs the path of your labels.")
        case Kind.BOOKS, Path():
            from orf_books.commands.evaluate_books import evaluate_books

            if path.is_dir():
                raise FixInput(f"{path} is a folder; labels of books are a CSV file.")
            books = evaluate_books(storage, path.read_bytes())
            document, is_complete, show = books.as_document(), books.is_complete, show_genres
        case Kind.ACTIVITIES, Path():
            from orf_books.commands.evaluate_activities import evaluate_activities

            readings = evaluate_activities(storage, path)
            document, is_complete = readings.as_document(), readings.is_complete
            show = show_readings
    if as_json:
        print_json(document)
    else:
        show(document)
    if not is_complete:
        raise typer.Exit(ITEMS_FAILED)


@compare_commands.command("activities", epilog=_examples("compare activities reference majority"))
def compare_activities(before: ResultName, after: ResultName, *, as_json: AsJson = False) -> None:
    """Which verdicts two rules or two code versions differ in, and by how much figures move."""
    from orf_books.commands.compare_activities import compare_results

    document = compare_results(load_settings().open_storage(), before, after)
    if as_json:
        print_json(document)
    else:
        output.print(table_of_rows("Figures", document["measures"]))
        if document["changed"]:
            output.print(table_of_rows("Changed verdicts", document["changed"]))
        shown = ("activities", "words", "not_compared")
        output.print(table_of_values("Compared", {name: document[name] for name in shown}))


@app.command(epilog=_examples("doctor", "doctor --repair"))
def doctor(
    *,
    repair: Annotated[bool, typer.Option(help="Also repair damaged tables.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check settings, store, tables, ledger, database, Dagster home and services."""
    from orf_books.commands.doctor import examine

    findings = [asdict(finding) for finding in examine(load_settings(), repair=repair)]
    if as_json:
        print_json({"findings": findings})
    else:
        for finding in findings:
            mark = "well " if finding["is_well"] else "WRONG"
            of_kind = f" ({finding['category']})" if finding["category"] else ""
            line = f"{mark}  {finding['check']}{of_kind}: {finding['detail']}"
            output.print(line, markup=False, highlight=False, soft_wrap=True)
    if not all(finding["is_well"] for finding in findings):
        raise typer.Exit(ITEMS_FAILED)


@app.command(epilog=_examples("metrics"))
def metrics(
    file: Annotated[
        Path | None, typer.Option("--output", help="Replace this file instead of printing.")
    ] = None,
) -> None:
    """Figures for Prometheus, in its text format."""
    from orf_books.commands.metrics import metrics as collected
    from orf_books.commands.metrics import write_metrics

    settings = load_settings()
    if file is None:
        output.print(collected(settings), markup=False, highlight=False, soft_wrap=True, end="")
    else:
        write_metrics(settings, file)


@app.command(epilog=_examples("demo"))
def demo(*, as_json: AsJson = False) -> None:
    """The platform on a bundled library, bundled readings and an invented class, offline."""
    from pydantic import SecretStr

    from orf_books.commands.local_runs import ingest_export, ingest_recordings, ingest_sessions
    from orf_books.sandbox.class_sessions import write_invented_day
    from orf_books.sandbox.readings.recorded_reading import write_folders
    from orf_books.sandbox.server import Sandbox

    with Sandbox() as sandbox:
        settings = load_settings().model_copy(
            update={
                "storage": (Path("data") / "demo").absolute().as_uri(),
                "contact": "demo@localhost",
                "open_library_url": sandbox.open_library_url,
                "open_library_rate": DEMO_RATE,
                "google_books_url": sandbox.google_books_url,
                "google_books_key": SecretStr(sandbox.behaviour.google_key),
                "google_books_window_requests": DEMO_WINDOW,
            }
        )
        batch = _batch(settings, is_silent=as_json)
        books = ingest_export(settings, sandbox.export, "demo", batch)
    with TemporaryDirectory() as folder:
        uploads = write_folders(Path(folder), "held-out")[:DEMO_READINGS]
        activities = ingest_recordings(settings, uploads, batch)
    with TemporaryDirectory() as folder:
        class_id, day = write_invented_day(Path(folder), DEMO_UTTERANCES)
        files = _session_files([Path(folder)], class_id, day.isoformat(), None, None)
        transcripts = ingest_sessions(settings, files, batch)
    if as_json:
        of_others = {
            "activities": activities.as_document(),
            "transcripts": transcripts.as_document(),
        }
        print_json(books.as_document() | of_others)
    else:
        _report(books, show_books, as_json=False)
        _report(activities, show_activities, as_json=False)
        _report(transcripts, show_sessions, as_json=False)


@app.command(epilog=_examples("dev", "dev --port 3001"))
def dev(
    port: Annotated[
        int, typer.Option(min=1, max=LAST_PORT, help="Port of the page on 127.0.0.1.")
    ] = 3000,
) -> None:
    """The Dagster page with its daemon."""
    from orf_books.commands.dev_server import HOST, refuse_taken_port, serve
    from orf_books.instance import open_instance

    refuse_taken_port(HOST, port)
    messages.print(f"The Dagster page: http://{HOST}:{port}   Ctrl-C stops it.", highlight=False)
    # Creates the storage, before several processes want to.
    instance = open_instance(load_settings())
    raise typer.Exit(serve(instance, port))


@app.command(epilog=_examples("serve", "serve --port 8002"))
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=LAST_PORT, help="Port to listen on.")] = 8001,
) -> None:
    """The upload API and the upload page over HTTP."""
    from orf_books.commands.dev_server import refuse_taken_port
    from orf_books.commands.serve import serve as run_server

    refuse_taken_port(host, port)
    run_server(load_settings(), host, port)


def main() -> None:
    """Run a command; what a person can fix is one line, and a status that says so."""
    # Dagster's import makes millions of objects that live to the end. Looking through them for
    # garbage again and again, and once more at the exit, would cost a run more than a second.
    gc.set_threshold(100_000, 50, 50)
    atexit.register(gc.freeze)
    try:
        status = app(standalone_mode=False)
    except typer.TyperException as error:
        # Of pydantic, which typer asks.
        _complain(error.format_message().replace("Value error, ", ""), WRONG_CALL)
    except (FixInput, FixConfiguration) as error:
        _complain(str(error), WRONG_CALL)
    except OrfBooksError as error:
        _complain(str(error), ITEMS_FAILED)
    except Exception as error:
        from orf_books.instance import failure_of_home

        if failure := failure_of_home(error):
            _complain(str(failure), WRONG_CALL)
        raise
    if status == INTERRUPTED:
        _complain("Stopped; run it again, nothing that was paid for is lost.", INTERRUPTED)
    sys.exit(status)


def _complain(message: str, status: int) -> NoReturn:
    if message:
        messages.print(f"orf-books: {message}", soft_wrap=True, markup=False, highlight=False)
    sys.exit(status)


def _batch(settings: Settings, *, is_silent: bool) -> "TerminalBatch":
    from orf_books.commands.terminal import TerminalBatch

    # Bars and lines of JSON on the same terminal would spoil each other.
    is_silent = is_silent or settings.log_format == "json"
    return TerminalBatch(
        concurrency=settings.concurrency, ledger=settings.ledger, is_silent=is_silent
    )


def _library(file: Path, name: str | None) -> str:
    from orf_books.object_keys import library_name

    try:
        return library_name(name or file.stem)
    except FixInput as error:
        raise FixInput(
            f"No library can be called {name or file.stem!r} (--library): {error}"
        ) from None


def _session_files(
    paths: list[Path],
    class_id: str | None,
    day: str | None,
    roster: Path | None,
    source: str | None,
) -> "SessionFiles":
    from orf_books.commands.local_uploads import SessionFiles, passed_over

    if class_id is None or day is None:
        raise FixInput("Transcripts need --class and --date.")
    if others := passed_over(paths):
        counts = ", ".join(f"{count} {extension}" for extension, count in sorted(others.items()))
        messages.print(f"Passed over, as no transcripts: {counts}.", markup=False, highlight=False)
    return SessionFiles(tuple(paths), class_id, day, source, roster)


def _report(
    run: "ActivitiesRun | BooksRun | TranscriptsRun",
    show: Callable[[dict[str, Any]], None],
    *,
    as_json: bool,
) -> None:
    document = run.as_document()
    if as_json:
        print_json(document)
    else:
        show(document)
    if run.report.failed or document.get("refused_rows"):
        raise typer.Exit(ITEMS_FAILED)


def _print_values(title: str, document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        output.print(table_of_values(title, document))


def _print(text: str, document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        output.print(text, markup=False, soft_wrap=True)
