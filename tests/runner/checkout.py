"""Where tests run: here, or in a copy that the servers' user can read."""
import os
import pathlib
import shutil
import subprocess

from .stages import Place


def _readable(path):
    return subprocess.run(["runuser", "-u", "postgres", "--", "test", "-r", str(path)]).returncode == 0


def place(build, work):
    """As root the servers run as user postgres. Where that user cannot enter the checkout (root's home), all runs in a copy."""
    root = pathlib.Path.cwd()
    if os.geteuid() != 0 or _readable(root / "Makefile"):
        return Place(root, build, work)
    copy = work / "checkout"
    # Servers of other versions know their own place.
    without = shutil.ignore_patterns("servers")
    shutil.copytree(root, copy, symlinks=True, ignore=lambda path, names: shutil.ignore_patterns("build", "build-*")(path, names) if pathlib.Path(path) == root else set())
    shutil.copytree(build, copy / "build", symlinks=True, ignore=lambda path, names: without(path, names) if pathlib.Path(path) == build else set())
    copy.chmod(0o755)
    os.chdir(copy)
    return Place(copy, copy / "build", work)
