"""Many uploads at once: 50, and 200, put into the store of a running platform.

Every one must have its dashboard, as on a calm day, and nobody may have to do anything.
"""

from chaos.counting import Attack, Tally
from chaos.ground import Ground
from chaos.live import live, settle

FIRST_CROWD = 50


def crowds(ground: Ground, tally: Tally, tries: int) -> None:
    """Put 50 uploads at once, then the rest."""
    with live(ground, ground.command("crowd"), ground.libraries()) as running:
        for crowd in (FIRST_CROWD, tries - FIRST_CROWD):
            for _ in range(crowd):
                running.upload()
                tally.tries += 1
            running.wait_until_quiet()
            tally.check(
                holds=all(run["status"] == "SUCCESS" for run in running.runs()),
                wrong=f"a run over the crowd of {crowd} failed",
            )
        settle(running, tally)


def crowd_without_daemon(ground: Ground, tally: Tally, tries: int) -> None:
    """One run over all uploads that lie there, as the page's *Materialize* starts it."""
    libraries = ground.libraries()
    with ground.platform("crowd") as platform:
        for _ in range(tries):
            platform.put(*libraries.draw())
            tally.tries += 1
        done = platform.run(library_entries={"uploads": []})
        tally.check(holds=done.success, wrong="the run failed")
        libraries.judge(tally, platform.storage)


ATTACKS = (
    Attack("50, then 200 uploads at once", crowds, tries=250, share=3),
    Attack("many uploads in one run", crowd_without_daemon, tries=200, short_tries=50, share=0.3),
)
