"""What may import what."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
PACKAGE = PROJECT / "orf_books"
DOMAINS = ("books", "pages", "activities", "transcripts")
HTTP_CLIENTS = {"httpx", "requests", "urllib.request", "http.client", "aiohttp", "boto3"}
ROOMS_FROM_THE_TOP = (
    ("cli",),
    ("commands",),
    ("serve",),
    ("sandbox",),
    ("definitions",),
    ("checks", "sensors"),
    ("queue_watch",),
    ("upload_watch",),
    ("jobs", "instance", "leases"),
    ("assets",),
    ("records",),
    ("partition_keys",),
    ("log_lines",),
    ("batches",),
    ("dagster_internals",),
    ("page_guard",),
    ("settings",),
    ("resources",),
    ("pages",),
    ("books", "activities", "transcripts"),
    ("object_keys",),
    ("bounded_json", "keys", "precision_recall", "tracing", "validation_messages"),
    ("failures",),
)
"""A room imports only from rooms further down; rooms of one line know nothing of each other."""
WITHOUT_DAGSTER = ("records", "resources", "settings", "partition_keys", "object_keys", "keys")
KNOWING_DAGSTER = {
    "orf_books.resources.dagster_resources",
    "orf_books.resources.process_resource",
}
"""The resources as Dagster hands them to assets."""
FOR_ANY_PROJECT = ("batches", "dagster_internals")
OF_RESOURCES = {
    "orf_books.resources",
    "orf_books.resources.database_failures",
    "orf_books.resources.ledger",
    "orf_books.resources.process_resource",
    "orf_books.resources.service_calls",
}
"""Where runs agree on who works on what, and resources that no run configures."""
SLOW_TO_IMPORT = {
    "polars",
    "deltalake",
    "obstore",
    "boto3",
    "botocore",
    "jinja2",
    "httpx",
    "distributed",
}


def name_of(file: Path) -> str:
    parts = file.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


@cache
def imports_of(module: str) -> frozenset[str]:
    """Every name that a module imports, wherever in it, and the packages around them."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            found.add(str(node.module))
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(package for name in found for package in _with_parents(name))


def reached_from(module: str) -> dict[str, str]:
    """What a module imports, also through modules of the project: name to the one importing it."""
    reached: dict[str, str] = {}
    waiting = [module]
    while waiting:
        importing = waiting.pop()
        for name in imports_of(importing) - reached.keys():
            reached[name] = importing
            if name in MODULES and name != module:
                waiting.append(name)
    return reached


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[: length + 1]) for length in range(len(parts)))


def _docstring_of(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""


def modules_below(package: str) -> list[str]:
    return [name for name in MODULES if f"{name}.".startswith(f"{package}.")]


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_domain_knows_neither_dagster_nor_the_network(domain: str) -> None:
    for module in modules_below(f"orf_books.{domain}"):
        reached = reached_from(module)
        unwanted = {"dagster", *HTTP_CLIENTS} & reached.keys()
        assert not unwanted, {name: f"imported by {reached[name]}" for name in unwanted}


def test_the_domains_of_books_and_pages_are_there() -> None:
    assert modules_below("orf_books.books")
    assert modules_below("orf_books.pages")


def test_only_the_command_line_knows_the_sandbox() -> None:
    sandbox = set(modules_below("orf_books.sandbox"))
    knowing = {
        module for module in MODULES.keys() - sandbox if "orf_books.sandbox" in imports_of(module)
    }
    assert knowing <= {"orf_books.cli"}


def test_only_one_folder_uses_what_dagster_does_not_publish() -> None:
    using = {
        module
        for module in MODULES
        if any(name.startswith("dagster._") for name in imports_of(module))
    }
    assert using == {
        "orf_books.dagster_internals.asset_events",
        "orf_books.dagster_internals.code_server",
        "orf_books.dagster_internals.daemon",
        "orf_books.dagster_internals.event_storage",
        "orf_books.dagster_internals.instigators",
        "orf_books.dagster_internals.log_records",
        "orf_books.dagster_internals.partition_events",
        "orf_books.dagster_internals.partition_status",
        "orf_books.dagster_internals.run_imports",
        "orf_books.dagster_internals.run_retention",
        "orf_books.dagster_internals.postgres_storage",
    }


def room_of(module: str) -> str:
    return f"{module}.".split(".")[1]


def rooms_known_to(module: str) -> set[str]:
    """The rooms of the project that a module imports from, apart from its own."""
    imported = {room_of(name) for name in imports_of(module) if name in MODULES}
    return imported - {room_of(module), ""}


def test_every_room_has_its_place() -> None:
    placed = {room for line in ROOMS_FROM_THE_TOP for room in line}
    assert {room_of(module) for module in MODULES} - {""} == placed


def test_imports_run_downwards() -> None:
    height = {room: -place for place, line in enumerate(ROOMS_FROM_THE_TOP) for room in line}
    upwards = {
        module: rooms
        for module in MODULES
        if room_of(module)
        and (
            rooms := {
                room for room in rooms_known_to(module) if height[room] >= height[room_of(module)]
            }
        )
    }
    assert upwards == {}


@pytest.mark.parametrize("room", WITHOUT_DAGSTER)
def test_what_is_stored_and_asked_does_not_need_dagster(room: str) -> None:
    modules = modules_below(f"orf_books.{room}")
    assert {name for name in modules if "dagster" in reached_from(name)} <= KNOWING_DAGSTER


@pytest.mark.parametrize("room", FOR_ANY_PROJECT)
def test_what_any_project_could_use_knows_none_of_our_domains(room: str) -> None:
    reached = {
        name
        for module in modules_below(f"orf_books.{room}")
        for name in reached_from(module).keys() & MODULES.keys()
    }
    assert {room_of(name) for name in reached} <= {
        *FOR_ANY_PROJECT,
        "resources",
        "failures",
        "page_guard",
        "tracing",
        "",
    }
    assert {name for name in reached if room_of(name) == "resources"} <= OF_RESOURCES


def test_every_module_says_what_it_is_for() -> None:
    assert [module for module, file in MODULES.items() if not _docstring_of(file)] == []


def test_the_files_that_modules_refer_to_are_there() -> None:
    gone = [
        (module, name)
        for module, file in MODULES.items()
        for name in re.findall(r"`([\w/]+\.py)`", _docstring_of(file))
        if not any((folder / name).exists() for folder in (file.parent, PACKAGE, PROJECT))
    ]
    assert gone == []


@pytest.fixture(scope="module")
def modules_of_definitions(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What is imported when the definitions are loaded, where settings and network are unusable."""
    program = """
import json, os, socket, sys

def refuse(*_):
    raise AssertionError("Loading the definitions used the network.")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from orf_books.definitions import build_defs, defs
del os.environ["ORF_BOOKS_STORAGE"]
defs()
print(json.dumps(sorted(sys.modules)))
"""
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=home,
        env={"HOME": str(home), "ORF_BOOKS_STORAGE": "gopher://nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(home.iterdir()), "nothing is written either"
    return set(json.loads(done.stdout))


def test_importing_the_definitions_neither_reads_the_environment_nor_needs_a_network(
    modules_of_definitions: set[str],
) -> None:
    assert "orf_books.definitions" in modules_of_definitions


def test_loading_the_definitions_is_quick(modules_of_definitions: set[str]) -> None:
    assert not SLOW_TO_IMPORT & modules_of_definitions
