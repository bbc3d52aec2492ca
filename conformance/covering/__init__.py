"""Covering arrays: of any three parameter values that go together, some shipped case has all three.

    model ──► generate (covertable) ──► cases/covering/*.yaml
       └────► coverage (of whatever cases there are)

`model` says for every operation and rank which values each parameter takes and which do not go together; the files
are made by ``python -m convsuite.conformance.covering`` and compared with what that gives by a test, so that ids stay.
"""
