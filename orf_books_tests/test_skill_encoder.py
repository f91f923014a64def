"""Choosing the encoder that skills are detected with."""

from pathlib import Path

import dagster as dg
import pytest

from orf_books.assets.transcripts.step import SCORED_TRANSCRIPTS, code_version
from orf_books.definitions import build_defs
from orf_books.failures import FixConfiguration
from orf_books.settings import Settings, load_settings
from orf_books.transcripts.head import read_head
from orf_books.transcripts.model_version import model_version
from orf_books.transcripts.skill_encoder import SkillEncoder
from orf_books_tests.assets.transcripts.class_platform import ClassPlatform, platform_in

WITH_MINILM = {"skill_encoder": SkillEncoder.USE_MINILM}


def test_the_first_encoder_is_used_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().skill_encoder is SkillEncoder.USE
    monkeypatch.setenv("ORF_BOOKS_SKILL_ENCODER", "use+minilm")
    assert load_settings().skill_encoder is SkillEncoder.USE_MINILM
    monkeypatch.setenv("ORF_BOOKS_SKILL_ENCODER", "minilm")
    with pytest.raises(FixConfiguration, match="ORF_BOOKS_SKILL_ENCODER"):
        load_settings()


@pytest.mark.parametrize("encoder", SkillEncoder)
def test_the_page_shows_the_code_version_of_the_encoder(encoder: SkillEncoder) -> None:
    definitions = build_defs(Settings(skill_encoder=encoder))
    node = definitions.resolve_asset_graph().get(SCORED_TRANSCRIPTS)
    assert node.code_version == code_version(encoder)
    assert model_version(read_head(encoder)) in code_version(encoder)


@pytest.mark.slow
def test_sessions_are_scored_again_with_another_encoder(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    platform = platform_in(tmp_path, instance)
    key = platform.put()
    assert platform.ingest(key).success
    before = platform.row(key)
    settings = platform.settings.model_copy(update=WITH_MINILM)
    other = ClassPlatform(settings, instance)
    assert other.backfill(key).success
    after = platform.row(key)
    assert before.code_version == code_version(SkillEncoder.USE)
    assert after.code_version == code_version(SkillEncoder.USE_MINILM)
    (scores,) = (
        platform.document(one) for one in platform.versions("scores/") if after.job_id in one
    )
    assert scores["model_version"] == model_version(read_head(SkillEncoder.USE_MINILM))
