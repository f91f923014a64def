"""How fast utterances are scored, and in how much memory.

Measured: `score_session` on one invented session, in one process that computes in one thread, after
the detector was loaded. Every utterance is different; seven in ten have one sentence, three two.

Baseline: the plain keyword list on the same utterances.
"""

import resource
import time
from collections.abc import Callable
from datetime import date
from itertools import product
from typing import Annotated

import typer

from benchmarks.measuring import Measurement, print_measurements
from orf_books.transcripts.detection import shipped_detector
from orf_books.transcripts.keyword_list import skills_by_keywords
from orf_books.transcripts.labels import Half, labelled_sentences
from orf_books.transcripts.scoring import score_session
from orf_books.transcripts.utterance import Session, SpeakerRole, Utterance

BUDGET_MILLISECONDS = 1.0
"""For an utterance: a thousand a second."""
BUDGET_MEGABYTES = 400.0
STUDENTS = 25
SENTENCES_OF_TEN_UTTERANCES = (1, 1, 2, 1, 1, 2, 1, 1, 2, 1)


def main(
    repetitions: Annotated[int, typer.Option(help="Times the session is scored.")] = 5,
    utterances: Annotated[int, typer.Option(help="Utterances of the session.")] = 2000,
) -> None:
    """Measure, and print the table."""
    session = _session(utterances)
    texts = [utterance.text for utterance in session.utterances]
    started = time.process_time()
    detector = shipped_detector()
    loading = time.process_time() - started

    scoring = [
        _milliseconds(lambda: score_session(session, detector), utterances)
        for _ in range(repetitions)
    ]
    keywords = _milliseconds(lambda: [skills_by_keywords(text) for text in texts], utterances)
    print_measurements(
        f"score_session, {utterances:,} different utterances, one thread",
        [
            Measurement("an utterance", scoring, "ms", BUDGET_MILLISECONDS, keywords),
            Measurement("largest resident size", [_largest_megabytes()], "MB", BUDGET_MEGABYTES),
            Measurement("loading the detector", [loading], "s"),
        ],
        [
            f"{1000 / min(scoring):,.0f} utterances a second at best.",
            "Times are of the processor. Baseline: the plain keyword list.",
        ],
    )


def _largest_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _milliseconds(work: Callable[[], object], utterances: int) -> float:
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started) / utterances


def _session(count: int) -> Session:
    """Labelled sentences, numbered so that none is said twice."""
    sentences = [one.text for half in Half for one in labelled_sentences(half)]
    numbered = (f"{text[:-1]} {n}{text[-1]}" for n, text in product(range(count), sentences))
    return Session(
        class_id="benchmark",
        day=date(2025, 3, 3),
        source_key="raw/benchmark/2025-03-03/session.jsonl",
        source_sha256="0" * 64,
        format="jsonl",
        utterances=tuple(
            Utterance(
                utterance_id=f"{'0' * 12}:{line}:1",
                line_number=line,
                speaker_id=(student := f"student-{line % STUDENTS}"),
                speaker_role=SpeakerRole.STUDENT,
                student_id=student,
                timestamp=None,
                text=" ".join(
                    next(numbered) for _ in range(SENTENCES_OF_TEN_UTTERANCES[line % 10])
                ),
                raw_offset=None,
                lang="en",
                lang_conf=1.0,
            )
            for line in range(1, count + 1)
        ),
    )


if __name__ == "__main__":
    typer.run(main)
