"""The audit, on a lock and packages made here, and with pip-audit on an advisory service on this machine."""

import base64
import hashlib
import importlib.metadata
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import audit
import lock
import pytest
from packaging.version import Version

HASH = f"--hash=sha256:{'0' * 64}"
ADVISORY = {
    "id": "PYSEC-2099-1",
    "aliases": ["CVE-2099-0001"],
    "summary": "invented",
    "affected": [
        {
            "package": {"name": "colander", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.1"}]}],
        }
    ],
}


def write_lock(folder: Path, *pins: str) -> Path:
    """Write a lock of these pins, each with one hash."""
    path = folder / "some.lock"
    path.write_text("# head\n" + "".join(f"{pin} \\\n    {HASH}\n    # via decoupling\n" for pin in pins), "utf-8")
    return path


@contextmanager
def service(status: int = 200) -> Iterator[str]:
    """Serve an advisory service that knows one vulnerable version: colander 2.0."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bad = (query["package"]["name"], query["version"]) == ("colander", "2.0")
            body = json.dumps({"vulns": [ADVISORY]} if bad else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def ask(monkeypatch):
    """Return a function that looks up a lock at an address."""

    def ask(path: Path, address: str) -> list[str]:
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        return audit.vulnerabilities(path)

    return ask


def package(folder: Path, text: str = "x = 1\n") -> importlib.metadata.Distribution:
    """Install a package of one module, with its RECORD."""
    info = folder / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n", "utf-8")
    (folder / "thing.py").write_text(text, "utf-8")
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    record = f'thing.py,sha256={digest},{len(text)}\n"__pycache__/thing.pyc",,\nthing-1.0.dist-info/RECORD,,\n'
    (info / "RECORD").write_text(record, "utf-8")
    return importlib.metadata.PathDistribution(info)


def test_the_lock_is_read_with_markers_hashes_and_what_requires_a_package():
    pins = lock.read()
    names = [pin.name for pin in pins]
    assert names == sorted(names) and len(set(names)) > 190
    numpy = [pin for pin in pins if pin.name == "numpy"]
    assert len(numpy) == 2 and all(pin.marker and len(pin.hashes) > 10 for pin in numpy)
    assert next(pin.needed_by for pin in pins if pin.name == "mdurl") == ("markdown-it-py",)
    assert "decoupling (pyproject.toml)" in numpy[0].needed_by and "scipy" in numpy[0].needed_by
    assert all(pin.hashes and pin.needed_by for pin in pins)
    assert len([name for name in lock.here(pins) if name == "numpy"]) == 1 and "pywinpty" not in lock.here(pins)


@pytest.mark.parametrize("entry", ["one>=1.0", "one==1.*", "one==1.0,!=1.1", "one"])
def test_an_entry_that_is_not_an_exact_pin_is_refused(tmp_path, entry):
    with pytest.raises(ValueError, match="not a pin"):
        lock.read(write_lock(tmp_path, entry))


def test_each_difference_from_the_lock_is_reported(tmp_path):
    path = write_lock(tmp_path, "one==1.0", "two==2.0", "three==3.0", "four==4.0 ; os_name == 'never'")
    with path.open("a", encoding="utf-8") as file:
        file.write("five==5.0\n    # via decoupling\n")
    installed = {name: Version(version) for name, version in (("one", "1.0"), ("two", "2.1"), ("five", "5.0"))}
    assert audit.differences(path, installed | {"six": Version("6.0")}) == [
        "five 5.0: no hash in some.lock",
        "three: not installed",
        "six 6.0: installed, but not in some.lock",
        "two: 2.1 is installed, 2.0 is locked",
    ]
    same = write_lock(tmp_path, "one==1.0", "four==4.0 ; os_name == 'never'")
    assert audit.differences(same, {"one": Version("1.0")}) == []


def test_an_unchanged_package_has_no_fault(tmp_path):
    assert audit.tampered(package(tmp_path)) == []


def test_changed_and_missing_files_are_reported(tmp_path):
    installed = package(tmp_path)
    (tmp_path / "thing.py").write_text("x = 2\n", "utf-8")
    assert audit.tampered(installed) == ["thing: thing.py has changed since it was installed"]
    (tmp_path / "thing.py").unlink()
    assert audit.tampered(installed) == ["thing: thing.py is missing"]
    (tmp_path / "thing-1.0.dist-info" / "RECORD").unlink()
    assert audit.tampered(installed) == ["thing: no RECORD, its files cannot be checked"]


def test_an_installed_package_has_no_fault_but_its_changed_copy_has(tmp_path):
    found = importlib.metadata.distribution("packaging")
    assert audit.tampered(found) == []
    for file in found.files:
        if ".." not in file.parts and file.suffix != ".pyc":
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_bytes(file.locate().read_bytes())
    (info,) = tmp_path.glob("packaging-*.dist-info")
    copy = importlib.metadata.PathDistribution(info)
    assert audit.tampered(copy) == []
    with (tmp_path / "packaging" / "version.py").open("a") as file:
        file.write("\n")
    assert audit.tampered(copy) == ["packaging: packaging/version.py has changed since it was installed"]


def test_a_vulnerable_pin_is_reported_with_its_names_and_the_version_that_fixes_it(tmp_path, ask):
    with service() as address:
        assert ask(write_lock(tmp_path, "colander==2.0", "six==1.17.0"), address) == [
            "colander 2.0: PYSEC-2099-1, CVE-2099-0001; fixed in 2.1"
        ]
        assert ask(write_lock(tmp_path, "colander==2.1", "six==1.17.0"), address) == []


@pytest.mark.parametrize("status", [404, 503])
def test_an_error_from_the_service_counts_as_no_answer(tmp_path, ask, status):
    with service(status) as address, pytest.raises(audit.UnreachedError):
        ask(write_lock(tmp_path, "colander==2.0"), address)


def test_a_missing_service_counts_as_no_answer(tmp_path, ask):
    with service() as address:
        pass
    with pytest.raises(audit.UnreachedError):
        ask(write_lock(tmp_path, "colander==2.0"), address)


def test_a_lock_that_pip_audit_refuses_is_a_fault_and_not_a_missing_network(tmp_path, ask):
    path = tmp_path / "some.lock"
    path.write_text("colander==2.0\n", "utf-8")
    with service() as address, pytest.raises(RuntimeError, match="hash"):
        ask(path, address)


@pytest.mark.parametrize(
    ("answers", "found", "code", "last"),
    [
        (True, ["colander 2.0: PYSEC-2099-1"], 1, "  colander 2.0: PYSEC-2099-1"),
        (True, [], 0, "known vulnerabilities (OSV): ok"),
        (False, [], 0, audit.UNREACHED),
    ],
)
def test_the_exit_code_is_1_for_a_vulnerability_and_0_for_a_missing_network(
    monkeypatch, capsys, tmp_path, answers, found, code, last
):
    def look_up(path):
        if not answers:
            raise audit.UnreachedError
        return found

    monkeypatch.setattr(audit, "vulnerabilities", look_up)
    monkeypatch.setattr(audit, "conflicts", list)
    monkeypatch.setattr(audit.importlib.metadata, "distributions", lambda: [package(tmp_path)])
    monkeypatch.setattr(sys, "argv", ["audit", "--lock", str(write_lock(tmp_path, "thing==1.0"))])
    with pytest.raises(SystemExit) as end:
        audit.main()
    assert (int(end.value.code), capsys.readouterr().out.splitlines()[-1]) == (code, last)


def test_an_environment_that_differs_from_the_lock_ends_with_exit_code_1(tmp_path):
    command = [sys.executable, "-W", "error", str(lock.ROOT / "tools" / "audit.py"), "--offline"]
    done = subprocess.run([*command, "--lock", str(write_lock(tmp_path, "six==0.1"))], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == ""
    assert f"six: {importlib.metadata.version('six')} is installed, 0.1 is locked" in done.stdout
    assert "installed, but not in some.lock" in done.stdout
