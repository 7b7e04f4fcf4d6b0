"""Programs of programs/: how each is made ready, and what it prints on both schemas."""
import os
import pathlib
import shutil
import subprocess

from twins import SCHEMAS, fresh

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
SECONDS = 120


def prepared(program, scratch):
    """The words that start it."""
    source = PROGRAMS / program
    if source.suffix == ".cjs":
        if not (scratch / "node_modules").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(PROGRAMS / name, scratch)
            must(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=scratch)
        shutil.copy(source, scratch)
        return ["node", scratch / program]
    if source.suffix == ".go":
        # Debian's sources of pgx, and no module from elsewhere.
        must(["go", "build", "-o", scratch / source.stem, source], cwd=scratch, environment={"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(scratch / "cache")})
        return [scratch / source.stem]
    return ["/usr/bin/python3", "-B", "-W", "error::ResourceWarning", source]


def must(words, cwd, environment=None):
    done = subprocess.run([str(word) for word in words], cwd=cwd, env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout


def compare(tap, made, program, scratch, places, label=""):
    """Runs it in both schemas, at the hosts that `places` names for them, and compares line by line."""
    words = [str(word) for word in prepared(program, scratch)]
    name = program + label
    fresh(made)
    printed = []
    for schema in SCHEMAS:
        done = subprocess.run([*words, str(places[schema]), schema], capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
        tap.ok(done.returncode == 0, f"{name} runs to its end in schema {schema}", done.stderr[-3000:])
        printed.append(done.stdout.splitlines())
    plain, secret = printed
    tap.ok(len(plain) >= 10, f"{name}: {len(plain)} answers")
    tap.is_(len(secret), len(plain), f"{name}: as many from encrypted columns")
    for wanted, got in zip(plain, secret):
        tap.is_(got, wanted, f"{name}: {wanted[:70]}")
