#!/usr/bin/python3 -B
# Completions of bash, zsh and fish say what the programs' own --help says, and the shells complete by them.
import pathlib
import subprocess

from harness import KEY_SERVER, NAE, Tap, scratch_directory

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPLETIONS = ROOT / "packaging/completions"
PROGRAMS = [KEY_SERVER, NAE.parents[1] / "agent/nae-agent", NAE.parents[1] / "gateway/nae-gateway", NAE]

# bash calls the function that `complete` registered, as readline does.
BASH = """source "$0"; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); """ \
       """eval "$(complete -p "$1" | sed -E 's/.*-F ([^ ]+) .*/\\1/')"; printf '%s\\n' "${COMPREPLY[@]}" """
ASKED = [
    # words, what is offered, what is not
    (["nae-keyserver", "in"], {"init"}, {"run"}),
    (["nae-keyserver", "init", "--"], {"--directory", "--listen", "--pin-file"}, {"--reason"}),
    (["nae-keyserver", "recover-admin", "--role", ""], {"auditor", "operator"}, {"--role"}),
    (["nae-agent", "--"], {"--check-config", "--ready-fd", "--config"}, {"--json"}),
    (["nae", "key", "create", "k", "--type", ""], {"aes-256-gcm", "ed25519"}, {"--type"}),
    (["nae", "key", "create", "k", "--"], {"--owner", "--json", "--server"}, {"--from", "--version"}),
    (["nae", "key", "schedule", "k", "1", ""], {"restricted", "destroyed"}, {"create"}),
    (["nae", "audit", "verify-"], {"verify-receipt"}, {"verify"}),
]

with Tap() as tap:
    made = scratch_directory()
    for program in PROGRAMS:
        subprocess.run([COMPLETIONS / "generate", program, made], check=True)
        for name in (f"{program.name}.bash", f"_{program.name}", f"{program.name}.fish"):
            there = COMPLETIONS / name
            tap.ok(there.exists() and there.read_text() == (made / name).read_text(),
                   f"{name} is what --help says", f"packaging/completions/generate {program} packaging/completions")
        for shell, name in (("bash", f"{program.name}.bash"), ("zsh", f"_{program.name}"), ("fish", f"{program.name}.fish")):
            done = subprocess.run([shell, "-n", COMPLETIONS / name], capture_output=True, text=True)
            tap.is_((done.returncode, done.stderr), (0, ""), f"{shell} reads {name}")

    for words, wanted, unwanted in ASKED:
        line = " ".join(words)
        offered = set(subprocess.run(["bash", "-c", BASH, COMPLETIONS / f"{words[0]}.bash", *words], capture_output=True, text=True).stdout.split())
        tap.ok(wanted <= offered and not unwanted & offered, f"bash: {line}", offered)
        done = subprocess.run(["fish", "--no-config", "-c", f"source {COMPLETIONS}/{words[0]}.fish; complete -C '{line}'"], capture_output=True, text=True)
        offered = {offer.split("\t")[0] for offer in done.stdout.splitlines()}
        tap.ok(wanted <= offered and not unwanted & offered, f"fish: {line}", offered, done.stderr)
