from orf_books.activities.sound_alikes import SOUND_ALIKES, Neighbours

VOCABULARY: dict[str, list[tuple[str, ...]]] = {
    "kite": [("K", "AY", "T")],
    "kit": [("K", "IH", "T")],
    "cut": [("K", "AH", "T")],
    "right": [("R", "AY", "T")],
    "write": [("R", "AY", "T")],
    "river": [("R", "IH", "V", "ER")],
    "elephant": [("EH", "L", "AH", "F", "AH", "N", "T")],
}


def test_the_nearest_words_come_first() -> None:
    found = Neighbours(VOCABULARY).of("kite", VOCABULARY["kite"])
    assert found[0] == "kit"
    assert found[-1] == "elephant"


def test_neither_the_word_nor_one_that_sounds_the_same_is_among_them() -> None:
    assert not {"right", "write"} & set(Neighbours(VOCABULARY).of("right", VOCABULARY["right"]))


def test_there_are_no_more_than_so_many() -> None:
    many: dict[str, list[tuple[str, ...]]] = {
        f"word{number}": [("W", "ER", "D")] for number in range(30)
    }
    many |= VOCABULARY
    assert len(Neighbours(many).of("kite", VOCABULARY["kite"])) == SOUND_ALIKES


def test_a_word_with_an_unknown_sound_has_neighbours_too() -> None:
    assert Neighbours(VOCABULARY).of("kitx", [("K", "IH", "XX")])[0] == "kit"
