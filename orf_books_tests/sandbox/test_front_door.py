import httpx
import pytest

from orf_books.activities.audio import Recording
from orf_books.sandbox.behaviour import DEEPGRAM_KEY, Fault, Service, Troubles
from orf_books.sandbox.server import Sandbox


def listen(sandbox: Sandbox, recording: Recording) -> httpx.Response:
    return httpx.post(
        f"{sandbox.deepgram_url}/v1/listen",
        content=recording.wav(),
        headers={"Authorization": f"Token {DEEPGRAM_KEY}"},
    )


def sound(number: int, seconds: int = 0) -> Recording:
    return Recording(bytes([number, 0]) * (16_000 * seconds or 160))


def test_one_service_can_be_in_trouble_alone(sandbox: Sandbox) -> None:
    changes = {"services": {"deepgram": {"down": True, "retry_after": 9}}}
    answer = httpx.patch(f"{sandbox.url}/sandbox/behaviour", json=changes)
    assert answer.json()["services"]["deepgram"]["down"]
    refused = listen(sandbox, sound(1))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "9")
    assert httpx.get(f"{sandbox.open_library_url}/search.json?q=dune").status_code == 200


def test_troubles_of_its_own_hold_instead_of_the_common_ones(sandbox: Sandbox) -> None:
    sandbox.behaviour.down = True
    sandbox.behaviour.services = {Service.DEEPGRAM: Troubles()}
    assert listen(sandbox, sound(1)).status_code == 200
    assert httpx.get(f"{sandbox.open_library_url}/search.json?q=dune").status_code == 503


@pytest.mark.parametrize("services", [{"deepgram": {"dwon": True}}, {"deepgrm": {"down": True}}])
def test_a_wrong_switch_of_a_service_is_refused(
    sandbox: Sandbox, services: dict[str, object]
) -> None:
    answer = httpx.patch(f"{sandbox.url}/sandbox/behaviour", json={"services": services})
    assert answer.status_code == 422


def test_a_long_recording_is_heard_out_before_it_is_refused(sandbox: Sandbox) -> None:
    sandbox.behaviour.down = True
    assert listen(sandbox, sound(1, seconds=300)).status_code == 503


def test_the_same_recording_meets_the_same_faults_whatever_else_is_sent() -> None:
    def faults(others: int) -> list[int]:
        with Sandbox() as sandbox:
            sandbox.behaviour.services = {
                Service.DEEPGRAM: Troubles(fault_rate=0.5, faults=(Fault.GATEWAY_TIMEOUT,))
            }
            for number in range(others):
                listen(sandbox, sound(10 + number))
            return [listen(sandbox, sound(1)).status_code for _ in range(12)]

    statuses = faults(others=0)
    assert set(statuses) == {200, 504}
    assert faults(others=5) == statuses
