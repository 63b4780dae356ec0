"""The file of a sweep: which transfers it means."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from ..common import validation
from ..common.errors import InputError, input_error, os_input_error
from ..networks import weights
from ..transfers.options import Options, resolve_options

MOST = 10_000
"""Transfers in one sweep."""
MAX_BYTES = 2**20
_ACCEPTED = "a TOML file with pairs, or origins and targets, and perhaps the tables fixed and grid"
_LONG_KEY = re.compile(r"""(?:\.[ \t]*(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*){64}""")
"""Its cube is what the TOML reader takes for a key of so many dots: hours where they fill the file."""
_OPTIONS = {field.name for field in fields(Options)}


@dataclass(frozen=True)
class Job:
    """One transfer of a sweep, its pictures as the file names them.

    `key` tells pictures and options apart; `name` is that of the transfer's folder, and has the key's beginning.
    """

    name: str
    origin: str
    target: str
    options: Options
    key: str


def read(path: str | os.PathLike[str]) -> list[Job]:
    """The transfers of a sweep's file, each combination once, in order.

    The file is TOML. `pairs` is a list of [origin, target]; or `origins` and `targets` are lists, and all pairs are
    meant. Table `fixed` has options that all share, `grid` lists of options, of which every combination is run; names
    are those of `options.Options`. A size is N or [height, width]. Where no network or weights are named, the ones that
    are best at hand are chosen here and now, once for all.

    Raises `InputError` for a file that cannot be read, unknown names, values out of range, or more than `MOST` runs.
    """
    file = validation.regular_file(path, "sweep file", accepted=_ACCEPTED)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise input_error("sweep file", "is too large", file, f"at most {MAX_BYTES:,} bytes", "split it")
        text = file.read_text(encoding="utf-8")
        if _LONG_KEY.search(text):
            raise input_error("sweep file", "has a key of very many parts", file, _ACCEPTED, "mend it")
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise input_error("sweep file", f"is no TOML ({str(error)[:80]})", file, _ACCEPTED, "mend it") from None
    except OSError as error:
        raise os_input_error(error, "sweep file", file, _ACCEPTED) from None
    known = {"pairs", "origins", "targets", "fixed", "grid"}
    for name in found:
        validation.choice(name, sorted(known), "entry of the sweep file")
    return _jobs(_pairs(found), _table(found, "fixed"), _table(found, "grid"))


def with_absolute_paths(job: Job) -> Job:
    """The job with the whole paths of its files that are here, for workers whose working directories are others."""
    origin, target = (str(Path(name).resolve()) if os.path.isfile(name) else name for name in (job.origin, job.target))
    own = weights_file(job)
    options = replace(job.options, weights=str(Path(own).resolve())) if own else job.options
    return replace(job, origin=origin, target=target, options=options)


def weights_file(job: Job) -> str | None:
    """The file of weights that a job names, whether or not it is here; None where it names a source."""
    return None if job.options.weights in (None, *weights.SOURCES) else job.options.weights


def _jobs(pairs: Sequence[tuple[str, str]], fixed: Mapping[str, Any], grid: Mapping[str, Any]) -> list[Job]:
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise input_error(f"grid.{name}", "is no list of values", values, "at least one value", "use brackets")
    if both := sorted(fixed.keys() & grid.keys()):
        raise input_error(f"option {both[0]}", "stands in fixed and in grid", both[0], "one of them", "take one out")
    count = len(pairs)
    for values in grid.values():
        count *= len(values)
    if count > MOST:
        raise input_error("sweep", "has too many transfers", count, f"at most {MOST:,}", "split it")
    jobs: dict[str, Job] = {}
    for origin, target in pairs:
        for chosen in product(*grid.values()):
            given = {**fixed, **dict(zip(grid, chosen, strict=True))}
            try:
                options = resolve_options(Options(**{name: _value(name, value) for name, value in given.items()}))
                network, source = weights.default_source(options.network, options.weights)
                options = replace(options, network=network, weights=source)
            except TypeError as error:
                raise input_error("sweep file", "has a value of the wrong kind", str(error), _ACCEPTED, "") from None
            key = _key(origin, target, options)
            name = f"{_safe(origin)}-{_safe(target)}-{key[:12]}"
            jobs[name] = Job(name, origin, target, options, key)
    return list(jobs.values())


def _pairs(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "pairs" in found:
        pairs = found["pairs"]
        good = isinstance(pairs, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
        given = [name for pair in pairs for name in pair] if good else []
    else:
        lists = [found.get("origins"), found.get("targets")]
        good = all(isinstance(names, list) for names in lists)
        if good and (count := len(lists[0]) * len(lists[1])) > MOST:
            raise input_error("sweep", "has too many transfers", count, f"at most {MOST:,}", "split it")
        pairs = list(product(*lists)) if good else []
        given = [name for names in lists for name in names] if good else []
    if not good or not pairs or not all(isinstance(name, str) and name for name in given):
        raise input_error("sweep file", "names no pictures", sorted(found), _ACCEPTED, 'e.g. origins = ["coffee"]')
    return [(origin, target) for origin, target in pairs]


def _table(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = found.get(name, {})
    if not isinstance(table, dict):
        raise input_error(f"entry {name}", "is no table", table, f"[{name}]", "write it so")
    for option in table:
        validation.choice(option, sorted(_OPTIONS), f"option in {name}")
    return table


def _value(name: str, value: Any) -> Any:
    """A size as `Options` has it; all else as it is, if it is of a kind that any option has."""
    if not isinstance(value, (str, int, float, list)):
        raise input_error(f"option {name}", "is of the wrong kind", value, "text, numbers, true or false", "mend it")
    if name != "size":
        return value
    sides = [value, value] if isinstance(value, int) and not isinstance(value, bool) else value
    return validation.shape(sides, "size")


def _key(origin: str, target: str, options: Options) -> str:
    """What tells a transfer from others: pictures and options."""
    parts = {"origin": origin, "target": target, "options": asdict(options)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()


def _safe(name: str) -> str:
    """A picture's name as part of a folder's: letters, digits and lines, at most 40."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", Path(name).stem)[:40] or "picture"
