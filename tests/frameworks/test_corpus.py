"""The whole shipped corpus on all six engines, as `make run` runs it."""

from __future__ import annotations

import pytest

from convsuite.conformance import engines, expectations, run

DEFAULT = [engine for engine in engines.known_engines().values() if engine.default]
LARGEST_HARNESS_SHARE = 0.15

pytestmark = [
    pytest.mark.slow,
    pytest.mark.frameworks,
    pytest.mark.skipif(any(engine.missing for engine in DEFAULT), reason="not all six engines are installed"),
]


def test_the_pinned_versions_do_what_is_known_of_them(shipped_entries, tmp_path):
    """Nothing new, nothing vanished, no expectation that concerns nothing; and the harness stays in the background."""
    summary = run.run(shipped_entries, DEFAULT, tmp_path / "run", run.Options(), expectations=expectations.shipped())
    assert (summary.new, summary.vanished) == (0, 0)
    assert not summary.broken
    idle = [f"{one.file}:{one.line}" for one in summary.ledger.idle({engine.name for engine in DEFAULT})]
    assert not idle
    assert summary.seconds["harness"] <= LARGEST_HARNESS_SHARE * summary.seconds["engine"]
