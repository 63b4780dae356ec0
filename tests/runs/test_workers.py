"""Workers of this machine: what they are started with. Workers of a cluster are tested where their commands are."""

from worker_tasks import report_environment

from decoupling_lib.runs.workers import Task, run_tasks

THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def test_workers_have_the_threads_that_are_asked_for_and_need_not_hand_freed_memory_back(tmp_path, monkeypatch):
    """Dask's threshold of 64 KiB would make the system clear the memory of every activation again in every pass."""
    trim = "MALLOC_TRIM_THRESHOLD_"
    monkeypatch.delenv(trim, raising=False)
    found = list(run_tasks(lambda mark: [Task("one", report_environment, (*THREADS, trim))], tmp_path, None, 1, 3))
    assert [(place, result.summary) for place, result in found] == [(0, dict.fromkeys(THREADS, "3") | {trim: None})]


def test_a_threshold_of_the_users_own_is_kept(tmp_path, monkeypatch):
    trim = "MALLOC_TRIM_THRESHOLD_"
    monkeypatch.setenv(trim, "1000000")
    [(_, result)] = run_tasks(lambda mark: [Task("one", report_environment, (trim,))], tmp_path, None, 1, 1)
    assert result.summary == {trim: "1000000"}
