"""The faults: each begins, holds until it is resumed, and ends."""
import os

from .parts import CONTINUE, KILL, STOP, TERM, send

FAULTS = {}


def fault(name):
    def keep(function):
        FAULTS[name] = function
        return function
    return keep


@fault("none")
def _(_parts, _clients, _random):
    yield


for how, number in (("SIGKILL", KILL), ("SIGTERM", TERM)):
    @fault(f"key server: {how}, down, started")
    def _(parts, _clients, _random, number=number):
        parts.server.stop(number)
        yield
        parts.server.start()

    @fault(f"agent: {how}")
    def _(parts, _clients, _random, number=number):
        send(number, lambda: parts.agent_pid)
        yield

    @fault(f"PostgreSQL's backend: {how}")
    def _(_parts, clients, random, number=number):
        send(number, lambda: random.choice(clients).process)
        yield


@fault("key server: SIGSTOP")
def _(parts, _clients, _random):
    parts.server.freeze()
    yield
    parts.server.thaw()


def stopped(find):
    pid = send(STOP, find)
    yield
    os.kill(pid, CONTINUE)


@fault("agent: SIGSTOP")
def _(parts, _clients, _random):
    yield from stopped(lambda: parts.agent_pid)


@fault("PostgreSQL's backend: SIGSTOP")
def _(_parts, clients, random):
    yield from stopped(lambda: random.choice(clients).process)


@fault("PostgreSQL's postmaster: SIGSTOP")
def _(parts, _clients, _random):
    yield from stopped(lambda: parts.postmaster)


@fault("PostgreSQL's postmaster: SIGKILL, started")
def _(parts, _clients, _random):
    send(KILL, lambda: parts.postmaster)
    yield
    parts.start_postgresql()


@fault("agent's supervisor: SIGKILL")
def _(parts, _clients, _random):
    send(KILL, lambda: parts.supervisor)
    yield


for mode in ("immediate", "fast"):
    @fault(f"PostgreSQL: {mode} stop, started")
    def _(parts, _clients, _random, mode=mode):
        parts.pg_control("-m", mode, "stop")
        yield
        parts.start_postgresql()


@fault("network: connections reset")
def _(parts, _clients, _random):
    parts.proxy.reset_connections()
    yield


@fault("network: connections forgotten")
def _(parts, _clients, _random):
    parts.proxy.forget_connections()
    yield


@fault("network: half-open connections")
def _(parts, _clients, _random):
    parts.proxy.leave_half_open()
    yield


@fault("network: black hole")
def _(parts, _clients, _random):
    parts.proxy.swallows = True
    parts.proxy.forget_connections()
    yield
    parts.proxy.swallows = False
    parts.proxy.forget_connections()


def disk_fails(parts, *lines):
    parts.set_faults(parts.disk_faults, *lines)
    yield
    parts.set_faults(parts.disk_faults)


for call, error in (("write", "ENOSPC"), ("write", "EIO"), ("write", "short"), ("sync", "EIO"), ("open", "EROFS")):
    @fault(f"disk of the audit log: {call} {error}")
    def _(parts, _clients, _random, call=call, error=error):
        yield from disk_fails(parts, f"{call} {error} {parts.server.path / 'audit'}")


@fault("disk of the audit log: write short, key server: SIGKILL, started")
def _(parts, _clients, _random):
    """Half a record is the end of the log."""
    parts.set_faults(parts.disk_faults, f"write short {parts.server.path / 'audit'}")
    yield
    parts.server.stop(KILL)
    parts.set_faults(parts.disk_faults)
    parts.server.start()


for call, error in (("write", "ENOSPC"), ("write", "EIO"), ("write", "short"), ("sync", "EIO")):
    @fault(f"disk of the store: {call} {error}")
    def _(parts, _clients, _random, call=call, error=error):
        parts.set_faults(parts.disk_faults, f"{call} {error} {parts.server.path / 'keys.db'}")
        parts.administer("key", "rotate", "customer-pii")
        yield
        parts.set_faults(parts.disk_faults)


@fault("PostgreSQL's disk: write ENOSPC")
def _(parts, _clients, _random):
    yield from disk_fails(parts, f"write ENOSPC {parts.data / 'base'}")


@fault("PostgreSQL's disk of the log: write ENOSPC")
def _(parts, _clients, _random):
    """It panics, and gives up when it cannot recover."""
    yield from disk_fails(parts, f"write ENOSPC {parts.data / 'pg_wal'}")
    if not parts.postgresql_runs():
        parts.start_postgresql()


for lines in (["C_Sign 0x30"], ["C_Sign 0xb3"], ["C_Sign 0xb3", "C_OpenSession 0x30"], ["C_Sign 0x32", "C_GetTokenInfo 0x32"], ["C_Sign wait 200"], ["C_UnwrapKey 0x31"]):
    @fault(f"HSM: {', '.join(lines)}")
    def _(parts, _clients, _random, lines=lines):
        parts.set_faults(parts.hsm_faults, *lines)
        parts.administer("key", "rotate", "customer-pii")
        yield
        parts.set_faults(parts.hsm_faults)


# Those under which something must have been refused, or the fault never came to be.
REFUSES = ("PostgreSQL's backend: SIGKILL", "PostgreSQL's backend: SIGTERM", "PostgreSQL: ", "disk of the audit log: write", "disk of the store: ",
           "PostgreSQL's disk", "HSM: C_Sign 0x", "HSM: C_UnwrapKey")
