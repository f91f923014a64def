import asyncio
from dataclasses import replace
from typing import Any

import pytest

from orf_books.activities.activity import FeatureRecord
from orf_books.activities.evidence import PagedRecording
from orf_books.activities.flagging import Strategy
from orf_books.activities.manifest import PageWindow
from orf_books.activities.phonemes import Lexicon, Pronunciation, vendor_phonemes
from orf_books.activities.recognition import Alphabet, HeardPhrase, Recognisers
from orf_books.activities.rescored_activity import PhraseAnswer, RescoredActivity, Verdict
from orf_books.activities.rescoring import rescore_activity
from orf_books.activities.story import StoryPage
from orf_books.activities.trimming import trimmed_flags
from orf_books.activities.voting import VoteRule, Votes
from orf_books.failures import (
    FailureCategory,
    FixConfiguration,
    FixInput,
    OrfBooksError,
    RetryLater,
)
from orf_books_tests.activities.goldens import cases
from orf_books_tests.activities.readings import (
    DICTIONARY,
    LEXICON,
    PHRASES,
    SOUND,
    PhraseListener,
    Transcriber,
    activity,
    feature,
    flags,
    rescored,
    spoken,
)

OUTAGE = RetryLater("It is out of order.", FailureCategory.TIMEOUT)
NO_SHARD = FixConfiguration("No tag of the story names a shard.")
FAILURES = (OUTAGE, NO_SHARD, FixInput("It cannot be read."))
ALL_READ = "the cat sat on the mat a dog ran home"
MIDDLE = "the cat sat on the hat a dog ran home"


def marks(result: RescoredActivity) -> list[str]:
    return [
        "".join("?" if word.misread is None else ".x"[word.misread] for word in phrase.words)
        for phrase in result.phrases
    ]


def strategies(result: RescoredActivity) -> list[Strategy | None]:
    return [phrase.strategy for phrase in result.phrases]


def phonemes(text: str) -> HeardPhrase:
    heard = [vendor_phonemes(LEXICON.pronunciations(word)[0]) for word in text.split()]
    return HeardPhrase(" ".join(heard), Alphabet.PHONEMES)


# All recognisers answer.


def test_a_phrase_on_which_all_agree_is_kept_and_nobody_is_asked() -> None:
    k, w = PhraseListener("k/1", OUTAGE), PhraseListener("w/1", OUTAGE)
    result = rescored(activity(".....x", "...."), MIDDLE, k, w)
    assert marks(result) == [".....x", "...."]
    assert strategies(result) == [Strategy.KEEP_ORIGINAL] * 2
    assert k.phrases == w.phrases == []
    assert result.is_rescored
    assert {word.verdict for word in result.words} == {Verdict.CORRECT, Verdict.MISREAD}


def test_a_phrase_on_which_they_disagree_is_voted_on() -> None:
    k, w = PhraseListener("k/1", "the cat sat on the mat"), PhraseListener("w/1", "a cat")
    result = rescored(activity("x.....", "...."), MIDDLE, k, w)
    phrase = result.phrases[0]
    assert marks(result) == ["....." + "x", "...."]
    assert (phrase.strategy, phrase.is_rescored) == (Strategy.RESCORE_PHRASE, True)
    assert phrase.words[0].votes == Votes(True, True, False)
    assert phrase.words[5].votes == Votes(False, True, False)
    assert [word.previously_misread for word in phrase.words] == list(flags("x....."))
    assert phrase.k == PhraseAnswer("the cat sat on the mat")
    assert phrase.w == PhraseAnswer("a cat")
    assert k.phrases == w.phrases == [0]


def test_the_rule_of_the_vote_can_be_chosen() -> None:
    made = activity("......", "....")
    assert marks(rescored(made, MIDDLE, "", PHRASES[0]))[0] == "......"
    by_majority = rescored(made, MIDDLE, "", PHRASES[0], rule=VoteRule.MAJORITY)
    assert marks(by_majority)[0] == ".....x"
    assert by_majority.rule is VoteRule.MAJORITY


def test_phonemes_are_matched_by_sound() -> None:
    result = rescored(activity("......", "...."), MIDDLE, "", phonemes("the cat sat on the mat"))
    assert [word.votes.w for word in result.phrases[0].words] == [True] * 6
    assert marks(result)[0] == "......"
    assert result.phrases[0].w
    assert result.phrases[0].w.alphabet is Alphabet.PHONEMES


def test_a_word_that_the_lexicon_lacks_is_unknown_to_phonemes() -> None:
    phrases = ("The cat wuffled.", PHRASES[1])
    result = rescored(
        activity("..x", "....", phrases=phrases),
        "the cat wuffled a dog ran home",
        "the cat wuffled",
        phonemes("the cat"),
    )
    assert result.phrases[0].words[2].votes == Votes(True, True, None)
    assert marks(result)[0] == "..."


def test_recognisers_get_the_phrase_with_a_margin() -> None:
    k = PhraseListener("k/1", "")
    rescored(activity("......", "x..."), ALL_READ, k, "")
    assert k.phrases == [1]
    assert k.seconds == pytest.approx([3 * 0.4 + 0.3 + 2 * 0.2])


def test_words_have_the_times_at_which_they_were_said() -> None:
    result = rescored(activity("......", "...."), "the cat _ on the mat a dog ran home")
    assert [word.span for word in result.words[:4]] == [
        (0, 300),
        (400, 700),
        None,
        (1200, 1500),
    ]


def test_phrases_have_what_was_heard_in_their_place_and_when() -> None:
    first, second = rescored(activity("......", "xxxx"), "the um cat sat on the hat").phrases
    assert (first.a, first.span) == (PhraseAnswer("the um cat sat on the hat"), (0, 2700))
    assert (second.a, second.span) == (PhraseAnswer(""), None)


def test_a_draft_is_called_one() -> None:
    everyone = PhraseListener("k/1", ""), PhraseListener("w/1", "")
    recognisers = Recognisers(Transcriber(spoken(ALL_READ), is_draft=True), *everyone)
    made = activity("......", "....")
    assert asyncio.run(rescore_activity(made, SOUND, recognisers, LEXICON)).is_draft
    assert not rescored(made, ALL_READ).is_draft


def test_evidence_of_the_first_pass_is_kept() -> None:
    made = replace(
        activity("......", "...."),
        features=(FeatureRecord(0, "first", (True,) * 6, (False,) * 6, None, (0.9, 0.1) * 3),),
    )
    word = rescored(made, ALL_READ).words[1]
    assert (word.stored_k, word.stored_w, word.predicted_misread) == (True, False, True)


# Agreed cases.


class BrokenLexicon(Lexicon):
    def pronunciations(self, word: str) -> tuple[Pronunciation, ...]:
        raise ZeroDivisionError


@pytest.mark.parametrize("case", cases("rescoring_phrase"))
def test_a_phrase_is_rescored_as_agreed(case: dict[str, Any]) -> None:
    if "audio" in case:
        _nothing_was_recorded(case)
    elif "deepgram" in case:
        _three_voted(case)
    elif "expect_transcripts" in case:
        _one_failed(case)
    else:
        _an_unexpected_error_is_not_hidden()


def _nothing_was_recorded(case: dict[str, Any]) -> None:
    words = case["kaldi_match_len"]
    k, w = PhraseListener("k/1", "the"), PhraseListener("w/1", "the")
    made = activity("." * words, "....", phrases=("the " * words, PHRASES[1]))
    phrase = rescored(made, "_ a dog ran home", k, w).phrases[0]
    assert list(phrase.flags) == case["expect"]["errors"]
    assert [word.votes.k for word in phrase.words] == list(map(bool, case["expect"]["kaldi"]))
    assert [word.votes.w for word in phrase.words] == list(map(bool, case["expect"]["w2v"]))
    assert phrase.k == PhraseAnswer(case["expect"]["kaldi_transcript"])
    assert phrase.w == PhraseAnswer(case["expect"]["w2v_transcript"])
    assert not k.phrases + w.phrases


def _three_voted(case: dict[str, Any]) -> None:
    story = ["cat", "dog", "sun", "tree", "house", "bird"][: len(case["deepgram"])]

    def heard(role: str) -> str:
        return " ".join(
            word if match else "_" for word, match in zip(story, case[role], strict=True)
        )

    made = activity("." * len(story), phrases=(" ".join(story),))
    result = rescored(made, heard("deepgram"), heard("kaldi"), heard("w2v"))
    for role, name in (("a", "deepgram"), ("k", "kaldi"), ("w", "w2v")):
        assert [getattr(word.votes, role) for word in result.words] == list(map(bool, case[name]))
    assert not any(result.phrases[0].flags)


def _one_failed(case: dict[str, Any]) -> None:
    heard_by_k, heard_by_w = case["expect_transcripts"]
    k = OUTAGE if case.get("kaldi_error") else heard_by_k
    w = OUTAGE if case.get("w2v_error") else heard_by_w
    phrase = rescored(activity("x.....", "...."), ALL_READ, k, w).phrases[0]
    assert phrase.k
    assert phrase.w
    assert [phrase.k.heard, phrase.w.heard] == case["expect_transcripts"]


def _an_unexpected_error_is_not_hidden() -> None:
    made = activity("x.....", "....")
    with pytest.raises(ZeroDivisionError):
        rescored(made, ALL_READ, ZeroDivisionError(), "")
    broken = BrokenLexicon(DICTIONARY)
    with pytest.raises(ZeroDivisionError):
        rescored(made, ALL_READ, phonemes("the"), "", lexicon=broken)


@pytest.mark.parametrize("case", cases("integration_shape"))
def test_a_whole_activity_is_as_agreed(case: dict[str, Any]) -> None:
    """Of the recordings only the decisions are known, so this activity is made to lead to them."""
    decisions = case.get("strategies") or case["strategies_asserted"]
    phrases = [f"The {number} ran home." for number in range(case["phrases"])]
    # Nothing is heard of the phrases that are to be marked.
    heard = [
        phrase if decision == "rescore_phrase" else "_ _ _ _"
        for phrase, decision in zip(phrases, decisions, strict=True)
    ]
    made = activity(*["x.x"] * len(phrases), phrases=phrases)
    k = PhraseListener("k/1", "the")
    result = rescored(made, " ".join(heard), k, "ran home")
    assert strategies(result) == decisions
    assert len(k.phrases) == decisions.count("rescore_phrase")
    assert [len(phrase.flags) for phrase in result.phrases] == [4] * case["phrases"]


# A recogniser fails.


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_recogniser_is_unknown_not_wrong(failure: OrfBooksError) -> None:
    result = rescored(activity("xx....", "...."), MIDDLE, failure, "the cat sat on")
    phrase = result.phrases[0]
    assert [word.votes.k for word in phrase.words] == [None] * 6
    assert marks(result)[0] == "....." + "x"
    assert phrase.k == PhraseAnswer("", failure.category)
    assert phrase.is_rescored


def test_without_k_a_word_on_which_a_and_w_differ_stays_as_it_was() -> None:
    result = rescored(activity("x.....", "...."), MIDDLE, OUTAGE, "cat sat the mat")
    assert [word.verdict for word in result.phrases[0].words] == [
        Verdict.NOT_RESCORED,
        Verdict.CORRECT,
        Verdict.CORRECT,
        Verdict.NOT_RESCORED,
        Verdict.CORRECT,
        Verdict.CORRECT,
    ]
    assert marks(result)[0] == "x....."


@pytest.mark.parametrize("rule", VoteRule)
@pytest.mark.parametrize("heard_by_k", ["", "the cat", PHRASES[0]])
def test_without_w_no_word_gets_worse_that_w_might_have_heard(
    heard_by_k: str, rule: VoteRule
) -> None:
    result = rescored(activity("x.....", "...."), MIDDLE, heard_by_k, OUTAGE, rule=rule)
    with_w = rescored(activity("x.....", "...."), MIDDLE, heard_by_k, PHRASES[0], rule=rule)
    for word, best in zip(result.words, with_w.words, strict=True):
        became_worse = word.misread and not word.previously_misread
        assert not became_worse or best.misread


@pytest.mark.parametrize("rule", VoteRule)
def test_a_phrase_that_both_fail_stays_as_it_was_and_is_not_called_rescored(rule: VoteRule) -> None:
    made = activity("x..", "....")
    result = rescored(made, ALL_READ, OUTAGE, NO_SHARD, rule=rule)
    phrase = result.phrases[0]
    assert marks(result) == ["x..xxx", "...."]
    assert {word.verdict for word in phrase.words} == {Verdict.NOT_RESCORED}
    assert not phrase.is_rescored
    assert (phrase.strategy, result.is_rescored) == (Strategy.RESCORE_PHRASE, False)
    assert result.failures == {FailureCategory.TIMEOUT: 1, FailureCategory.UNAVAILABLE: 1}
    assert result.warnings == (
        "k/1 gave no answer to 1 of 1 phrases: timeout.",
        "w/1 gave no answer to 1 of 1 phrases: unavailable.",
    )


def test_phrases_on_which_all_agree_do_not_hide_that_nobody_answered() -> None:
    assert not rescored(activity("x.....", "...."), ALL_READ, OUTAGE, OUTAGE).is_rescored


def test_an_activity_of_which_nothing_could_be_decided_is_not_rescored() -> None:
    made = replace(activity("......", "...."), features=(feature(0, 5),))
    assert not rescored(made, ALL_READ).is_rescored


def test_one_rescored_phrase_makes_an_activity_rescored() -> None:
    k, w = PhraseListener("k/1", {0: OUTAGE, 1: "a"}), PhraseListener("w/1", {0: OUTAGE, 1: "dog"})
    result = rescored(activity("x.....", "x..."), ALL_READ, k, w)
    assert [phrase.is_rescored for phrase in result.phrases] == [False, True]
    assert result.is_rescored


@pytest.mark.parametrize("failure", FAILURES)
def test_without_a_transcript_nothing_can_be_said(failure: OrfBooksError) -> None:
    k = PhraseListener("k/1", "")
    with pytest.raises(type(failure)) as caught:
        rescored(activity("x.....", "...."), failure, k, "")
    assert caught.value is failure
    assert not k.phrases


# Input that is not as it should be.


def test_silence_is_an_answer() -> None:
    k = PhraseListener("k/1", "")
    result = rescored(activity("......", "xxxx"), "", k, "")
    assert marks(result) == ["xxxxxx", "xxxx"]
    assert strategies(result) == [Strategy.RESCORE_PHRASE, Strategy.KEEP_ORIGINAL]
    assert not k.phrases
    assert (result.trimmed.attempted_words, result.fluency.wcpm) == (0, None)
    assert result.warnings == (
        "Nothing was heard in the recording.",
        "No word was read correctly, so nobody can tell how far the child read.",
    )


def test_few_correct_words_that_nobody_heard_are_errors() -> None:
    result = rescored(activity("..xxxx", "...."), "a dog ran home")
    assert strategies(result) == [Strategy.MARK_ALL_ERRORS, Strategy.KEEP_ORIGINAL]
    assert marks(result) == ["xxxxxx", "...."]


def test_missing_flags_count_as_misread_and_are_written_back() -> None:
    result = rescored(activity("..."), "the cat sat")
    assert [phrase.flags for phrase in result.phrases] == [flags("...xxx"), flags("xxxx")]


@pytest.mark.parametrize("words", [5, 7, 0])
def test_features_of_other_words_leave_their_phrase_as_it_was(words: int) -> None:
    made = replace(activity("x.....", "x..."), features=(feature(0, words), feature(1, 4)))
    result = rescored(made, ALL_READ, "a dog ran home", "a dog")
    assert marks(result) == ["x.....", "...."]
    assert {word.verdict for word in result.phrases[0].words} == {Verdict.NOT_RESCORED}
    assert result.is_rescored
    assert result.warnings == (
        "Not rescored, because the first pass counted other words than it has: phrase 1.",
    )


def test_more_flags_than_words_leave_their_phrase_as_it_was() -> None:
    result = rescored(activity("......x", "x..."), ALL_READ, "a dog ran home", "a dog")
    assert result.phrases[0].flags == flags("......x")
    assert marks(result) == ["??????", "...."]
    assert "phrase 1." in result.warnings[0]


def test_phrases_without_features_are_left_out_with_one_warning() -> None:
    made = activity("......", "x..", phrases=(*PHRASES, "One more.", "And one."))
    result = rescored(replace(made, features=made.features[:1]), ALL_READ)
    assert [phrase.flags for phrase in result.phrases] == [flags("......"), flags("x.."), (), ()]
    assert marks(result) == ["......", "????", "??", "??"]
    assert result.warnings == (
        "Not rescored, because the first pass has no features of it: phrase 2, 3, 4.",
    )


def test_features_beyond_the_story_say_nothing() -> None:
    made = activity("......", "....")
    result = rescored(replace(made, features=(*made.features, feature(2, 3))), ALL_READ)
    assert marks(result) == ["......", "...."]


def test_without_features_there_is_a_clear_error() -> None:
    with pytest.raises(FixInput, match="no usable features"):
        rescored(replace(activity("......"), features=()), ALL_READ)


def pages(*texts: str) -> tuple[StoryPage, ...]:
    return tuple(StoryPage(number, tuple(text.split())) for number, text in enumerate(texts))


TWO_PAGES = pages("the cat sat on the mat", "a dog ran home")
WINDOWS = (PageWindow(0, 0, 2400, ()), PageWindow(1, 2400, 20_000, ()))


def test_pages_are_read_one_after_the_other() -> None:
    paged = PagedRecording(SOUND.recording, WINDOWS, TWO_PAGES)
    result = rescored(activity("......", "...."), ALL_READ, sound=paged)
    assert strategies(result) == [Strategy.KEEP_ORIGINAL] * 2
    assert result.warnings == ()


@pytest.mark.parametrize(
    "paged",
    [
        PagedRecording(SOUND.recording, WINDOWS, pages("the cat sat on the mat", "other words")),
        PagedRecording(SOUND.recording, (PageWindow(0, 0, 20_000, ()),), TWO_PAGES),
    ],
    ids=["on no page", "on a page that was not recorded"],
)
def test_a_phrase_without_a_recorded_page_stays_as_it_was(paged: PagedRecording) -> None:
    k = PhraseListener("k/1", "")
    result = rescored(activity("......", "x.."), ALL_READ, k, sound=paged)
    assert marks(result) == ["......", "x..x"]
    assert not result.phrases[1].is_rescored
    assert result.phrases[1].words[0].votes == Votes()
    assert (result.phrases[1].a, result.phrases[1].span) == (None, None)
    assert not k.phrases
    assert result.warnings == ("Not rescored, because no page with it was recorded: phrase 2.",)


def test_a_page_on_which_nothing_was_heard_was_not_read() -> None:
    paged = PagedRecording(SOUND.recording, WINDOWS, TWO_PAGES)
    result = rescored(activity("......", "...."), "the cat sat on the mat", sound=paged)
    assert marks(result) == ["......", "xxxx"]


def test_pages_of_another_story_are_refused() -> None:
    paged = PagedRecording(SOUND.recording, WINDOWS, pages("nothing", "of it"))
    with pytest.raises(FixInput, match="page"):
        rescored(activity("......", "...."), ALL_READ, sound=paged)


@pytest.mark.parametrize(("end", "told"), [(22_000, "2.0 s longer"), (19_500, "0.5 s shorter")])
def test_segments_that_do_not_add_up_are_told(end: int, told: str) -> None:
    windows = (PageWindow(0, 0, 2400, ()), PageWindow(1, 2400, end, ()))
    paged = PagedRecording(SOUND.recording, windows, TWO_PAGES)
    assert told in rescored(activity("......", "...."), ALL_READ, sound=paged).warnings[0]


def test_a_model_without_name_or_threshold_predicts_nothing() -> None:
    made = activity("......", "....")
    nameless = tuple(replace(one, model=None) for one in made.features)
    result = rescored(replace(made, features=nameless), ALL_READ)
    assert {word.predicted_misread for word in result.words} == {None}
    assert marks(result) == ["......", "...."]


def test_a_phrase_without_words_keeps_its_place() -> None:
    made = activity("......", "", "....", phrases=(PHRASES[0], "...", PHRASES[1]))
    result = rescored(made, ALL_READ)
    assert marks(result) == ["......", "", "...."]
    assert result.trimmed.errors == (flags("......"), (), flags("...."))
    assert result.warnings == ()


# What follows from the verdicts.


def test_what_is_written_back_ends_with_the_last_correct_word() -> None:
    result = rescored(activity("....xx", "xxxx"), "the cat sat on")
    assert result.trimmed == trimmed_flags([flags("....xx"), flags("xxxx")])
    assert result.fluency.attempted_words == 4
    assert result.fluency.seconds == pytest.approx(3 * 0.4 + 0.3)


def test_what_happened_besides_is_told() -> None:
    result = rescored(
        activity(".....x", "...."), "the um cat _ _ _ _ _ _ _ _ sat on the hat a dog ran home"
    )
    told = [(event.kind.value, event.word, event.heard) for event in result.events]
    assert told == [("insertion", 1, "um"), ("hesitation", 2, ""), ("substitution", 5, "hat")]
    assert result.longest_pause == pytest.approx(8 * 0.4 + 0.1)


def test_no_warning_holds_a_word_of_the_story_or_of_the_child() -> None:
    made = activity("......x", "x..", phrases=(*PHRASES, "Kangaroo."))
    result = rescored(made, "zebra " + ALL_READ, OUTAGE, NO_SHARD)
    told = " ".join(result.warnings).lower()
    assert told
    assert not {"cat", "mat", "dog", "kangaroo", "zebra"} & set(told.replace(".", "").split())
