"""Shared by the experiments on the thesis's question: pairs of pictures, and tasks that are run once and kept."""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import _common as common

from decoupling_lib.common.atomic_files import write_text
from decoupling_lib.networks.calibration import CALIBRATION_PICTURES

PICTURES = CALIBRATION_PICTURES
"""The twelve bundled pictures. (The softness of the network was scaled by them, too: see the docs.)"""
SHIFTS = (1, 4, 7)
PIXELS = {"damping": 0.032, "smoothing": 0.0}
"""Little damping, in the metric of pixels: the defaults of all transfers when the experiments were planned."""
LEGS = {"tolerance": 5e-8, "corrections": 16, **PIXELS}
"""How legs are followed, by the defaults of that time, too. An experiment without corrections says so."""


def list_pairs(shifts: tuple[int, ...] = SHIFTS) -> list[tuple[str, str]]:
    """Return pairs (origin, target) in which each picture is the origin as often as the target: 12 for each shift."""
    n = len(PICTURES)
    return [(PICTURES[k], PICTURES[(k + shift) % n]) for shift in shifts for k in range(n)]


def obtain_rows(
    doc: str | None,
    name: str,
    measure: Callable[..., dict[str, Any]],
    list_tasks: Callable[..., dict[str, tuple[Any, ...]]],
    size: int | None = None,
) -> dict[str, dict[str, Any]]:
    """Read the arguments of an experiment, and run its tasks or, with `--report`, read those of its file.

    Parameters
    ----------
    doc : str
        The experiment's description, for the help.
    name : str
        Name of its file of results.
    measure : callable
        See `run_tasks`.
    list_tasks : callable
        Returns the tasks; it takes size and weights if there is a `size`.
    size : int, optional
        Default side in pixels, of an experiment that can be tried with another size, other weights and fewer tasks.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    if size is not None:
        parser.add_argument("--size", type=int, default=size, help="side of the square images, in pixels")
        parser.add_argument("--weights", default="hed")
        parser.add_argument("--most", type=int, help="run only so many tasks, to try the script out")
    parser.add_argument("--report", action="store_true", help="print the tables of a complete file, and run nothing")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / f"{name}.json")
    arguments = parser.parse_args()
    if arguments.report:
        rows: dict[str, dict[str, Any]] = json.loads(arguments.out.read_text("utf-8"))["rows"]
        return rows
    if size is None:
        return run_tasks(arguments.out, measure, list_tasks(), arguments.processes)
    tasks = list(list_tasks(arguments.size, arguments.weights).items())[: arguments.most]
    return run_tasks(arguments.out, measure, dict(tasks), arguments.processes)


def run_tasks(
    path: Path, function: Callable[..., dict[str, Any]], tasks: Mapping[str, tuple[Any, ...]], processes: int
) -> dict[str, dict[str, Any]]:
    """Run each task in one of several processes of one thread each, and keep its row in a JSON file.

    What the file has already is not run again: an experiment may be stopped and continued. A task that fails is kept
    with its error, and run again the next time.

    Parameters
    ----------
    path : Path
        The file.
    function : callable
        A function of a module, which maps a task's arguments to a row.
    tasks : mapping of str to tuple
        Arguments by the name of the task; they can be written as JSON.
    processes : int
        Number of processes.

    Returns
    -------
    dict of str to dict
        The rows of all tasks, by name.
    """
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {"machine": common.machine(), "rows": {}}
    rows = kept["rows"]
    wanted = {name: _digest(arguments) for name, arguments in tasks.items()}
    open_tasks = [name for name in tasks if rows.get(name, {}).get("task") != wanted[name] or "error" in rows[name]]
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    began = time.perf_counter()
    # Without max_tasks_per_child, with which Python 3.11 can hang for ever (python/cpython issue 115634).
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        running = {pool.submit(_call, function, tasks[name]): name for name in open_tasks}
        for count, future in enumerate(as_completed(running), start=1):
            name = running[future]
            rows[name] = {"task": wanted[name]} | future.result()
            path.parent.mkdir(parents=True, exist_ok=True)
            ordered = {each: rows[each] for each in tasks if each in rows} | rows
            write_text(path, json.dumps(kept | {"rows": ordered}, indent=1) + "\n")
            left = (time.perf_counter() - began) / count * (len(running) - count) / 60
            print(f"{count}/{len(running)} {name}; about {left:.0f} min left", flush=True)
    return {name: rows[name] for name in tasks}


def _digest(arguments: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:12]


def _call(function: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        found = function(*arguments)
    except Exception as error:
        found = {"status": "failed", "error": f"{type(error).__name__}: {error}"[:300]}
    row: dict[str, Any] = json.loads(json.dumps(found), parse_constant=lambda _: None)
    return row | {"seconds": round(time.perf_counter() - began, 1)}
