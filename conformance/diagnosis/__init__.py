"""Why an engine differs: the cause in a word, a sentence with numbers, and what makes it agree.

diagnose(seen, ask)     the diagnosis of a wrong output; `ask` puts derived cases to the same engine
Seen.of(case, ...)      an output with what was expected
meanings(case)          the catalogue: what an engine may take a case for
accuracy.measure(...)   how often the engines of the self-test, whose causes are known, are diagnosed rightly
"""

from .diagnose import Finding, diagnose, find
from .meanings import Meaning, meanings
from .seen import Ask, Seen
from .words import Diagnosis, unexplained

__all__ = ["Ask", "Diagnosis", "Finding", "Meaning", "Seen", "diagnose", "find", "meanings", "unexplained"]
