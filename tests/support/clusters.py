"""Clusters of real worker processes that can be stopped, so that a test can change what a worker finds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from command_line import Outcome, finish, start
from distributed import LocalCluster
from patience import HANG

from decoupling_lib.runs.workers import LOOPBACK

ONE_THREAD = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


class Cluster:
    """A scheduler in this process and workers in processes of their own."""

    def __init__(self, local: LocalCluster, folder: Path):
        self.address, self._scheduler, self._folder = local.scheduler_address, local.scheduler, folder
        self._workers: list[subprocess.Popen] = []

    def add_worker(self, name: str, changes: dict[str, str] | None = None, **options) -> subprocess.Popen:
        """Start a worker with a working directory of its own, and wait until it is there."""
        command = [sys.executable, "-m", "dask", "worker", self.address, "--name", name, "--host", LOOPBACK]
        command += ["--nworkers", "1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        (self._folder / name).mkdir(parents=True)
        self._workers.append(
            subprocess.Popen(
                command, cwd=self._folder / name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD, "TF_CPP_MIN_LOG_LEVEL": "3", **(changes or {})}, **options,
            )
        )  # fmt: skip
        wait_for(lambda: len(self._scheduler.workers) == len(self._workers))
        return self._workers[-1]

    def address_of(self, name: str) -> str:
        """Return the address of a worker."""
        return next(worker.address for worker in self._scheduler.workers.values() if worker.name == name)

    def count_tasks(self, *states: str) -> int:
        """Return the number of tasks in some states; without any, of all."""
        return sum(not states or task.state in states for task in list(self._scheduler.tasks.values()))

    def count_restricted(self) -> int:
        """Return the number of tasks that only some workers may run."""
        return sum(bool(task.worker_restrictions) for task in list(self._scheduler.tasks.values()))

    def sweep(
        self, worker: subprocess.Popen, count: int, hide: Callable[[], None], reveal: Callable[[], None], *arguments,
        **options,
    ) -> Outcome:  # fmt: skip
        """Run a sweep of `count` transfers, whose worker finds what `hide` leaves.

        The worker is stopped until the client has sent all transfers, and the client while the worker runs them.
        """
        worker.send_signal(signal.SIGSTOP)
        client = start("sweep", *arguments, "--scheduler", self.address, "--quiet", **options)
        try:
            wait_for(lambda: self.count_tasks() == count or client.poll() is not None)
            assert client.poll() is None, client.communicate()
            client.send_signal(signal.SIGSTOP)
            hide()
            worker.send_signal(signal.SIGCONT)
            wait_for(lambda: self.count_tasks("memory", "erred") == count)
            reveal()
        finally:
            client.send_signal(signal.SIGCONT)
        outcome = finish(client)
        wait_for(lambda: not self.count_tasks())
        return outcome

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
            worker.wait(HANG)


@contextmanager
def create_cluster(folder: Path) -> Iterator[Cluster]:
    """Yield a cluster without workers; those that are added work in subfolders of the folder."""
    with LocalCluster(
        n_workers=0, threads_per_worker=1, processes=False, protocol="tcp://", host=LOOPBACK,
        dashboard_address=f"{LOOPBACK}:0", scheduler_kwargs={"dashboard": False},
    ) as local:  # fmt: skip
        cluster = Cluster(local, folder)
        try:
            yield cluster
        finally:
            cluster.close()
