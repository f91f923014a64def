import pytest

from orf_books.failures import FixConfiguration
from orf_books.serve.limits import MOST_ADDRESSES, UploadRate
from orf_books.settings import load_settings


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_each_address_may_send_so_many_uploads_and_then_one_at_a_time() -> None:
    clock = Clock()
    rate = UploadRate(6, clock)
    assert [rate.take("a") for _ in range(7)] == [0, 0, 0, 0, 0, 0, 10.0]
    assert rate.take("b") == 0
    clock.seconds = 9.0
    assert rate.take("a") == pytest.approx(1.0)
    clock.seconds = 10.0
    assert [rate.take("a"), rate.take("a")] == [0, 10.0]


def test_uploads_that_were_not_sent_are_not_saved_up() -> None:
    clock = Clock()
    rate = UploadRate(2, clock)
    rate.take("a")
    clock.seconds = 3600.0
    assert [rate.take("a") > 0 for _ in range(3)] == [False, False, True]


def test_addresses_are_forgotten_where_there_are_too_many() -> None:
    rate = UploadRate(1, Clock())
    assert [rate.take("a"), rate.take("a")] == [0, 60.0]
    for number in range(MOST_ADDRESSES):
        rate.take(str(number))
    assert rate.take("a") == 0


@pytest.mark.parametrize("origins", ["localhost:8000", "http://a/path", "*", "ftp://a", ""])
def test_a_wrong_origin_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, origins: str
) -> None:
    monkeypatch.setenv("ORF_BOOKS_SERVE_ORIGINS", f"http://localhost:8000,{origins}")
    with pytest.raises(FixConfiguration, match="ORF_BOOKS_SERVE_ORIGINS"):
        load_settings()
