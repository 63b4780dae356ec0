"""The file of a sweep, and the transfers that it describes."""

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

MAX_JOBS = 10_000
"""Maximum number of transfers in one sweep."""
MAX_BYTES = 2**20
_ACCEPTED = "a TOML file with pairs, or origins and targets, and optionally the tables fixed and grid"
_LONG_KEY = re.compile(r"""(?:\.[ \t]*(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*){64}""")
"""The TOML reader takes time in the cube of a key's dots: hours for a file full of them."""
_OPTIONS = {field.name for field in fields(Options)}
_ENTRIES = ("fixed", "grid", "origins", "pairs", "targets")


@dataclass(frozen=True)
class Job:
    """One transfer of a sweep.

    Parameters
    ----------
    name : str
        Name of the transfer's folder: letters, digits, hyphens and underscores; it ends with the first digits of `key`.
    origin, target : str
        The images, as the file names them.
    options : Options
        All options, validated, with network and weights.
    key : str
        Digest of images and options.
    """

    name: str
    origin: str
    target: str
    options: Options
    key: str


def read_sweep(path: str | os.PathLike[str]) -> list[Job]:
    """Read the file of a sweep.

    The file is TOML. Either `pairs` is a list of [origin, target], or `origins` and `targets` are lists and all their
    pairs count. The table `fixed` has options that all transfers share; `grid` has lists of options, of which every
    combination is run. The options are those of `transfers.options.Options`; a size is N or [height, width]. If no
    network or weights are named, the best available ones are chosen here, once for all.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    list of Job
        Every combination once, in order.

    Raises
    ------
    InputError
        For a file that cannot be read, an unknown name, a value out of range, or more than `MAX_JOBS` transfers.
    """
    file = validation.regular_file(path, "sweep file", accepted=_ACCEPTED)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise input_error("sweep file", "is too large", file, f"at most {MAX_BYTES:,} bytes", "split it")
        text = file.read_text(encoding="utf-8")
        if _LONG_KEY.search(text):
            raise input_error("sweep file", "has a key with too many parts", file, _ACCEPTED, "correct the file")
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        what = f"is not valid TOML ({str(error)[:80]})"
        raise input_error("sweep file", what, file, _ACCEPTED, "correct the file") from None
    except OSError as error:
        raise os_input_error(error, "sweep file", file, _ACCEPTED) from None
    for name in content:
        validation.choice(name, _ENTRIES, "entry of the sweep file")
    return _create_jobs(_read_pairs(content), _read_table(content, "fixed"), _read_table(content, "grid"))


def with_absolute_paths(job: Job) -> Job:
    """Return a job with the absolute paths of the files that exist here, for workers with other working directories.

    Parameters
    ----------
    job : Job
        The transfer.

    Returns
    -------
    Job
        The same transfer, with the same name and key.
    """
    own = weights_file(job)
    # Links are not followed: where one leads here may be a place that workers do not have.
    masks = {name: file for name in ("mask", "origin_mask") if (file := getattr(job.options, name)) is not None}
    names = (job.origin, job.target, own or "", *masks.values(), *(name for name, _ in job.options.mix))
    found = {name: str(file.absolute()) for name in names if (file := _local_file(name))}
    origin, target = (found.get(name, name) for name in (job.origin, job.target))
    options = replace(job.options, weights=found.get(own, str(Path(own).absolute()))) if own else job.options
    mix = tuple((found.get(name, name), share) for name, share in options.mix)
    options = replace(options, mix=mix, **{name: found.get(file, file) for name, file in masks.items()})
    return replace(job, origin=origin, target=target, options=options)


def _local_file(name: str) -> Path | None:
    """Return the path of a file that exists here, or None."""
    try:
        file = validation.path(name, "file")
    except InputError:  # not the name of a file at all
        return None
    return file if os.path.isfile(file) else None


def input_files(job: Job) -> tuple[str, ...]:
    """Return the names of the images, masks and weights that a job needs, whether or not there are such files here.

    Parameters
    ----------
    job : Job
        The transfer.

    Returns
    -------
    tuple of str
        The origin, the target, further origins, masks (of the target first) and the weights, empty where there is none.
    """
    options = job.options
    others = (name for name, _ in options.mix)
    return job.origin, job.target, *others, options.mask or "", options.origin_mask or "", weights_file(job) or ""


def weights_file(job: Job) -> str | None:
    """Return the file of weights that a job names, whether or not it exists here.

    Parameters
    ----------
    job : Job
        The transfer.

    Returns
    -------
    str or None
        The path; None if the weights are not those of a file.
    """
    return None if job.options.weights in (None, *weights.SOURCES) else job.options.weights


def _create_jobs(pairs: Sequence[tuple[str, str]], fixed: Mapping[str, Any], grid: Mapping[str, Any]) -> list[Job]:
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            accepted, step = "a list of at least one value", "put the values in brackets"
            raise input_error(f"grid.{name}", "is not a list of values", values, accepted, step)
    if both := sorted(fixed.keys() & grid.keys()):
        accepted = "each option in one of the tables"
        raise input_error(f"option {both[0]}", "is in fixed and in grid", both[0], accepted, "remove one of the two")
    count = len(pairs)
    for values in grid.values():
        count *= len(values)
    _limit_count(count)
    jobs: dict[str, Job] = {}
    for origin, target in pairs:
        for combination in product(*grid.values()):
            given = {**fixed, **dict(zip(grid, combination, strict=True))}
            try:
                chosen = Options(**{name: _parse(name, value) for name, value in given.items()})
                same = origin == target and chosen.mask == chosen.origin_mask and not chosen.mix
                options = resolve_options(chosen, self_transfer=same)
                network, source = weights.default_source(options.network, options.weights)
                options = replace(options, network=network, weights=source)
            except TypeError as error:
                what = "has a value of the wrong type"
                raise input_error("sweep file", what, str(error), _ACCEPTED, "correct the value") from None
            key = _digest(origin, target, options)
            name = f"{_safe_name(origin)}-{_safe_name(target)}-{key[:12]}"
            jobs[name] = Job(name, origin, target, options, key)
    return list(jobs.values())


def _read_pairs(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[Any] = []
    if "pairs" in content:
        entry = content["pairs"]
        if isinstance(entry, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in entry):
            pairs = entry
    else:
        origins, targets = content.get("origins"), content.get("targets")
        if isinstance(origins, list) and isinstance(targets, list):
            _limit_count(len(origins) * len(targets))
            pairs = list(product(origins, targets))
    if not pairs or not all(isinstance(name, str) and name for pair in pairs for name in pair):
        step = 'add the images, for example origins = ["coffee"] and targets = ["china"]'
        raise input_error("sweep file", "names no images", sorted(content), _ACCEPTED, step)
    return [(_expand(origin, "origin"), _expand(target, "target")) for origin, target in pairs]


def _expand(text: str, name: str) -> str:
    """Return a name of a file with the home folder for a leading `~`; all others as they are."""
    return str(validation.path(text, name)) if text.startswith("~") else text


def _limit_count(count: int) -> None:
    if count > MAX_JOBS:
        raise input_error("sweep", "has too many transfers", count, f"at most {MAX_JOBS:,}", "split it")


def _read_table(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        accepted = f"a table [{name}] of options"
        raise input_error(f"entry {name}", "is not a table", table, accepted, f"put the options below a line [{name}]")
    for option in table:
        validation.choice(option, sorted(_OPTIONS), f"option in {name}")
    return table


def _parse(name: str, value: Any) -> Any:
    """Return the value of an option as `Options` has it; whether it fits the option is checked later."""
    if not isinstance(value, (str, int, float, list)):
        accepted = "text, numbers, true or false"
        raise input_error(f"option {name}", "has the wrong type", value, accepted, "correct the value")
    if name in ("weights", "mask", "origin_mask") and isinstance(value, str):
        return _expand(value, name)
    if name == "mix" and isinstance(value, list):
        return tuple(_parse_share(each) for each in value)
    if name != "size":
        return value
    sides = [value, value] if isinstance(value, int) and not isinstance(value, bool) else value
    return validation.shape(sides, "size")


def _parse_share(value: Any) -> Any:
    """Return an entry of `mix` as `Options` has it, if it is a list."""
    if not isinstance(value, list):
        return value
    return tuple(_expand(each, "origin in mix") if isinstance(each, str) else each for each in value)


def _digest(origin: str, target: str, options: Options) -> str:
    """Return what distinguishes a transfer from others: the sha256 of images and options."""
    parts = {"origin": origin, "target": target, "options": asdict(options)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()


def _safe_name(name: str) -> str:
    """Return an image's name as a part of a folder's name, at most 40 characters."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", Path(name).stem)[:40] or "picture"
