"""`python -m orf_books.sandbox`: the sandbox in the foreground, until Ctrl-C.

Belongs here: options and what is printed. Does not belong here: anything the sandbox does.
"""

import signal
from typing import Annotated

import typer

from orf_books.sandbox.behaviour import (
    ACTIVITY_API_KEY,
    DEEPGRAM_KEY,
    GOOGLE_BOOKS_KEY,
    Behaviour,
)
from orf_books.sandbox.catalogue import sample_catalogue
from orf_books.sandbox.server import Sandbox
from orf_books.sandbox.synthetic_library import SHARE_IN_OPEN_LIBRARY, synthetic_library


def serve(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    latency: Annotated[float, typer.Option(help="Seconds that every answer takes.")] = 0.0,
    library_rows: Annotated[
        int, typer.Option(help="Also know an invented library of this many rows.")
    ] = 0,
    open_library_share: Annotated[
        float, typer.Option(help="Share of its known books that Open Library knows, with subjects.")
    ] = SHARE_IN_OPEN_LIBRARY,
    seed: Annotated[int, typer.Option(help="Which library is invented.")] = 0,
) -> None:
    """Serve the external services on loopback."""
    catalogue, export = sample_catalogue(), None
    if library_rows:
        export, invented = synthetic_library(library_rows, seed, open_library_share)
        catalogue += invented
    behaviour = Behaviour(latency_seconds=latency)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Sandbox(catalogue, behaviour, port=port, export=export) as sandbox:
        _print_addresses(sandbox)
        try:
            sandbox.wait()
        except KeyboardInterrupt:
            typer.echo("Stopping.")


def _print_addresses(sandbox: Sandbox) -> None:
    typer.echo(f"Open Library   {sandbox.open_library_url}")
    typer.echo(f"Google Books   {sandbox.google_books_url}   key: {GOOGLE_BOOKS_KEY}")
    typer.echo(f"Deepgram       {sandbox.deepgram_url}   key: {DEEPGRAM_KEY}")
    typer.echo(f"Kaldi          {sandbox.kaldi_general_url} and {sandbox.kaldi_partner_url}")
    typer.echo(f"wav2vec        {sandbox.wav2vec_url}")
    typer.echo(f"Activity API   {sandbox.activity_api_url}   key: {ACTIVITY_API_KEY}")
    typer.echo(f"Slack          {sandbox.slack_webhook}   told: GET {sandbox.url}/sandbox/messages")
    typer.echo(f"Export         {sandbox.url}/sandbox/library.csv")
    typer.echo(f"Steer          PATCH {sandbox.url}/sandbox/behaviour")
    typer.echo(f"Watch          GET {sandbox.url}/sandbox/counts")


if __name__ == "__main__":
    typer.run(serve)
