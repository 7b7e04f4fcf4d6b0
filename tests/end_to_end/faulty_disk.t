#!/usr/bin/python3 -B
# The disk that fails for tests does so when it is told to, on the files that it is told, and not otherwise.
import errno
import os
import subprocess
import sys

from harness import BUILD, Tap, scratch_directory

SHIM = BUILD / "tests/faulty_disk/libnae_faulty_disk.so"
CALLS = {
    "write": lambda file, path: os.write(file, b"12345678"), "write of one byte": lambda file, path: os.write(file, b"1"),
    "pwrite": lambda file, path: os.pwrite(file, b"12345678", 0), "writev": lambda file, path: os.writev(file, [b"1234", b"5678"]),
    "pwritev": lambda file, path: os.pwritev(file, [b"1234", b"5678"], 0),
    "fsync": lambda file, path: os.fsync(file), "fdatasync": lambda file, path: os.fdatasync(file),
    "rename": lambda file, path: os.rename(f"{path}.old", path), "open to write": lambda file, path: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)),
    "open to read": lambda file, path: os.close(os.open(path, os.O_RDONLY)),
}
WRITES = ("write", "write of one byte", "pwrite", "writev", "pwritev")


def outcome(call, file, path):
    try:
        return call(file, path)
    except OSError as error:
        return errno.errorcode[error.errno]


def try_all(control, path):
    """In the program that the disk is preloaded into: one line a call, without faults and with those of the arguments."""
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    with open(f"{path}.old", "wb"):
        pass
    with open(control, "w", encoding="ascii") as faults:
        faults.write(sys.argv[4])
    for name, call in CALLS.items():
        print(name, outcome(call, file, path), sep="=")


if sys.argv[1:2] == ["try"]:
    try_all(sys.argv[2], sys.argv[3])
    sys.exit()

with Tap() as tap:
    place = scratch_directory()
    path, control = place / "file", place / "faults"

    def tried(faults):
        control.unlink(missing_ok=True)
        done = subprocess.run([sys.executable, "-B", __file__, "try", control, path, faults], capture_output=True, text=True, check=False,
                              env={**os.environ, "LD_PRELOAD": str(SHIM), "NAE_FAULTY_DISK": str(control)})
        return dict(line.split("=") for line in done.stdout.splitlines()) if done.returncode == 0 else done.returncode

    sound = tried("")
    tap.is_(set(sound.values()), {"8", "1", "None"}, "nothing fails unless it is told")
    tap.is_(tried(f"write EIO {place}/other\nsync EIO /nowhere"), sound, "nor on other files")
    for error in ("ENOSPC", "EIO", "EROFS"):
        tap.is_(tried(f"write {error} {place}"), {**sound, **dict.fromkeys(WRITES, error)}, f"writes fail with {error}, and nothing else")
    tap.is_(tried(f"write short {path}"), {**sound, "write": "4", "write of one byte": "ENOSPC", "pwrite": "4"}, "writes are cut short, the last with ENOSPC")
    tap.is_(tried(f"sync EIO {path}"), {**sound, "fsync": "EIO", "fdatasync": "EIO"}, "files are not made durable")
    tap.is_(tried(f"rename ENOSPC {path}"), {**sound, "rename": "ENOSPC"}, "files are not given a name")
    tap.is_(tried(f"open EROFS {path}"), {**sound, "open to write": "EROFS"}, "files are opened to be read alone")
    tap.is_(tried(f"sync EIO {path}\nrename EIO {path}"), {**sound, "fsync": "EIO", "fdatasync": "EIO", "rename": "EIO"}, "two faults at a time")
    tap.is_(tried(f"write misspelt {path}"), -6, "an error that it does not know ends the program")
