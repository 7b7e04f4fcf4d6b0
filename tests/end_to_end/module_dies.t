#!/usr/bin/python3 -B
# A PKCS#11 module that crashes or hangs in a call: who waits is told, another process takes over, no answer is wrong.
import re
import shutil
import statistics
import threading

from harness import BUILD, Seconds, Stack, Tap, give_to_owner, time, wait_until

RESTART_SECONDS = 1  # RestartSec= of the unit
HANG_EXIT_MS = 2000
CRASHES, HANGS = 7, 3
CRASHED, HUNG = -11, 75


class Unit:
    """Does what systemd does with Restart=on-failure, RestartPreventExitStatus=78 and RestartSec=1."""
    def __init__(self, server):
        self.server, self.statuses, self.stopping = server, [], threading.Event()
        self.thread = threading.Thread(target=self.supervise)
        self.thread.start()

    def supervise(self):
        while not self.stopping.is_set():
            self.server.start(ready=False)
            status = self.server.process.wait()
            if self.stopping.is_set():
                return
            self.statuses.append(status)
            if status in (0, 78):
                return
            self.stopping.wait(RESTART_SECONDS)

    def stop(self):
        self.stopping.set()
        if self.server.process.poll() is None:
            self.server.send_signal(15)
        self.thread.join()


class Trouble:
    """What the module does at which call, for the next process that calls it."""
    def __init__(self, stack):
        self.file = stack.path / "trouble"

    def plant(self, line):
        new = self.file.with_suffix(".new")
        new.write_text(line + "\n")
        give_to_owner(new)
        new.rename(self.file)


def use_faulty_module(server, trouble):
    module = server.path.with_name("libnae_faulty_module.so")
    shutil.copy(BUILD / "keyserver/hsm/libnae_faulty_module.so", module)
    give_to_owner(module)
    server.environment["NAE_FAULTY_PKCS11"] = str(trouble.file)
    settings = f"module = '{module}'\ntimeout_ms = 500\nhang_exit_ms = {HANG_EXIT_MS}"
    server.config.write_text(re.sub(r"^module = .*", settings, server.config.read_text(), flags=re.M))


class Client:
    """Signs, and judges each answer."""
    def __init__(self, session):
        self.session, self.wrong = session, []
        sealed = session.ask("SELECT nae_encrypt('customer-pii', 'one')").out
        self.read = f"SELECT nae_decrypt_text('{sealed}'::bytea)"

    def sign(self):
        answer = self.session.ask("SELECT nae_sign('doc-p256', 'message')")
        if not answer.state:
            check = self.session.ask(f"SELECT nae_verify('doc-p256', 'message', '{answer.out}'::bytea)")
            self.wrong += [answer] if check.out == "f" else []
        elif answer.state == "NE060" and "the HSM was busy" in answer.message:
            pass  # it waited behind the call that hangs, and was not begun
        elif answer.state not in ("NE030", "08001", "08006"):
            self.wrong.append(answer)
        return answer

    def first_error(self):
        """Of signatures, one behind the other."""
        for _ in range(100):
            answer = self.sign()
            if answer.state:
                return answer
        raise RuntimeError("the planted fault did not come")

    def seconds_until_signed(self, since):
        if not wait_until(lambda: not self.sign().state, 60):
            raise RuntimeError("signatures do not come back")
        passed = time.monotonic() - since
        answer = self.session.ask(self.read)
        self.wrong += [answer] if answer.out != "one" else []
        return passed


def figures(what, seconds):
    print(f"# {what}: {len(seconds)} times, p50 {statistics.median(seconds):.2f} s, max {max(seconds):.2f} s", flush=True)


with Tap() as tap, Stack(keys="customer-pii:aes-256-gcm doc-p256:ecdsa-p256") as stack:
    server, trouble = stack.key_server, Trouble(stack)
    server.stop()
    use_faulty_module(server, trouble)
    unit = Unit(server)
    try:
        if not wait_until(lambda: server.nae("status").returncode == 0):
            raise RuntimeError("the key server does not start on the faulty module")
        stack.reconnected()
        client = Client(stack.session("nae_all"))
        tap.is_(client.session.ask(client.read).out, "one", "the server works on the module")

        trouble.plant("C_GenerateKeyPair wait 800")  # more than timeout_ms
        made = server.nae("key", "create", "slow", "--type", "ecdsa-p256")
        tap.is_(made.returncode, 0, "who makes a key waits for it longer than for what is asked often")
        trouble.file.unlink()

        crashes = []
        for call in range(1, CRASHES + 1):
            trouble.plant(f"C_Sign crash {call}")
            answer = client.first_error()
            begun = time.monotonic()
            tap.refused(answer, "08006", f"call {call} crashes: its signature is an error, and not made twice")
            crashes.append(client.seconds_until_signed(begun))
        tap.is_(unit.statuses, [CRASHED] * CRASHES, "each process died of the module's fault, and another was started")
        figures("from a crash to a signature", crashes)

        hangs = []
        for _ in range(HANGS):
            trouble.plant("C_Sign hang 1")
            ended, begun = len(unit.statuses), time.monotonic()
            with Seconds() as took:
                answer = client.first_error()
            tap.refused(answer, "NE030", "a signature that hangs is an error", "does not answer")
            tap.ok(took.passed < HANG_EXIT_MS / 1000, "at hsm.timeout_ms", f"took {took.passed:.1f} s")
            tap.is_(client.session.ask(client.read).out, "one", "what needs no HSM goes on")
            tap.is_(len(unit.statuses), ended, "by the same process")
            hangs.append(client.seconds_until_signed(begun))
        tap.is_(unit.statuses[CRASHES:], [HUNG] * HANGS, "with the status for which the unit starts another")
        tap.like(server.log.read_text(), "event=hsm-given-up", "the log says why")
        figures(f"from a hang to a signature, hang_exit_ms = {HANG_EXIT_MS}", hangs)
        tap.is_(client.wrong, [], "no answer was wrong, no signature false, and each error names the trouble")
    finally:
        unit.stop()
