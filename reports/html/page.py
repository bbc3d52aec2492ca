"""The report's page, put together: records in, `index.html` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...conformance.engines import cores
from ...conformance.errors import UsageError
from ...pages import inline
from ..findings import findings
from . import data, evidence, pictures
from .cache import Cache
from .causes import KINDS, causes
from .states import STATES

Record = dict[str, Any]
TEMPLATES = Path(__file__).parent.with_name("templates") / "html"
VENDOR = TEMPLATES / "vendor"
STYLES = ("tabulator_simple.min.css",)
LIBRARIES = ("tabulator.min.js", "d3.min.js", "plot.umd.min.js")
SCRIPTS = ("model.js", "address.js", "filters.js", "matrix.js", "list.js", "charts.js", "case.js", "main.js")
Told = Callable[[str], None]


def write(
    folder: Path,
    run: dict[str, Any],
    records: Sequence[Record],
    target: Path,
    *,
    reproducers: bool = True,
    drawn: bool = True,
    told: Told = print,
) -> Path:
    """Writes the page of a run, which was read from its folder, to ``target``/index.html, and gives its path.

    ``reproducers``: whether scripts are written and executed; ``drawn``: whether the engines draw the note's pictures;
    both are kept in the run's folder for the next time.  ``told`` hears what takes long.  Raises `UsageError` where the
    page cannot be written.
    """
    page = target / "index.html"
    try:
        target.mkdir(parents=True, exist_ok=True)
        page.touch()  # before the work that would be lost
    except OSError as error:
        raise UsageError(f"the report cannot be written: {error.strerror}", got=target) from error
    cache = Cache(folder)
    try:
        shown = pictures.draw(run, cache, lambda name: told(f"drawing: {name}")) if drawn else []
        executed = []
        if reproducers:
            executed = evidence.gather(
                run, records, cache, cores(), lambda count: told(f"executing: {count} reproducers")
            )
    finally:
        cache.save()
    try:
        page.write_text(render(run, records, shown, executed), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the report cannot be written: {error.strerror}", got=page) from error
    return page


def render(
    run: Mapping[str, Any],
    records: Sequence[Record],
    shown: Sequence[pictures.Picture] = (),
    executed: Sequence[evidence.Evidence] = (),
) -> str:
    """The page's text, from run.json, the records, the note's pictures and the reproducers that were executed."""
    found, why = data.tabulate(run, records), causes(records)
    core = {**found.core, "causes": {cause.key: cause.title for cause in why}}
    environment = inline.environment(TEMPLATES)
    environment.filters["share"] = _share
    environment.filters["brief"] = lambda value: f"{value:.3g}"
    return environment.get_template("page.html.j2").render(
        run=run,
        headline=data.headline(run, found, records),
        engines=found.engines,
        states=STATES,
        causes=why,
        kinds=KINDS,
        most=max((cause.cases for cause in why), default=1),
        findings=findings(records),
        pictures=_by_drawer(shown),
        images=list(dict.fromkeys(picture.image for picture in shown if picture.image)),
        photograph=pictures.png(pictures.photograph()),
        evidence=_places(executed, {cause.key: cause.example for cause in why}),
        core=inline.deflated(core),
        details=inline.deflated({**found.details, "evidence": evidence.packed(executed)}),
        style=inline.joined(VENDOR, STYLES) + inline.shared("theme.css") + inline.text(TEMPLATES / "report.css"),
        theme=inline.shared("theme.js"),
        libraries=[inline.text(VENDOR / name) for name in LIBRARIES],
        licences=(VENDOR / "LICENSES.txt").read_text(encoding="utf-8"),
        script=inline.shared("unpack.js") + inline.joined(TEMPLATES, SCRIPTS),
    )


def _places(executed: Sequence[evidence.Evidence], examples: Mapping[str, str]) -> dict[str, int]:
    """By cause the place of its evidence: of its smallest case, if there is one."""
    found: dict[str, int] = {}
    for place, one in enumerate(executed):
        if one.cause not in found or one.case == examples.get(one.cause):
            found[one.cause] = place
    return found


def _by_drawer(shown: Sequence[pictures.Picture]) -> dict[str, list[pictures.Picture]]:
    found: dict[str, list[pictures.Picture]] = {}
    for picture in shown:
        found.setdefault(picture.who, []).append(picture)
    return found


def _share(part: int, whole: int) -> str:
    """A percentage that says 100 and 0 only where it is all and nothing."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    return f"{min(max(percent, 0.1), 99.9) if 0 < part < whole else percent:.3g} %"
