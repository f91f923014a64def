"""An upload is overwritten, moved or deleted at the very moment when it is read.

The moment is exact: before one of the requests that a run makes to its store about the upload,
whichever the seed draws. Uploads beside it, in the same run, must not suffer; what a sensor would
request afterwards is run, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chaos.attacks.stores import store_that_fails
from chaos.counting import Attack, Tally
from chaos.faulty_proxy import FaultyProxy
from chaos.ground import Ground
from chaos.judging import judge_library
from chaos.libraries import Libraries
from orf_books.object_keys import export_key, library_data_key
from orf_books_tests.conftest import Platform

BYSTANDERS = 1
REQUESTS_ABOUT_AN_UPLOAD = 2
"""Which a run makes as it reads one: what it is, and what it holds."""


@dataclass
class _Victim:
    """The upload in question, and what becomes of it."""

    platform: Platform
    libraries: Libraries
    library: str

    def is_overwritten(self) -> None:
        """Another export takes its place."""
        other, export = self.libraries.draw()
        self.platform.put(self.library, export)
        self.libraries.numbers[self.library] = self.libraries.numbers.pop(other)

    def is_moved(self) -> None:
        """It goes to the folder of another library."""
        moved = f"{self.library}-moved"
        storage = self.platform.storage
        storage.copy(export_key(self.library), export_key(moved))
        self.libraries.numbers[moved] = self.libraries.numbers[self.library]
        self.is_deleted()

    def is_deleted(self) -> None:
        """It is gone; its library may be there, whole, if it had been read."""
        self.platform.storage.delete(export_key(self.library))
        del self.libraries.numbers[self.library]


FATES: tuple[Callable[[_Victim], None], ...] = (
    _Victim.is_overwritten,
    _Victim.is_moved,
    _Victim.is_deleted,
)


def uploads_in_motion(ground: Ground, tally: Tally, tries: int) -> None:
    """Let each fate befall an upload of each run; a try is a fate."""
    with store_that_fails(ground) as (store, known):
        for number in ground.tries(tally, tries // len(FATES)):
            with ground.platform(str(number), **known(str(number))) as platform:
                _read_while_they_move(ground, tally, platform, store)
            tally.tries += len(FATES) - 1


def _read_while_they_move(
    ground: Ground, tally: Tally, platform: Platform, store: FaultyProxy
) -> None:
    libraries = ground.libraries()
    drawn = [libraries.draw() for _ in range(len(FATES) + BYSTANDERS)]
    for library, export in drawn:
        platform.put(library, export)
    before = dict(libraries.numbers)
    uploads = [platform.upload_config(export_key(library)) for library, _ in drawn]
    moments = []
    for fate, (library, _) in zip(FATES, drawn, strict=False):
        moment = ground.random.randint(1, REQUESTS_ABOUT_AN_UPLOAD)
        store.at(export_key(library), moment, partial(fate, _Victim(platform, libraries, library)))
        moments.append(f"{library} {fate.__name__} before request {moment}")
    with tally.about("; ".join(moments)):
        platform.run(library_entries={"uploads": uploads})
        tally.check(holds=not store.awaited, wrong=f"nobody asked for {store.awaited}")
        for library, _ in drawn[len(FATES) :]:
            judge_library(tally, ground.calm_day, platform.storage, library, before[library])
        platform.run(library_entries={"uploads": []})
        libraries.judge(tally, platform.storage)
        for library in before.keys() - libraries.numbers.keys():
            if platform.storage.exists(library_data_key(library)):
                judge_library(tally, ground.calm_day, platform.storage, library, before[library])


ATTACKS = (
    Attack(
        "upload overwritten, moved, deleted while it is read",
        uploads_in_motion,
        tries=15,
        short_tries=3,
        share=2,
    ),
)
