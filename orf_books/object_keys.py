"""Object keys of the store that people and other programs know.

Belongs here: making and reading these keys. Does not belong here: what lies under them, and
partition keys (`orf_books/partition_keys.py`).
"""

import re
from datetime import date
from pathlib import PurePosixPath

from orf_books.keys import safe_key, text_of_key

EXPORTS = "uploads/"
DASHBOARDS = "data/"
ACTIVITIES = "activities/"
STORIES = "stories/"
RAW = "raw/"
NORMALIZED, SCORES, AGGREGATES = "normalized", "scores", "aggregates"
CORRECTIONS = "corrections"
USUAL_RATES = "usual/rates.json"
CLASS_PAGES = "data/classes/"
CLASSES_PAGE = "classes.html"
ACTIVITIES_PAGE = "activities.html"
LIBRARIES_PAGE = "dashboard.html"
OVERVIEW_PAGE = "overview.html"
_PRIVATE_FOLDERS = (
    *(RAW, ACTIVITIES, "rejected/", "damaged/", CLASS_PAGES, f"data/{ACTIVITIES}", "tables/"),
    *(f"{stage}/" for stage in (NORMALIZED, SCORES, AGGREGATES, CORRECTIONS)),
)
_METADATA = ".metadata.json"
_HALF_DONE = re.compile(r"(^|/)[.~]|\.(tmp|part|partial|crdownload)$|~$", re.IGNORECASE)


def is_private(key: str) -> bool:
    """Whether an object or folder is about children or all readers: only its owner may read it."""
    return key.startswith(_PRIVATE_FOLDERS) or key in {ACTIVITIES_PAGE, CLASSES_PAGE, OVERVIEW_PAGE}


def library_name(text: str) -> str:
    """A library's name as it stands in keys: one segment, odd characters percent-encoded.

    A name that is encoded already stays as it is, so people may use the one that reports print.

    Raises:
        FixInput: the text cannot name a library.
    """
    return safe_key(text_of_key(text.strip())).replace("/", "%2F")


def library_of_export(key: str) -> str:
    """The library that an upload belongs to: its folder, or for a bare file its name.

    Raises:
        FixInput: the folder or file cannot name a library.
    """
    path = PurePosixPath(key.removeprefix(EXPORTS))
    return library_name(path.parts[0] if len(path.parts) > 1 else path.stem)


def is_export(key: str) -> bool:
    """Whether an object is meant as an upload: below `uploads/`, not hidden, not half written."""
    return key.startswith(EXPORTS) and not _HALF_DONE.search(key.removeprefix(EXPORTS))


def export_key(library: str) -> str:
    """Where the command line puts a library's export."""
    return f"{EXPORTS}{library}/raw.csv"


def export_copy_key(library: str, name: str) -> str:
    """A hidden copy of an export, which no sensor sees, for the one run that reads it."""
    return f"{EXPORTS}{library}/.{name}.csv"


def upload_note_key(library: str) -> str:
    """What is noted of an upload over HTTP; hidden, so that no sensor takes it for an export."""
    return f"{EXPORTS}{library}/.upload.json"


def library_data_key(library: str) -> str:
    """The dashboard JSON of a library."""
    return f"{DASHBOARDS}{library}.json"


def library_page_key(library: str) -> str:
    """The dashboard page of a library."""
    return f"{DASHBOARDS}{library}.html"


def rejected_export_key(upload: str) -> str:
    """Where a refused upload is copied to."""
    return f"rejected/{upload.removeprefix(EXPORTS)}"


def export_refusal_key(upload: str) -> str:
    """Why an upload was refused, beside its copy."""
    return f"{rejected_export_key(upload)}.error.json"


def activity_folder(activity_id: str) -> str:
    """Where an activity's recording lies, by its id.

    Raises:
        FixInput: the id cannot name a folder.
    """
    return f"{ACTIVITIES}{safe_key(activity_id).replace('/', '%2F')}/"


def activity_refusal_key(activity_id: str) -> str:
    """Why an activity cannot be rescored until somebody changes its upload."""
    return f"rejected/{activity_folder(activity_id).removesuffix('/')}.error.json"


def activity_of_folder(key: str) -> str | None:
    """The activity whose folder an object lies in; None for objects that lie in none."""
    folder, _, rest = key.removeprefix(ACTIVITIES).partition("/")
    return text_of_key(folder) if rest and not _HALF_DONE.search(rest) else None


def is_activity_list(key: str) -> bool:
    """Whether an object is a list of activities: a CSV directly below `activities/`."""
    name = key.removeprefix(ACTIVITIES)
    is_csv = name.lower().endswith(".csv") and "/" not in name
    return key.startswith(ACTIVITIES) and is_csv and not _HALF_DONE.search(name)


def story_page_pattern(story_id: str) -> str:
    """What the keys of a story's page files look like, as a regular expression.

    Its only group is the page's number, from 1.
    """
    return rf"{STORIES}{re.escape(story_id)}_(\d+)_page\.txt"


def activity_page_key(activity_id: str) -> str:
    """The specialist's report of an activity."""
    return f"data/{activity_folder(activity_id).removesuffix('/')}.html"


def activity_data_key(activity_id: str) -> str:
    """The result of an activity, as JSON."""
    return f"data/{activity_folder(activity_id).removesuffix('/')}.json"


def progress_page_key(student_id: str) -> str:
    """The specialist's page of a student's readings."""
    return f"data/{ACTIVITIES}students/{_segment(student_id)}.html"


def class_folder(class_id: str) -> str:
    """Where the raw files of a class lie, below a folder for each day.

    Raises:
        FixInput: the class cannot name a folder.
    """
    return f"{RAW}{_segment(class_id)}/"


def roster_key(class_id: str) -> str:
    """Who belongs to a class."""
    return f"{class_folder(class_id)}roster.json"


def is_roster(key: str) -> bool:
    """Whether an object is the roster of a class."""
    return bool(re.fullmatch(rf"{RAW}[^/]+/roster\.json", key))


def session_metadata_key(raw_file: str) -> str:
    """What is declared of a raw file; it need not be there."""
    return f"{raw_file}{_METADATA}"


def is_session(key: str) -> bool:
    """Whether an object is meant as the raw file of a session, be its key right or wrong."""
    is_other = is_roster(key) or key.endswith(_METADATA)
    return key.startswith(RAW) and not is_other and not _HALF_DONE.search(key.removeprefix(RAW))


def session_output_key(stage: str, class_id: str, day: date, job_id: str) -> str:
    """What a stage made of a session, `NORMALIZED`, `SCORES` or `AGGREGATES`; or `CORRECTIONS`."""
    extension = "jsonl" if stage == NORMALIZED else "json"
    return f"{session_outputs_folder(stage, class_id)}{day.isoformat()}/{job_id}.{extension}"


def session_outputs_folder(stage: str, class_id: str) -> str:
    """Where a stage's objects of a class lie."""
    return f"{stage}/{_segment(class_id)}/"


def class_tallies_folder() -> str:
    """Where it lies what each class adds to what is usual."""
    return "usual/classes/"


def class_tally_key(class_id: str) -> str:
    """What a class adds to what is usual."""
    return f"{class_tallies_folder()}{_segment(class_id)}.json"


def session_refusal_key(session: str) -> str:
    """Why the raw file of a session was refused, by the session's partition key."""
    return f"rejected/{session}.error.json"


def rejected_sessions_folder(class_id: str) -> str:
    """Where it says why raw files of a class were refused."""
    return f"rejected/{_segment(class_id)}/"


def class_page_key(class_id: str) -> str:
    """The educators' page of a class."""
    return f"{CLASS_PAGES}{_segment(class_id)}.html"


def student_pages_folder(class_id: str) -> str:
    """Where the pages of a class's students lie."""
    return class_page_key(class_id).removesuffix(".html") + "/"


def student_page_key(class_id: str, student_id: str) -> str:
    """The educators' page of a student of a class."""
    return f"{student_pages_folder(class_id)}{_segment(student_id)}.html"


def _segment(text: str) -> str:
    return safe_key(text).replace("/", "%2F")
