"""Engine processes for explanations: Keras on a backend in the process of that backend, which is imported once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...adapters.base import FORMS
from ...adapters.case import Case
from ..engines import Engine
from ..process import EngineMissing, EngineProcess, Limits, Outcome

if TYPE_CHECKING:
    from ..diagnosis.session import Session

TOGETHER = "convsuite.conformance.explaining.together:together"
FIRST_CASE = Case(
    id="first", op="conv", input=(1, 1, 1), kernel_size=(1,), filters=1, strides=(1,), padding="valid", dilation=(1,),
    groups=1, depth_multiplier=1, output_padding=None, use_bias=False, data_format="channels_last", dtype="float32",
    data="integers", seed=0, layout="contiguous", wrt=None, kernel_shape=None, must_refuse=False,
)  # fmt: skip
"""What an engine is asked first, so that its framework's import counts as starting up."""


@dataclass
class Desk:
    """A process and the engines that it answers for."""

    process: EngineProcess
    engines: list[Engine]
    limits: Limits
    ready: set[str] = field(default_factory=set[str])
    starts: int = 0

    @cached_property
    def session(self) -> Session:
        """Diagnoses mistakes; what it knows takes long to import, and is not always needed."""
        from ..diagnosis.session import Session

        return Session(self.process)

    def run(
        self, engine: Engine, case: Case, arrays: dict[str, np.ndarray], forms: Sequence[str]
    ) -> dict[str, Outcome]:
        """The outcomes of the forms that exist.  Raises as `EngineProcess.run`, and EngineMissing."""
        if engine.name not in self.ready or self.starts != self.process.starts:
            self._get_ready(engine)
        asked = tuple(self._form(engine, form) for form in forms)
        return {outcome.form.partition("/")[2]: outcome for outcome in self.process.run(case, arrays, asked)}

    def versions(self, engine: Engine) -> dict[str, str]:
        """Of what the engine computes with."""
        said = self.process.versions
        return {name: said[name] for name in engine.needs if name in said} if len(self.engines) > 1 else said

    def _get_ready(self, engine: Engine) -> None:
        """Lets it import its framework, with the time that starting may take."""
        if self.starts != self.process.starts:
            self.ready.clear()
        self.process.limits = replace(self.limits, seconds=self.limits.start)
        arrays = {name: np.ones(shape, np.float32) for name, shape in FIRST_CASE.array_shapes.items()}
        outcomes = list(self.process.run(FIRST_CASE, arrays, (self._form(engine, FORMS[0]),)))
        self.process.limits = self.limits
        for outcome in outcomes:
            if outcome.message.startswith("ModuleNotFoundError"):
                raise EngineMissing(outcome.message)
        self.ready.add(engine.name)
        self.starts = self.process.starts

    def _form(self, engine: Engine, form: str) -> str:
        return f"{self.engines.index(engine)}/{form}"


def desks_for(engines: Sequence[Engine], limits: Limits) -> list[Desk]:
    """Keras on a backend beside that backend, where both are as they come by default; the others by themselves."""
    groups: dict[str, list[Engine]] = {}
    for engine in sorted(engines, key=lambda one: len(one.needs)):  # what imports less answers first
        shared = engine.default and engine.needs and engine.profile is None
        groups.setdefault(engine.needs[-1] if shared else f"alone: {engine.name}", []).append(engine)
    # the longest way to an answer is begun first
    ordered = sorted(groups.values(), key=lambda group: "tensorflow" not in group[0].needs)
    return [Desk(EngineProcess(_process_of(group), limits), group, limits) for group in ordered]


def _process_of(group: Sequence[Engine]) -> Engine:
    environment = {name: value for engine in group for name, value in engine.environment.items()}
    members = [(engine.adapter, engine.options) for engine in group]
    name = " and ".join(engine.name for engine in group)
    return replace(group[0], name=name, adapter=TOGETHER, options={"members": members}, environment=environment)
