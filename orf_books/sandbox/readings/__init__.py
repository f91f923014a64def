"""Bundled readings aloud: two stories, synthetic voices, and what was planted in each reading."""
