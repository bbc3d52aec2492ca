"""`convsuite fuzz`: cases that nobody wrote, and what engines do wrong with them, once per cause.

    strategies ──► source ──► hunt: EngineProcess, judge, Ledger ──► causes: is it one that we have?
     (a Draw)     (a case)                                              └─ no ─► shrinking ──► folder: found.yaml

Hypothesis draws and shrinks; everything between is the machinery of a run.
"""
