"""One program with a time limit: its output goes to a file and is counted; it leaves no process behind."""
import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import time
from typing import Callable

from .counts import Counts

GRACE = 40  # seconds to take a stack down after SIGTERM


@dataclasses.dataclass
class Task:
    name: str
    command: list
    read: Callable  # (output, status) -> Counts
    seconds: int = 600
    shown: Callable = lambda output: ""  # what is printed although it passed
    environment: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Result:
    task: Task
    counts: Counts
    output: str
    took: float


class Running:
    """A task that was started. `end()` in whatever way it ends."""
    def __init__(self, task, directory, log):
        self.task, self.log = task, pathlib.Path(log)
        self.started = time.monotonic()
        self.timed_out = False
        with open(self.log, "wb") as file:
            self.process = subprocess.Popen(task.command, cwd=directory, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                            env={**os.environ, **task.environment}, start_new_session=True)

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def stop(self):
        """Asks it to clean up after itself, then insists."""
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def over(self):
        """Whether it has ended, by itself or because its time is up."""
        if self.process.poll() is None and time.monotonic() - self.started > self.task.seconds:
            self.timed_out = True
            self.stop()
        return self.process.returncode is not None

    def result(self):
        output = self.log.read_text(errors="replace")
        if self.timed_out:
            counts = self.task.read(output, 0)
            counts.problem(f"did not end within {self.task.seconds} s")
        else:
            counts = self.task.read(output, self.process.returncode)
        return Result(self.task, counts, output, time.monotonic() - self.started)


def run_all(tasks, directory, logs, side_by_side):
    """Yields the result of each task as it ends. At most `side_by_side` run at a time, in their order."""
    waiting, running = list(enumerate(tasks)), []
    try:
        while waiting or running:
            while waiting and len(running) < side_by_side:
                number, task = waiting.pop(0)
                running.append(Running(task, directory, pathlib.Path(logs) / f"{number}-{task.name.replace('/', '-').replace(' ', '-')}.log"))
            done = [one for one in running if one.over()]
            for one in done:
                running.remove(one)
                yield one.result()
            if not done:
                time.sleep(0.05)  # between two looks
    finally:
        for one in running:
            one.signal(signal.SIGTERM)
        for one in running:
            one.stop()
