"""The folder of a fuzz session: that of a run, with what is bad in its records, and two files more.

    records.jsonl   a record of every bad draw, and of the shrunk case of every cause (``found::…``)
    found.yaml      the shrunk cases, a case file
    draws.jsonl     a line per engine and batch that is done, from which a session goes on

All three are appended to as things happen, so that a session that is killed loses nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from .. import store
from ..casefile import load_file
from ..entry import Entry
from ..errors import UsageError
from ..verdict import Judgement
from .causes import Cause, Sign, features_of, plain_message
from .draw import Keys

FOUND, DRAWS = "found.yaml", "draws.jsonl"
HEAD = "about: What convsuite fuzz found, the smallest case of each cause\ncases:\n"


class FuzzFolder:
    """Open for appending, from several threads."""

    def __init__(self, folder: store.RunFolder, records: list[store.Record]) -> None:
        self.run = folder
        self.found = folder.path / FOUND
        self._draws = folder.path / DRAWS
        self._lock = threading.Lock()
        self._written = {(one["case"], one["engine"], one["form"]) for one in records}
        self.entries = self._load()
        self.causes = [_cause(self.entries[one["case"]], one) for one in records if one["case"] in self.entries]

    @classmethod
    def create(cls, path: Path, said: dict[str, Any]) -> FuzzFolder:
        """A new one.  Raises `UsageError` where there is a run already."""
        return cls(store.RunFolder.create(path, said), [])

    @classmethod
    def resume(cls, path: Path, said: dict[str, Any]) -> FuzzFolder:
        """One that exists, for the same draws.  Raises `UsageError`."""
        return cls(*store.RunFolder.resume(path, said))

    def _load(self) -> dict[str, Entry]:
        """The cases found so far, by id."""
        if not self.found.exists():
            return {}
        return {entry.id: entry for entry in load_file(self.found, self.run.path)}

    def batches(self) -> dict[str, dict[int, Counter[str]]]:
        """By engine, the batches that are done, with their counts."""
        done: dict[str, dict[int, Counter[str]]] = {}
        text = self._draws.read_text() if self._draws.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # cut off in the middle of a line
            self._draws.write_text(whole)
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                said = json.loads(line)
                done.setdefault(said["engine"], {})[said["batch"]] = Counter(said["counts"])
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError("not a batch", got=line[:80], file=str(self._draws), line=number) from error
        return done

    def add_batch(self, engine: str, number: int, counts: Counter[str]) -> None:
        """An engine has done a batch; ``counts``: of cases, verdicts and statuses."""
        self._append(self._draws, json.dumps({"engine": engine, "batch": number, "counts": counts}) + "\n")

    def add_record(self, record: store.Record) -> bool:
        """Whether it is a new one; a batch that was cut off gives some records a second time."""
        with self._lock:
            place = (record["case"], record["engine"], record["form"])
            if place in self._written:
                return False
            self._written.add(place)
            self.run.append(record)
            return True

    def add_case(self, name: str, about: str, keys: Keys) -> str:
        """Writes a case to found.yaml, unless it is there, and returns its id."""
        case_id = f"found::{name}"
        if case_id not in self.entries:
            said = yaml.safe_dump(
                [{"id": name, "about": about, **keys}], sort_keys=False, default_flow_style=None, allow_unicode=True,
                width=115,
            )  # fmt: skip
            indented = "".join(f"  {line}\n" for line in said.splitlines())
            self._append(self.found, indented if self.found.exists() else HEAD + indented)
        return case_id

    def _append(self, path: Path, text: str) -> None:
        """In one write; it is in the file when this returns."""
        try:
            with self._lock, path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"the session cannot be written: {error.strerror}", got=path) from error


def name_of(sign: Sign, keys: Keys) -> str:
    """A case's name that says what it shows; the same case has the same one in every session."""
    engine = re.sub(r"[^A-Za-z0-9.-]+", "-", sign.engine.rpartition("/")[2]).strip("-.")
    digest = hashlib.sha256(json.dumps([keys, sign.engine, sign.form]).encode()).hexdigest()[:6]
    return f"{engine}-{sign.op.replace('_', '-')}-{sign.verdict}-{digest}"


def _cause(entry: Entry, record: store.Record) -> Cause:
    """The cause that a record of a shrunk case stands for."""
    judgement = Judgement(record["verdict"], record["message"], bound_ratio=record["bound_ratio"])
    sign = Sign(record["engine"], record["form"], record["op"], record["verdict"], plain_message(judgement))
    return Cause(sign, features_of(entry.case, sign), record["message"], record["case"])
