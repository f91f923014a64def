"""What a literacy specialist reads in the report of an activity, in every state it may have."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from orf_books.activities.activity import Activity
from orf_books.activities.agreement import judge
from orf_books.activities.calibration import Interval
from orf_books.activities.fluency import EventKind, Fluency, ReadingEvent
from orf_books.activities.norms import Season
from orf_books.activities.phonemes import vendor_phonemes
from orf_books.activities.recognition import Alphabet, HeardPhrase, WordEvidence
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.activities.sound_quality import NotScored
from orf_books.activities.story import PagePhrases
from orf_books.activities.voting import VoteRule
from orf_books.activities.word_corrections import WordCorrection
from orf_books.failures import FailureCategory, RetryLater
from orf_books.pages.activity_page import ActivityReport, render_activity_page
from orf_books_tests.activities.counted_readings import ADA, correction
from orf_books_tests.activities.counted_readings import STORY as COUNTED_STORY
from orf_books_tests.activities.counted_readings import rescored as counted
from orf_books_tests.activities.readings import (
    LEXICON,
    PHRASES,
    PhraseListener,
    activity,
    flags,
    rescored,
)
from orf_books_tests.pages.html_page import Page

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
ALL_READ = "the cat sat on the mat a dog ran home"
OUTAGE = RetryLater("It is out of order.", FailureCategory.TIMEOUT)
QUOTA = RetryLater("It is used up.", FailureCategory.QUOTA_EXHAUSTED)
ATTACK = "<script>alert(1)</script>"

STORY = (*PHRASES, "It was very late.", "Then it slept.", "Nobody saw the cat.", "The end.")
LIVELY = "the kit sat _ on the on the mat um a log dog ran _ _ _ _ _ _ _ _ it was very late nobody"


def report(
    result: RescoredActivity | None = None, made: Activity | None = None, **changes: object
) -> ActivityReport:
    """A report; without anything said one of a reading without faults."""
    made = made or activity("......", "....")
    whole = ActivityReport(result or rescored(made, ALL_READ), made, NOW)
    return replace(whole, **changes)  # type: ignore[arg-type]


def page(
    result: RescoredActivity | None = None, made: Activity | None = None, **changes: object
) -> Page:
    return Page(render_activity_page(report(result, made, **changes)))


def lively(**changes: object) -> ActivityReport:
    """A reading in which everything happens: K fails once, K and W fail once."""
    made = activity("......", "...x", "xxxx", "..x", "....", "..", phrases=STORY)
    made = replace(made, features=tuple(one for one in made.features if one.phrase != 3))
    k = PhraseListener("k/1", {0: OUTAGE, 1: "a dog ran", 2: OUTAGE, 4: "nobody", 5: ""})
    w = PhraseListener("w/1", {0: "the sat on the", 1: "a dog ran", 2: QUOTA, 4: "nobody", 5: ""})
    return report(rescored(made, LIVELY, k, w), made, **changes)


@pytest.fixture(scope="module")
def shown() -> Page:
    pages = (PagePhrases(0, (0, 1)), PagePhrases(2, (2, 3)))
    return Page(render_activity_page(lively(pages=pages, recording_address="complete.wav")))


def other_buttons(found: Page) -> list[dict[str, str | None]]:
    """All but those of the review."""
    return [one for one in found.all("button") if not one.keys() & {"data-act", "data-download"}]


def levels(found: Page) -> list[int]:
    return [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]


# The page as such.


def test_every_element_is_closed(shown: Page) -> None:
    assert shown.open == []
    assert page().open == []


def test_headings_are_in_order(shown: Page) -> None:
    for found in (levels(shown), levels(page())):
        assert found[0] == 1
        assert found.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(found))


def test_links_within_the_page_lead_somewhere(shown: Page) -> None:
    names = [found["id"] for _, found in shown.elements if "id" in found]
    assert len(names) == len(set(names))
    targets = {str(link["href"])[1:] for link in shown.all("a") if str(link["href"])[0] == "#"}
    assert {"story", "phrase-1"} <= targets <= set(names)
    labelled_by = {found.get("aria-labelledby") for found in shown.all("section")}
    assert labelled_by <= set(names)


def test_links_lead_to_all_activities_and_to_the_data_beside_the_page() -> None:
    made = replace(activity("......", "...."), activity_id="a b/c?")
    found = page(rescored(made, ALL_READ), made)
    assert found.all("a", href="../../activities.html")
    assert found.all("a", href="a%2520b%252Fc%253F.json")


def test_what_comes_from_outside_is_text() -> None:
    made = activity("x.....", "....", phrases=(f"The {ATTACK} sat on the mat.", PHRASES[1]))
    made = replace(made, activity_id=ATTACK, story_id=f'"{ATTACK}')
    heard = "the <b>kit sat on <i>the mat a dog ran home"
    result = rescored(made, heard, ATTACK, HeardPhrase(f"<b>{ATTACK}", Alphabet.PHONEMES))
    result = replace(
        result,
        warnings=(ATTACK,),
        phrases=tuple(replace(phrase, reason=ATTACK) for phrase in result.phrases),
    )
    for address in (None, 'x" onerror="alert(1)', "x'onerror='alert(1)"):
        found = page(result, made, recording_address=address)
        assert len(found.inside("script")) == 1
        assert "alert" not in found.inside("script")[0]
        assert not found.all("img")
        assert not any(
            name.startswith("on") or name == "autofocus"
            for _, attributes in found.elements
            for name in attributes
        )
        assert found.text.count(ATTACK) >= 5
        assert found.open == []


def test_the_policy_allows_exactly_the_inline_style_and_script(shown: Page) -> None:
    for found, sound in ((shown, "media-src 'self' https:;"), (page(), "media-src 'none';")):
        (policy,) = found.all("meta", **{"http-equiv": "Content-Security-Policy"})
        content = policy["content"] or ""
        for tag in ("style", "script"):
            digest = hashlib.sha256("".join(found.inside(tag)).encode()).digest()
            assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in content
        assert "default-src 'none'" in content
        assert sound in content
        assert "unsafe" not in content


def test_nothing_is_loaded_from_elsewhere() -> None:
    html = render_activity_page(lively())
    assert not re.findall(r"https?://", html)
    assert not re.findall(r"\b(?:src|poster|background)=", html)


def test_without_a_script_the_page_is_complete(shown: Page) -> None:
    assert all("hidden" in found for found in (*shown.all("form"), *other_buttons(shown)))
    assert "The recording cannot be loaded." not in shown.spoken
    assert len(shown.all("details")) >= len(STORY)


# The recording.


def test_the_recording_has_controls_and_waits(shown: Page) -> None:
    (audio,) = shown.all("audio")
    assert audio["src"] == "complete.wav"
    assert "controls" in audio
    assert "autoplay" not in audio
    assert audio["aria-label"]


def test_phrases_that_were_heard_can_be_played_with_a_margin(shown: Page) -> None:
    buttons = shown.all("button", **{"class": "play"})
    labels = [button["aria-label"] for button in buttons]
    assert labels == ["Play phrase 1", "Play phrase 2", "Play phrase 3", "Play phrase 5"]
    assert (buttons[0]["data-from"], buttons[0]["data-until"]) == ("0.0", "3.7")


def test_without_an_address_there_is_no_player() -> None:
    found = Page(render_activity_page(lively()))
    assert not found.all("audio") + other_buttons(found)


@pytest.mark.parametrize(
    ("address", "is_played"),
    [
        ("https://example.org/a.wav?X-Signature=1", True),
        ("../activities/a%20b/complete.wav", True),
        ("http://example.org/a.wav", False),
        ("//example.org/a.wav", False),
        ("javascript:alert(1)", False),
        ("data:audio/wav,", False),
        ("", False),
    ],
)
def test_only_secure_and_relative_addresses_are_played(address: str, is_played: bool) -> None:
    assert bool(page(recording_address=address).all("audio")) is is_played


# The story.


def test_the_story_is_as_it_was_printed() -> None:
    made = activity("......", "....", phrases=("— The cat, “sat” on … the mat!", PHRASES[1]))
    found = page(rescored(made, ALL_READ), made)
    assert "— The cat, “sat” on … the mat! ‖" not in found.text
    assert "— The cat, “sat” on … the mat!" in found.text


def test_words_that_do_not_fit_the_text_are_shown_as_they_were_compared() -> None:
    made = replace(activity("......", "...."), phrases=("Another text.", PHRASES[1]))
    assert "the cat sat on the mat" in page(rescored(activity("......"), ALL_READ), made).text


def test_an_activity_of_another_story_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        page(lively().rescored)


def test_phrases_are_on_their_pages(shown: Page) -> None:
    assert shown.inside("h3") == ["Page 1", "Page 3", "On no page"]
    assert [item["value"] for item in shown.all("li") if "value" in item] == list("123456")


def test_without_pages_there_are_no_page_headings() -> None:
    assert page().inside("h3") == []


def test_a_misread_word_says_what_was_heard(shown: Page) -> None:
    assert "The cat (misread as kit; before: correct) sat" in shown.spoken
    assert "kit" in shown.inside("rt")


def test_an_omitted_word_says_so() -> None:
    made = activity(".x....", "....")
    found = page(rescored(made, "the _ sat on the mat a dog ran home"), made)
    assert "The cat (left out) sat" in found.spoken
    assert found.inside("rt").count("—") == 2  # also in the legend


def test_a_word_is_not_omitted_where_nothing_can_have_been_heard() -> None:
    made = activity("..x...", "....")
    result = rescored(made, "the cat _ on the mat a dog ran home")
    unheard = replace(result, phrases=(replace(result.phrases[0], a=None), result.phrases[1]))
    assert "sat (left out) on" in page(result, made).spoken
    spoken = page(unheard, made).spoken
    assert "sat (misread) on" in spoken
    assert "Omissions 0 words Of unknown kind 1 word" in spoken


def test_what_is_no_error_is_marked_and_listed_apart(shown: Page) -> None:
    assert "(Repetition: on the ) mat." in shown.spoken
    assert "(Insertion: um ) A" in shown.spoken
    assert "(Self-correction: log ) dog" in shown.spoken
    assert "(Hesitation ) It" in shown.spoken
    for line in (
        "Repetitions 1 time",
        "Self-corrections 1 time",
        "Insertions 1 time",
        "Hesitations 1 time",
        "Repetition: “ on the ” before mat , phrase 1",
        "Hesitation before it , phrase 3",
    ):
        assert line in shown.spoken


def test_words_after_the_last_attempted_one_are_not_attempted(shown: Page) -> None:
    assert "Nobody (before: correct) (last word attempted) saw the cat." not in shown.spoken
    assert "Nobody (last word attempted) saw (before: correct) the" in shown.spoken
    assert "The (before: correct) end. (before: correct) Not attempted" in shown.spoken


def test_nobody_is_said_to_have_stopped_where_no_word_was_read() -> None:
    made = activity("xxxxxx", "xxxx")
    found = page(rescored(made, ""), made)
    assert "(last word attempted)" not in found.spoken
    assert "Not attempted" not in found.spoken
    assert "nobody can tell how far the child read" in found.spoken
    assert "Words attempted unknown of 10 Misread unknown" in found.spoken


def test_a_phrase_that_was_not_rescored_says_why(shown: Page) -> None:
    assert "late. (misread) Not rescored" in shown.spoken
    assert "Not rescored, since neither K nor W answered" in shown.spoken
    assert "the first pass has no features of it" in shown.spoken


def test_a_word_that_was_not_rescored_unlike_its_phrase_says_so(shown: Page) -> None:
    assert "mat. (not rescored) Partly rescored" in shown.spoken


def test_a_word_without_any_verdict_says_so() -> None:
    made = activity("......x", "....")
    found = page(rescored(made, ALL_READ), made)
    assert "The (no verdict) cat (no verdict)" in found.spoken
    assert "none not rescored" in found.spoken


def test_a_phrase_without_words_keeps_its_place() -> None:
    made = activity("......", "", "....", phrases=(PHRASES[0], "* * *", PHRASES[1]))
    found = page(rescored(made, ALL_READ), made)
    assert "* * * No words" in found.spoken
    assert len(found.all("table")) == 2


def test_changed_verdicts_are_shown_before_and_after(shown: Page) -> None:
    assert "was ✓" in shown.inside("small")
    assert "cat phrase 1 correct misread no unknown no" in shown.spoken
    assert "No verdict changed." in page().spoken


# The evidence.


def test_evidence_says_when_and_why(shown: Page) -> None:
    assert "Time 0:00.0 to 0:03.5" in shown.spoken
    assert "Time Unknown: nothing of it was heard." in shown.spoken
    assert "Decision Voted on Reason Deepgram disagrees with EDM" in shown.spoken


def test_all_that_recognisers_heard_is_quoted(shown: Page) -> None:
    assert "A heard “ the kit sat on the on the mat ”" in shown.spoken
    assert "W heard “ the sat on the ”" in shown.spoken


def test_a_failed_recogniser_is_never_silence(shown: Page) -> None:
    assert "K heard No answer: timeout. Unknown, which makes no word wrong." in shown.spoken
    assert "W heard No answer: quota exhausted." in shown.spoken
    assert "W heard Nothing." not in shown.spoken


def test_silence_and_no_question_are_told_apart() -> None:
    made = activity("x.....", "....")
    found = page(rescored(made, ALL_READ, "", "the"), made)
    assert "K heard Nothing. W heard “ the ”" in found.spoken
    assert "K heard It was not asked. W heard It was not asked." in found.spoken
    silent = rescored(made, "")
    assert "A heard Nothing." in page(silent, made).spoken
    unheard = replace(silent, phrases=tuple(replace(one, a=None) for one in silent.phrases))
    assert "A heard Unknown: no page with it was recorded." in page(unheard, made).spoken


def test_phonemes_are_called_phonemes() -> None:
    made = activity("x.....", "....")
    sounds = vendor_phonemes(LEXICON.pronunciations("cat")[0])
    result = rescored(made, ALL_READ, "", HeardPhrase(sounds, Alphabet.PHONEMES))
    assert f"Phonemes, in the vendor's alphabet: {sounds}" in page(result, made).spoken


def test_every_vote_is_in_a_table_with_headers(shown: Page) -> None:
    assert all(heading.get("scope") for heading in shown.all("th"))
    assert len(shown.all("caption")) == len(shown.all("table")) == len(STORY) + 1
    assert len(shown.all("th", scope="row")) >= sum(len(text.split()) for text in STORY)
    assert "cat no unknown no" in shown.spoken
    regions = shown.all("div", role="region")
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (VoteRule.REFERENCE, "if W heard it, or both A and K did."),
        (VoteRule.MAJORITY, "if two of the three heard it."),
        (VoteRule.CALIBRATED, "if what all three heard makes that probable enough."),
    ],
)
def test_the_rule_of_the_vote_is_told(rule: VoteRule, words: str) -> None:
    assert words in page(rescored(activity("......", "...."), ALL_READ, rule=rule)).spoken


def test_all_words_marked_as_misread_says_so() -> None:
    made = activity("..xxxx", "....")
    assert "Evidence for phrase 1 : all words marked as misread, 2 verdicts changed" in (
        page(rescored(made, "a dog ran home"), made).spoken
    )


# The summary.


def test_figures_are_of_the_attempted_words(shown: Page) -> None:
    assert (
        "Words correct per minute 61.7 Accuracy: attempted words read correctly 61.1% "
        "Words attempted 18 of 23 Misread 7 Verdicts changed 6 Longest pause 3.3 s"
    ) in shown.spoken


def test_it_is_said_how_minutes_were_counted(shown: Page) -> None:
    spoken = page().spoken
    assert "10 correct words in 3.9 seconds. Minutes are counted from the onset" in spoken
    assert "153.8 words were attempted and 0.0 misread" in spoken
    assert "words of the story were not rescored and count as in the first pass" in shown.spoken


def test_rates_that_cannot_be_known_are_unknown() -> None:
    result = replace(
        rescored(activity("......", "...."), ALL_READ),
        fluency=Fluency(10, 10, None),
        longest_pause=None,
    )
    found = page(result)
    assert "Words correct per minute unknown" in found.spoken
    assert "Longest pause unknown" in found.spoken
    assert "it is not known when the attempted words were read" in found.spoken


def test_errors_are_counted_by_type(shown: Page) -> None:
    assert "Substitutions 1 word Omissions 2 words Of unknown kind 4 words" in shown.spoken
    assert "cat misread as kit, phrase 1" in shown.spoken


def at_speed(wcpm: float) -> RescoredActivity:
    """As many words correct per minute."""
    result = rescored(activity("......", "...."), ALL_READ)
    return replace(result, fluency=Fluency(10, 10, 600 / wcpm))


@pytest.mark.parametrize(
    ("grade", "season", "wcpm", "words"),
    [
        (2, Season.WINTER, 70.0, "At or above the 25th percentile of grade 2 in winter."),
        (2, Season.WINTER, 70.0, "Fluency support: suggested."),
        (2, Season.WINTER, 74.5, "Fluency support: not suggested."),
        (2, Season.WINTER, 20.0, "Below the lowest percentile listed of grade 2 in winter."),
        (2, Season.WINTER, 70.0, "50th percentile 84 words This reading 70.0 words"),
        (1, Season.FALL, 70.0, "No norm is published for grade 1 in fall."),
        (9, Season.FALL, 70.0, "No norm is published for grade 9 in fall."),
        (None, Season.FALL, 70.0, "does not say both grade and season"),
        (2, None, 70.0, "does not say both grade and season"),
    ],
)
def test_the_norm_is_beside_the_rate(
    grade: int | None, season: Season | None, wcpm: float, words: str
) -> None:
    made = replace(activity("......", "...."), grade=grade, season=season)
    assert words in page(at_speed(wcpm), made).spoken


def test_without_a_rate_there_is_no_comparison() -> None:
    made = replace(activity("xxxxxx", "xxxx"), grade=2, season=Season.WINTER)
    assert "so they cannot be compared" in page(rescored(made, ""), made).spoken


def test_agreement_with_previous_flags_is_called_that(shown: Page) -> None:
    spoken = page().spoken
    assert "Agreement with previous flags" in spoken
    assert "Verdicts equal to the flags of the first pass 100.0%" in spoken
    assert "This tells how much is the same, not what is right." in spoken
    assert "precision" not in spoken
    assert "nobody knows how many verdicts are right" in spoken


def test_agreement_that_is_not_known_is_unknown() -> None:
    result = rescored(activity("......x", "....x"), ALL_READ)
    found = page(result)
    assert "Verdicts equal to the flags of the first pass unknown" in found.spoken
    assert "0 words had a flag, 10 had none." in found.spoken


def test_with_labels_verdicts_are_judged() -> None:
    made = activity("x.....", "....")
    result = rescored(made, "the cat sat on the hat a dog ran home", "the cat", "")
    found = page(result, made, judged=judge(result, [flags(".....x"), flags("x...")]))
    for line in (
        "Words called misread that are (precision) 25.0%",
        "Misread words that were found (recall) 50.0%",
        "Right verdicts (accuracy) 60.0%",
        "Misread 1 3 Correct 1 5",
    ):
        assert line in found.spoken
    assert "No person has labelled" not in found.spoken


def test_labelled_words_without_a_verdict_are_told() -> None:
    made = activity("......x", "....")
    result = rescored(made, ALL_READ)
    found = page(result, made, judged=judge(result, [flags("......"), flags("....")]))
    assert "6 labelled words without any verdict are in none of these." in found.spoken


# What to know before it is used.


def test_a_draft_is_called_one_and_says_why() -> None:
    result = rescored(activity("......", "...."), ALL_READ)
    spoken = page(replace(result, is_draft=True)).spoken
    assert "Draft, needs review." in spoken
    assert "Recognisers on this machine listened" in spoken
    assert "None of them was made for children" in spoken
    assert "Draft" not in page(result).spoken


def test_an_activity_that_was_not_rescored_says_so() -> None:
    made = activity("x.....", "....")
    spoken = page(rescored(made, ALL_READ, OUTAGE, OUTAGE), made).spoken
    assert "Not rescored. Recognisers gave no answer to any phrase" in spoken
    assert "Worked on 22 Nov 2026, 14:05 UTC" in spoken


def test_warnings_are_told(shown: Page) -> None:
    assert "Not rescored, because the first pass has no features of it: phrase 4." in shown.spoken
    assert "No warnings." in page().spoken


def test_grade_and_season_are_told_or_unknown() -> None:
    assert "Grade unknown, season unknown." in page().spoken
    made = replace(activity("......", "...."), grade=3, season=Season.SPRING)
    assert "Grade 3, spring." in page(made=made).spoken


def test_a_story_is_named_by_its_beginning() -> None:
    assert page().inside("h1") == ["“The cat sat on the mat.”"]
    made = activity("", "......", phrases=(" ", PHRASES[0]))
    assert page(rescored(made, ALL_READ), made).inside("h1") == ["Story without text"]


# What is not sure.


def test_a_doubtful_verdict_is_marked_and_its_probability_is_told() -> None:
    result = rescored(activity("......", "...."), ALL_READ)
    first, *others = result.phrases
    words = (replace(first.words[0], probability=0.35), *first.words[1:])
    found = page(replace(result, phrases=(replace(first, words=words), *others)))
    assert "Doubtful verdicts 1" in found.spoken
    assert "The (doubtful)" in found.spoken
    assert "35.0%" in found.spoken


def test_what_could_not_be_scored_is_no_error_and_says_why() -> None:
    result = rescored(activity("......", "...."), ALL_READ)
    first, *others = result.phrases
    words = tuple(
        replace(word, misread=None, not_scored=NotScored.UNLIKE_THE_TEXT) for word in first.words
    )
    spoken = page(replace(result, phrases=(replace(first, words=words), *others))).spoken
    assert "6 words could not be scored." in spoken
    assert "Could not be scored: nothing like the text was heard" in spoken


def test_a_reading_that_could_not_be_scored_asks_for_another() -> None:
    result = rescored(activity("......", "...."), ALL_READ)
    spoken = page(replace(result, not_scored=NotScored.NOISY)).spoken
    assert "Could not be scored: too much noise." in spoken
    assert "no error of the child" in spoken


def test_figures_have_intervals_where_they_are_known() -> None:
    result = rescored(activity("......", "...."), ALL_READ)
    shown = replace(result, accuracy_interval=Interval(0.9, 0.98))
    assert "90\N{EN DASH}98%" in page(shown).spoken
    assert "90% intervals" in page(shown).spoken
    assert "90% intervals" not in page(result).spoken


def test_what_embedded_recognisers_do_not_tell_is_unknown_not_zero() -> None:
    result = rescored(activity("......", "...."), ALL_READ)
    spoken = page(replace(result, rule=VoteRule.CALIBRATED)).spoken
    assert "Repetitions, self-corrections and insertions are unknown" in spoken
    assert "Repetitions 0" not in spoken


def test_where_words_were_placed_other_events_are_told_as_hints() -> None:
    result = rescored(activity("......", "...."), ALL_READ)
    first, *others = result.phrases
    placed = WordEvidence(True, -0.1, -0.2, span=(0, 300), is_repeated=True)
    words = (replace(first.words[0], w_evidence=placed), *first.words[1:])
    told = replace(
        result,
        rule=VoteRule.CALIBRATED,
        phrases=(replace(first, words=words), *others),
        events=(ReadingEvent(EventKind.REPETITION, 0, "the"),),
    )
    spoken = page(told).spoken
    assert "Repetitions 1" in spoken
    assert "These are hints, of which many are missed" in spoken


# What people checked.


def checked_page(*corrections: WordCorrection) -> Page:
    made = replace(activity("....", "....", "..", phrases=COUNTED_STORY), activity_id="a-1")
    result = counted("....|.x.x|..", doubtful=[(0, 2)])
    return page(result, made, corrections=corrections, student_id=ADA)


def test_a_word_that_a_person_checked_counts_as_heard_and_says_so() -> None:
    found = checked_page(correction((1, 3), is_misread=False))
    assert "Accuracy: attempted words read correctly 90.0%" in found.spoken
    assert "Words correct per minute 56.2" in found.spoken
    assert "mat (checked by a person: correct)" in found.spoken
    assert "Checked by a person 1" in found.spoken
    assert found.all("a", href=f"students/{ADA}.html")


def test_a_correction_of_another_story_is_not_shown() -> None:
    found = checked_page(correction((1, 3), is_misread=False, text="dog"))
    assert "Accuracy: attempted words read correctly 80.0%" in found.spoken
    assert "by a person:" not in found.spoken


def test_the_review_is_told_the_verdict_of_each_word_that_has_one() -> None:
    found = checked_page(correction((1, 3), is_misread=False))
    said = {
        span["data-place"]: span["data-said"] for span in found.all("span") if "data-place" in span
    }
    assert len(said) == 10
    assert {place for place, verdict in said.items() if verdict == "misread"} == {"1:1", "1:3"}
    unheard = page(counted("?...|....|.."), activity("....", "....", "..", phrases=COUNTED_STORY))
    assert sum("data-place" in span for span in unheard.all("span")) == 9
