"""Compare the installed packages with requirements.lock, then look up known vulnerabilities (`make audit`).

Without a network: every pin has hashes; the installed packages are exactly those of the lock, at its versions; their
requirements are met (`pip check`); their files are as their RECORD lists them. RECORD is beside the files, so this
finds damage and careless edits, but not somebody who rewrites RECORD too. Against that, install again from the lock,
whose hashes pip checks.

With a network: pip-audit asks OSV about each pin. OSV has PyPA's advisories, which PyPI serves as well, and GitHub's.
Its address can be set (PIP_AUDIT_OSV_URL), to a mirror or to a test's server. PyPI's own service is not asked:
pip-audit ignores a 404 from it, so an index without that service would look like one without vulnerabilities.

pip-audit is an extra in the one lock: 13 packages of pure Python, including pip, about 10 MB beside 2.6 GB. Its hashes
are therefore checked like all others, and the tests run the same tool as people do. A second lock would need an
environment of its own, and a network to create it; pip has no audit, and `uv audit` reads only uv's own lock.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from lock import LOCK, here, read
from packaging.utils import canonicalize_name
from packaging.version import Version

KIT = "decoupling"
UNREACHED = "no advisory service could be reached: known vulnerabilities were not looked up"
NETWORK_ERRORS = ("requests.exceptions.", "pip_audit._service.interface.", "urllib3.exceptions.")


class UnreachedError(Exception):
    """The advisory service did not answer."""


def differences(path: Path, installed: dict[str, Version]) -> list[str]:
    """Return how the installed packages differ from a lock, and which pins have no hash."""
    pins = read(path)
    wanted = here(pins)
    found = [f"{pin.name} {pin.version}: no hash in {path.name}" for pin in pins if not pin.hashes]
    found += [f"{name}: not installed" for name in wanted if name not in installed]
    for name, version in sorted(installed.items()):
        if name not in wanted:
            found.append(f"{name} {version}: installed, but not in {path.name}")
        elif version != wanted[name].version:
            found.append(f"{name}: {version} is installed, {wanted[name].version} is locked")
    return found


def tampered(distribution: importlib.metadata.Distribution) -> list[str]:
    """Return how a distribution's files differ from its RECORD, ignoring files without a hash there (bytecode)."""
    record = distribution.read_text("RECORD")
    if record is None:
        return [f"{distribution.name}: no RECORD, its files cannot be checked"]
    faults = []
    for name, stated, *_ in csv.reader(record.splitlines()):
        path = Path(str(distribution.locate_file(PurePosixPath(name))))
        if not stated:
            continue
        if not path.is_file():
            faults.append(f"{distribution.name}: {name} is missing")
        elif _hash(path, stated.partition("=")[0]) != stated:
            faults.append(f"{distribution.name}: {name} has changed since it was installed")
    return faults


def _hash(path: Path, algorithm: str) -> str:
    """Return a hash as RECORD writes it: URL-safe base64 without padding."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).digest()
    return f"{algorithm}={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def vulnerabilities(path: Path) -> list[str]:
    """Return the known vulnerabilities of a lock's pins for this Python and system, from OSV.

    Raises UnreachedError if the service does not answer, and RuntimeError if pip-audit fails otherwise.
    """
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(path), "--disable-pip", "--require-hashes"]
    command += ["--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except ValueError:  # pip-audit ended with a traceback or an error message, and wrote no JSON
        lines = done.stderr.strip().splitlines() or ["it printed nothing"]
        if lines[-1].startswith(NETWORK_ERRORS) or "Try another service" in lines[-1]:
            raise UnreachedError from None
        raise RuntimeError(f"pip-audit failed: {lines[-1]}") from None
    found = [f"{each['name']}: not looked up, {each['skip_reason']}" for each in answers if "skip_reason" in each]
    for each in answers:
        for one in each.get("vulns", ()):
            names = ", ".join([one["id"], *one["aliases"]])
            fixed = " or ".join(one["fix_versions"]) or "no version yet"
            found.append(f"{each['name']} {each['version']}: {names}; fixed in {fixed}")
    return found


def conflicts() -> list[str]:
    """Return the requirements of installed packages that are not met."""
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines() if done.returncode else []


def report(title: str, faults: Iterable[str]) -> bool:
    """Print the outcome of a check; return whether it found a fault."""
    faults = list(faults)
    print(f"{title}: {'ok' if not faults else f'{len(faults)} faults'}")
    for fault in faults:
        print(f"  {fault}")
    return bool(faults)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", type=Path, default=LOCK)
    parser.add_argument("--offline", action="store_true", help="do not look up vulnerabilities")
    arguments = parser.parse_args()
    distributions = [each for each in importlib.metadata.distributions() if canonicalize_name(each.name) != KIT]
    installed = {canonicalize_name(each.name): Version(each.version) for each in distributions}
    bad = [
        report(f"packages as in {arguments.lock.name}", differences(arguments.lock, installed)),
        report("requirements met (pip check)", conflicts()),
        report("files as installed", (fault for each in distributions for fault in tampered(each))),
    ]
    if not arguments.offline:
        try:
            bad.append(report("known vulnerabilities (OSV)", vulnerabilities(arguments.lock)))
        except UnreachedError:
            print(UNREACHED)
        except RuntimeError as error:
            bad.append(report("known vulnerabilities (OSV)", [str(error)]))
    sys.exit(any(bad))


if __name__ == "__main__":
    main()
