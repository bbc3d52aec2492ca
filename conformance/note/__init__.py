"""The seed note, statement by statement: what it says is checked against the reference, what it says wrong is refuted.

A check is a function without arguments, named by the right statement, that raises AssertionError with a sentence where
the reference does not bear it out. The modules follow the note's sections; `code` is the note's own code. Cases in
cases/notes name the checks, with the sentences of the note and the verdicts.
"""

from . import channels, dilation, implementations, networks, overview, padding, transposed

SECTIONS = (overview, padding, implementations, transposed, channels, dilation, networks)
CHECKS = {check.__name__: check for module in SECTIONS for check in module.CHECKS}
"""By name."""
