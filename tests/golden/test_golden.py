"""What each platform gets for every document is what was once read and found right."""

import pytest

from tests.golden.corpus import DOCUMENTS, PLATFORMS, as_json, expected, rendered


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_document_becomes_what_was_found_right(name):
    before = expected(name)
    now = {stem: as_json(payloads) for stem, payloads in rendered(name).items()}
    changed = [stem for stem in before.keys() | now.keys() if before.get(stem) != now.get(stem)]
    assert not changed, f"python -m tests.golden {name}, then read: {', '.join(sorted(changed))}"


def test_the_corpus_is_large_and_no_two_documents_are_the_same():
    assert len(set(DOCUMENTS.values())) == len(DOCUMENTS) >= 120
    assert "telegram" in PLATFORMS
