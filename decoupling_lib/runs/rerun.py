"""From a report to the inputs of the same run: reading the report, and finding the images and weights that it names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from typing import Any

from ..common import validation
from ..common.errors import InputError, describe_value, input_error, os_input_error
from ..images.bundled import bundled_pictures
from ..networks.weights import SOURCES
from ..transfers.options import Options
from ..transfers.setup import Inputs, gather_inputs
from .report import SCHEMA

MAX_BYTES = 2**24
_ACCEPTED = "the report.json of `decoupling transfer`, or the manifest.json of `decoupling figures`"
_FIELDS: dict[str, dict[str, type]] = {
    "transfer": {"options": dict, "network": dict, "inputs": list, "arrays": dict},
    "figures": {"figures": list},
}
"""The fields that a report needs for a rerun, with their types, by the command that wrote it."""
_SCHEMAS = {"transfer": SCHEMA, "figures": 1}


def read_report(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the report of a transfer, or the manifest of a folder of figures.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    dict
        Its content. The fields that a rerun needs exist and have the right types; what is in them is not checked.

    Raises
    ------
    InputError
        For a file that is missing, larger than `MAX_BYTES`, not JSON, nested too deeply or not a report, and for a
        schema other than the one that this version of the kit writes.
    """
    file = validation.regular_file(path, "report", accepted=_ACCEPTED)
    if file.stat().st_size > MAX_BYTES:
        accepted = f"at most {MAX_BYTES // 2**20} MiB"
        raise input_error("report", "is too large", file, accepted, "give another file")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise input_error("report", "is not readable as JSON", file, _ACCEPTED, "give another file") from None
    except OSError as error:
        raise os_input_error(error, "report", file, _ACCEPTED) from None
    command = found.get("command") if isinstance(found, dict) else None
    command = validation.choice(command, _FIELDS, "command of the report")
    schema = found.get("schema")
    if type(schema) is not int or schema != _SCHEMAS[command]:
        step = "use the version of the kit that wrote it"
        raise input_error("report", "has another schema", schema, f"schema {_SCHEMAS[command]}", step)
    for name, kind in _FIELDS[command].items():
        if not isinstance(found.get(name), kind):
            step = "make a report with this version of the kit"
            raise input_error("report", f"has no valid field {name!r}", file, _ACCEPTED, step)
    return found


def gather_recorded_inputs(
    report: Mapping[str, Any],
    origin: str | None = None,
    target: str | None = None,
    weights: str | None = None,
    masks: Mapping[str, str | None] | None = None,
) -> Inputs:
    """Load what the run of a report started from, and compare every checksum.

    Parameters
    ----------
    report : mapping
        The report of a transfer, from `read_report`.
    origin, target : str, optional
        Files of the images, if they are not bundled pictures. A report has the names of files without their folders.
    weights : str, optional
        The file of the weights, if they came from one. A report has its path, which may be that of another machine.
    masks : mapping of str to str or None, optional
        Files of the masks by the names of their options, `mask` and `origin_mask`, if they have moved. Default: the
        files that the report names.

    Returns
    -------
    Inputs
        What `execute.execute` needs.

    Raises
    ------
    InputError
        As `transfers.setup.gather_inputs`; also for a damaged report, and for images, masks or weights that are not
        available or differ from those of the report.
    """
    known = {field.name for field in fields(Options)}
    # Reports of earlier versions were made in the metric of pixels and say nothing of it.
    options = {"smoothing": 0.0} | {name: value for name, value in report["options"].items() if name in known}
    if isinstance(options.get("size"), list):
        options["size"] = tuple(options["size"])
    if isinstance(options.get("mix"), list):
        options["mix"] = tuple(tuple(each) if isinstance(each, list) else each for each in options["mix"])
    # The report's own network: the best available one may be another by now.
    source, sha256 = report["network"].get("weights"), report["network"].get("sha256")
    if weights is None:
        _require_weights(source, sha256)
        weights = source
    options |= {"network": report["network"].get("architecture"), "weights": weights}
    for name, file in (masks or {}).items():
        options[name] = _choose_mask(options.get(name), name, file)
    try:
        first, second = ((entry["name"], entry["sha256"]) for entry in report["inputs"])
        chosen = (_choose_image(*first, "origin", origin), _choose_image(*second, "target", target))
        inputs = gather_inputs(*chosen, Options(**options))
        images = [(inputs.origin, first, "--origin"), (inputs.target, second, "--target")]
        for image, mask in inputs.masks.files.items():
            entry = report["masks"][image]
            option = "--mask" if image == "target" else "--origin-mask"
            images.append((mask.picture, (entry["name"], entry["sha256"]), option))
        for other, entry in zip(inputs.others, report["mixture"][1:] if inputs.others else (), strict=True):
            images.append((other, (entry["name"], entry["sha256"]), "its path"))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise input_error("report", "is damaged", str(error), _ACCEPTED, "give another file") from None
    for picture, (name, recorded), option in images:
        if picture.sha256 != recorded:
            accepted, step = f"sha256 {describe_value(recorded)}", f"give the file with this checksum by {option}"
            name = f"image {describe_value(name)}"
            raise input_error(name, "differs from the recorded one", picture.sha256, accepted, step)
    if inputs.network.weights.sha256 != sha256:
        versions, file = "use the package versions of the report", "give the file with this checksum by --weights"
        accepted, step = f"sha256 {describe_value(sha256)}", versions if source in SOURCES else file
        raise input_error("weights", "differ from the recorded ones", inputs.network.weights.sha256, accepted, step)
    return inputs


def replace_weights(
    manifest: Mapping[str, Any], weights: str | None = None, numbers: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return a manifest of figures that names another file of weights.

    Parameters
    ----------
    manifest : mapping
        The manifest, from `read_report`.
    weights : str, optional
        Replaces every file of weights that the manifest names, but not imagenet, hed and random.
    numbers : sequence of str, optional
        Numbers of the figures that are to be drawn. Default: all.

    Returns
    -------
    dict
        The manifest with the file replaced.

    Raises
    ------
    InputError
        If no file is given and one is not available that a figure to be drawn needs, or a file is given and no figure
        was made from one.
    """
    found, figures = False, []
    for each in manifest["figures"]:
        source = each.get("source") if isinstance(each, dict) else None
        name = source.get("weights") if isinstance(source, dict) else None
        if isinstance(source, dict) and isinstance(name, str) and name not in SOURCES:
            found = True
            if weights is not None:
                each = each | {"source": source | {"weights": weights}}
            elif isinstance(each.get("network"), dict) and (numbers is None or each.get("number") in numbers):
                _require_weights(name, each["network"].get("sha256"))
        figures.append(each)
    if weights is not None and not found:
        accepted = "a manifest with figures made from a file of weights"
        raise input_error("--weights", "does not apply to these figures", weights, accepted, "leave it out")
    return {**manifest, "figures": figures}


def refuse_own_folder(report: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Refuse the folder of a report as the output folder of its rerun, which would overwrite the report.

    Parameters
    ----------
    report : str or path
        The file of the report.
    out : str or path
        The output folder.

    Raises
    ------
    InputError
        If the report, or the file that it is a link to, is in the output folder.
    """
    folder, file = validation.path(out, "output folder"), validation.path(report, "report")
    with suppress(OSError):  # the folder does not exist yet, or cannot exist
        if any(folder.samefile(own) for own in (file.parent, file.resolve().parent)):
            accepted = "a folder other than the report's, whose files would be overwritten"
            raise input_error("output folder", "is the report's own", folder, accepted, "choose another folder")


def _choose_image(name: Any, sha256: Any, option: str, file: str | None) -> Any:
    """Return the file given by an option or, if none was given, the image that the report names."""
    if file is None and name not in bundled_pictures() and not _may_exist(name):
        accepted = f"the file with sha256 {describe_value(sha256)}"
        raise input_error(f"image {describe_value(name)}", "is not available", name, accepted, f"give it by --{option}")
    return name if file is None else file


def _choose_mask(recorded: Any, name: str, file: str | None) -> Any:
    """Return the file given by an option or, if none was given, the mask that the report names."""
    option = f"--{name.replace('_', '-')}"
    if recorded is None and file is not None:
        raise input_error(
            option, "does not apply to this report", file, "the report of a run with a mask", "leave it out"
        )
    if file is None and recorded is not None and not _may_exist(recorded) and recorded not in bundled_pictures():
        step = f"give the same file by {option}"
        raise input_error(f"mask {describe_value(recorded)}", "is not available", recorded, "the recorded file", step)
    return recorded if file is None else file


def _require_weights(source: Any, sha256: Any) -> None:
    """Refuse a file of weights that does not exist; all other sources are checked where they are read."""
    if isinstance(source, str) and source not in SOURCES and not _may_exist(source):
        accepted = f"the file with sha256 {describe_value(sha256)}"
        raise input_error("file of weights", "is not available", source, accepted, "give it by --weights")


def _may_exist(name: Any) -> bool:
    return not isinstance(name, str) or os.path.isfile(name)  # what is not text is checked where it is read
