#!/usr/bin/python3 -B
# Every function of the PKCS#11 module in every wrong state: what it answers, and that it lives. The asker is this file again,
# as the user that the agent knows ("ask" below), since a module asks for the process that loads it.
import ctypes
import hashlib
import json
import os
import pathlib
import sys
import threading
import time
from ctypes import byref, c_ulong

import cryptoki
from cryptoki import Module

NO_SESSION = 12_345
KEYS = "web:ecdsa-p256 api:rsa-2048 codes:hmac-sha-256-raw forbidden:ecdsa-p256 edwards:ed25519 cipher:aes-256-gcm"
DIGEST = hashlib.sha256(b"message").digest()


def arguments_of(name):
    """Nothing but nulls and zeros behind the session."""
    return [None] * 9


def states(module):
    """(version, function, return value) of every function in a state where it must not do anything."""
    for version, names in (("2.40", cryptoki.NAMES_2_40), ("3.0", cryptoki.NAMES_3_0)):
        for name in names:
            if name not in ("Initialize", "GetFunctionList", "GetInterface", "GetInterfaceList", "Finalize"):
                yield version, name, module.call(name, NO_SESSION, *arguments_of(name), version=version)
        yield version, "Finalize", module.call("Finalize", None, version=version)


def child_of(work):
    """What `work` answers in a child of this process."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            answer = work()
        except BaseException as error:  # the child must not go on as the parent
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    status = os.waitpid(pid, 0)[1]
    return json.loads(data) if status == 0 and data else f"the child died: {status}"


def ask(path, kind):
    module = Module(path)
    answers = {}

    def say(name, answer):
        answers[name] = answer

    globals()[f"ask_{kind}"](module, say)
    print(json.dumps(answers))


def ask_states(module, say):
    say("before", list(states(module)))
    say("initialize", module.initialize())
    say("initialize again", module.initialize())
    say("without a session", [row for row in states_of_sessions(module)])
    session = module.open_session()
    say("not served", [(name, module.call(name, session, *arguments_of(name))) for name in NOT_SERVED])
    say("not begun", [(name, module.call(name, session, *arguments_of(name))) for name in NOT_BEGUN])
    say("finalize with an argument", module.call("Finalize", ctypes.c_char_p(b"x")))
    say("finalize", module.call("Finalize", None))
    say("finalize again", module.call("Finalize", None))
    say("after", list(states(module)))
    say("initialize anew", module.initialize())
    say("the session is gone", module.call("CloseSession", session))


def states_of_sessions(module):
    for name in cryptoki.NAMES_3_0:
        if name not in cryptoki.WITHOUT_SESSION:
            yield name, module.call(name, NO_SESSION, *arguments_of(name))


NOT_SERVED = """InitPIN SetPIN GetOperationState SetOperationState CreateObject CopyObject GetObjectSize SetAttributeValue
DigestInit Digest DigestUpdate DigestKey DigestFinal
SignRecoverInit SignRecover VerifyRecoverInit VerifyRecover DigestEncryptUpdate DecryptDigestUpdate SignEncryptUpdate DecryptVerifyUpdate
GenerateKey GenerateKeyPair WrapKey UnwrapKey MessageEncryptInit EncryptMessage EncryptMessageBegin EncryptMessageNext
MessageEncryptFinal MessageDecryptInit DecryptMessage DecryptMessageBegin DecryptMessageNext MessageDecryptFinal MessageSignInit SignMessage
SignMessageBegin SignMessageNext MessageSignFinal MessageVerifyInit VerifyMessage VerifyMessageBegin VerifyMessageNext
MessageVerifyFinal""".split()
NOT_BEGUN = ("FindObjects FindObjectsFinal Sign SignUpdate SignFinal Verify VerifyUpdate VerifyFinal Encrypt EncryptUpdate EncryptFinal "
             "Decrypt DecryptUpdate DecryptFinal").split()


def ask_arguments(module, say):
    arguments = cryptoki.InitializeArguments()
    arguments.functions[0] = 1
    say("one lock function", module.call("Initialize", byref(arguments)))
    for place in range(4):
        arguments.functions[place] = 1
    say("locks of the caller alone", module.call("Initialize", byref(arguments)))
    for text in ("pin=1234", "socket=relative", "wait_ms=x"):
        say(f"argument {text}", module.initialize(text))
    say("initialize with null", module.call("Initialize", None))

    number, room = c_ulong(), c_ulong(0)
    say("slots without a count", module.call("GetSlotList", 1, None, None))
    say("slots, their count", [module.call("GetSlotList", 1, None, byref(number)), number.value])
    say("slots without room", module.call("GetSlotList", 1, byref(c_ulong()), byref(room)))
    info = ctypes.create_string_buffer(1000)
    for name in ("GetSlotInfo", "GetTokenInfo"):
        say(f"{name} of another slot", module.call(name, 7, info))
        say(f"{name} into nothing", module.call(name, 0, None))
    say("GetInfo into nothing", module.call("GetInfo", None))
    say("mechanisms of another slot", module.call("GetMechanismList", 7, None, byref(number)))
    say("mechanisms without a count", module.call("GetMechanismList", 0, None, None))
    say("mechanisms without room", module.call("GetMechanismList", 0, byref(c_ulong()), byref(c_ulong(1))))
    say("an unknown mechanism", module.call("GetMechanismInfo", 0, 3, info))
    say("a mechanism into nothing", module.call("GetMechanismInfo", 0, cryptoki.ECDSA, None))
    say("InitToken", module.call("InitToken", 0, None, 0, None))
    say("InitToken of another slot", module.call("InitToken", 7, None, 0, None))
    say("an event", module.call("WaitForSlotEvent", cryptoki.DONT_BLOCK, byref(number), None))
    say("waiting for an event", module.call("WaitForSlotEvent", 0, byref(number), None))
    handle = c_ulong()
    say("a session of another slot", module.call("OpenSession", 7, cryptoki.SERIAL, None, None, byref(handle)))
    say("a parallel session", module.call("OpenSession", 0, 0, None, None, byref(handle)))
    say("a session into nothing", module.call("OpenSession", 0, cryptoki.SERIAL, None, None, None))
    say("closing those of another slot", module.call("CloseAllSessions", 7))

    session = module.open_session()
    say("SessionInfo into nothing", module.call("GetSessionInfo", session, None))
    say("login as an officer", module.call("Login", session, cryptoki.SO, b"x", 1))
    say("login in context", module.call("Login", session, cryptoki.CONTEXT_SPECIFIC, b"x", 1))
    say("login by a null of a length", module.call("Login", session, cryptoki.USER, None, 4))
    say("login by name", module.call("LoginUser", session, cryptoki.USER, b"x", 1, b"root", 4))
    say("login by a false token", module.call("Login", session, cryptoki.USER, b"eyJh.eyJi.c2ln", 14))
    say("logout before login", module.call("Logout", session))
    say("login", module.call("Login", session, cryptoki.USER, b"anything", 8))
    say("login again", module.call("LoginUser", session, cryptoki.USER, b"anything", 8, None, 0))
    say("logout", module.call("Logout", session))
    say("seed", module.call("SeedRandom", session, b"x", 1))
    say("random into nothing", module.call("GenerateRandom", session, None, 8))
    drawn = [ctypes.create_string_buffer(3000) for _ in range(2)]
    say("random", [module.call("GenerateRandom", session, each, 3000) for each in drawn])
    say("random differs", drawn[0].raw != drawn[1].raw and len(set(drawn[0].raw[1024:])) > 200)
    say("function status", [module.call(name, session) for name in ("GetFunctionStatus", "CancelFunction")])

    say("a template of null", module.call("FindObjectsInit", session, None, 1))
    nulls = cryptoki.AttributeOf(cryptoki.LABEL, None, 3)
    say("a template of a null value", module.call("FindObjectsInit", session, byref(nulls), 1))
    module.must("FindObjectsInit", session, None, 0)
    say("a search in a search", module.call("FindObjectsInit", session, None, 0))
    say("found into nothing", module.call("FindObjects", session, None, 1, byref(number)))
    say("found without a count", module.call("FindObjects", session, byref(handle), 1, None))
    module.must("SessionCancel", session, 0x40)
    say("a search that was cancelled", module.call("FindObjectsFinal", session))
    web = module.find(session, label="web", of_class=cryptoki.PRIVATE_KEY)[0]
    say("attributes of nothing", module.call("GetAttributeValue", session, 4711, None, 0))
    say("attributes by null", module.call("GetAttributeValue", session, web, None, 1))
    say("the value of a key", module.attribute(session, web, cryptoki.VALUE))
    say("the modulus of a curve", module.attribute(session, web, cryptoki.MODULUS))

    interface = ctypes.POINTER(cryptoki.InterfaceOf)()
    get = module.library.C_GetInterface
    name = cryptoki.RETURN_VALUES
    say("an interface of another name", name[get(b"Vendor", None, byref(interface), c_ulong(0))])
    say("an interface of another version", name[get(b"PKCS 11", byref(cryptoki.Version(4, 0)), byref(interface), c_ulong(0))])
    say("an interface into nothing", name[get(None, None, None, c_ulong(0))])
    say("a fork safe interface", name[get(b"PKCS 11", None, byref(interface), c_ulong(1))])
    say("the usual interface", [name[get(b"PKCS 11", None, byref(interface), c_ulong(0))], interface.contents.name.decode()])
    say("interfaces without a count", name[module.library.C_GetInterfaceList(None, None)])
    say("interfaces without room", name[module.library.C_GetInterfaceList(byref(cryptoki.InterfaceOf()), byref(c_ulong(1)))])
    say("interfaces, their count", [name[module.library.C_GetInterfaceList(None, byref(number))], number.value])
    say("the functions into nothing", name[module.library.C_GetFunctionList(None)])


def ask_signing(module, say):
    module.must("Initialize", None)
    session = module.open_session(cryptoki.SERIAL | cryptoki.READ_WRITE)
    every = module.find(session)
    label = lambda handle: module.attribute(session, handle, cryptoki.LABEL).decode()
    say("objects", sorted((label(each), int.from_bytes(module.attribute(session, each, cryptoki.CLASS), "little")) for each in every))
    find = lambda name, of_class: module.find(session, label=name, of_class=of_class)[0]
    web, web_public = find("web", cryptoki.PRIVATE_KEY), find("web", cryptoki.PUBLIC_KEY)
    api, codes = find("api", cryptoki.PRIVATE_KEY), find("codes", cryptoki.SECRET_KEY)
    say("flags", [module.attribute(session, web, kind)[0] for kind in (cryptoki.SENSITIVE, cryptoki.EXTRACTABLE, cryptoki.SIGN)])

    say("an unknown mechanism", module.sign_init(session, cryptoki.AES_GCM, web))
    say("another key's mechanism", module.sign_init(session, cryptoki.RSA_PKCS, web))
    say("a key that is none", module.sign_init(session, cryptoki.ECDSA, 4711))
    say("a public key to sign", module.sign_init(session, cryptoki.ECDSA, web_public))
    say("a private key to verify", module.verify_init(session, cryptoki.ECDSA, web))
    say("PSS without its parameter", module.sign_init(session, cryptoki.RSA_PSS, api))
    say("PSS of a short salt", module.sign_init(session, cryptoki.RSA_PSS, api, cryptoki.PssParameters(cryptoki.SHA256, cryptoki.MGF1_SHA256, 20)))
    say("a parameter that is not wanted", module.sign_init(session, cryptoki.ECDSA, web, cryptoki.PssParameters(1, 1, 1)))

    say("init", module.sign_init(session, cryptoki.ECDSA, web))
    say("init in init", module.sign_init(session, cryptoki.ECDSA, web))
    size = c_ulong()
    say("the length", [module.call("Sign", session, DIGEST, 32, None, byref(size)), size.value])
    say("without room", list(module.sign(session, DIGEST, room=63)))
    returned, signature = module.sign(session, DIGEST)
    say("then with room", [returned, len(signature)])
    say("and it is over", module.sign(session, DIGEST)[0])
    for name, data in (("a short", b"x" * 20), ("a long", b"x" * 65), ("an empty", b"")):
        module.sign_init(session, cryptoki.ECDSA, web)
        say(f"{name} digest", module.sign(session, data)[0])
    module.sign_init(session, cryptoki.ECDSA, web)
    say("data of null", module.call("Sign", session, None, 32, ctypes.create_string_buffer(64), byref(c_ulong(64))))
    say("ends it", module.call("Sign", session, DIGEST, 32, ctypes.create_string_buffer(64), byref(c_ulong(64))))
    module.sign_init(session, cryptoki.ECDSA, web)
    say("without a length", module.call("Sign", session, DIGEST, 32, ctypes.create_string_buffer(64), None))
    module.sign_init(session, cryptoki.ECDSA, web)
    say("a part, then the whole", [module.call("SignUpdate", session, b"x", 1), module.sign(session, DIGEST)[0]])
    say("init without a mechanism ends it", [module.call("SignInit", session, None, 0), module.sign(session, DIGEST)[0]])
    module.sign_init(session, cryptoki.SHA256_RSA_PKCS, api)
    say("a part of null", [module.call("SignUpdate", session, None, 1), module.call("SignUpdate", session, b"x", 1)])
    module.sign_init(session, cryptoki.SHA256_RSA_PKCS, api)
    megabytes = b"x" * (1 << 20)
    say("sixteen MiB and one byte", [module.call("SignUpdate", session, megabytes, len(megabytes)) for _ in range(16)]
        + [module.call("SignUpdate", session, b"x", 1)])
    module.sign_init(session, cryptoki.SHA256_RSA_PKCS, api)
    every = c_ulong(-1)  # with the byte before it as many as none
    say("a part as long as can be said", [module.call("SignUpdate", session, b"x", 1), module.call("SignUpdate", session, b"x", every)])
    module.sign_init(session, cryptoki.RSA_PKCS, api)
    say("no DigestInfo", module.sign(session, DIGEST)[0])

    module.sign_init(session, cryptoki.ECDSA_SHA256, web)
    module.must("SignUpdate", session, b"mess", 4)
    module.must("SignUpdate", session, b"age", 3)
    out, size = ctypes.create_string_buffer(64), c_ulong(64)
    say("in parts", [module.call("SignFinal", session, out, byref(size)), size.value])

    def verified(data, sign):
        module.verify_init(session, cryptoki.ECDSA, web_public)
        return module.verify(session, data, sign)

    say("verified", [verified(DIGEST, signature), verified(DIGEST, out.raw), verified(DIGEST[::-1], signature),
                     verified(DIGEST, signature[:-1]), verified(DIGEST, b"\0" * 64), verified(DIGEST[:10], signature)])
    module.verify_init(session, cryptoki.ECDSA, web_public)
    say("a signature of null", module.call("Verify", session, DIGEST, 32, None, 64))

    module.sign_init(session, cryptoki.SHA256_HMAC, codes)
    returned, code = module.sign(session, b"message")
    module.verify_init(session, cryptoki.SHA256_HMAC, codes)
    good = module.verify(session, b"message", code)
    module.verify_init(session, cryptoki.SHA256_HMAC, codes)
    say("a code", [returned, len(code), good, module.verify(session, b"massage", code)])
    module.sign_init(session, cryptoki.SHA256_HMAC, codes)
    say("a code without room", list(module.sign(session, b"message", room=31)))
    module.must("CloseAllSessions", 0)
    say("a closed session", module.call("GetSessionInfo", session, ctypes.create_string_buffer(100)))


def ask_fork(module, say):
    module.must("Initialize", None)
    session = module.open_session()
    web = module.find(session, label="web", of_class=cryptoki.PRIVATE_KEY)[0]

    def signs(with_session, handle):
        return [module.sign_init(with_session, cryptoki.ECDSA, handle), module.sign(with_session, DIGEST)[0]]

    say("the parent", signs(session, web))
    say("a child as it is", child_of(lambda: [list(states(module)), module.call("GetSessionInfo", session, None)]))
    say("a child that initializes", child_of(lambda: [module.initialize(), module.call("GetSessionInfo", session, None),
                                                     signs(module.open_session(), web), module.call("Finalize", None)]))
    say("a child of a child", child_of(lambda: child_of(lambda: [module.initialize(), signs(module.open_session(), web)])))
    say("the parent goes on", signs(session, web))

    sockets = [int(each) for each in os.listdir("/proc/self/fd")
               if os.path.exists(f"/proc/self/fd/{each}") and os.readlink(f"/proc/self/fd/{each}").startswith("socket:")]
    say("the parent has connections", len(sockets) > 0)

    def closes_all():
        """As a daemon does: what it got is closed, and files of its own have those numbers."""
        null = os.open("/dev/null", os.O_RDONLY)
        for each in sockets:
            os.dup2(null, each)
        returned = module.initialize()
        lost = [each for each in sockets if not os.path.exists(f"/proc/self/fd/{each}")]
        return [returned, lost, signs(module.open_session(), web)]

    say("a child that closed all it got", child_of(closes_all))
    say("the parent goes on after that", signs(session, web))

    # A child of a process whose other threads are in calls: their locks are held for ever there.
    stop = threading.Event()

    def busy():
        own = module.open_session()
        while not stop.is_set():
            signs(own, web)

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    work = lambda: [module.initialize(), signs(module.open_session(), web)]
    say("children of a busy process", [child_of(work) for _ in range(20)])
    stop.set()
    for thread in threads:
        thread.join()
    say("the busy parent goes on", signs(session, web))


def ask_threads(module, say):
    module.must("Initialize", None)
    results, lock = [], threading.Lock()

    def work():
        session = module.open_session()
        web = module.find(session, label="web", of_class=cryptoki.PRIVATE_KEY)[0]
        public = module.find(session, label="web", of_class=cryptoki.PUBLIC_KEY)[0]
        own = set()
        for _ in range(10):
            module.sign_init(session, cryptoki.ECDSA, web)
            returned, signature = module.sign(session, DIGEST)
            module.verify_init(session, cryptoki.ECDSA, public)
            own.add((returned, module.verify(session, DIGEST, signature)))
        with lock:
            results.extend(own)

    threads = [threading.Thread(target=work) for _ in range(24)]  # more than there are connections
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say("twenty-four threads", sorted(set(results)) + [len(results)])

    # One session used by many, which the standard forbids: nothing worse than a refusal.
    session = module.open_session()
    web = module.find(session, label="web", of_class=cryptoki.PRIVATE_KEY)[0]
    outcomes = set()

    def quarrel():
        for _ in range(50):
            outcomes.add(module.sign_init(session, cryptoki.ECDSA, web))
            outcomes.add(module.sign(session, DIGEST)[0])

    threads = [threading.Thread(target=quarrel) for _ in range(4)]
    for thread in threads:
        thread.start()
    finished = module.call("Finalize", None)
    begun = time.monotonic()
    for thread in threads:
        thread.join()
    say("nobody waits for what was ended", time.monotonic() - begun < 5)  # and not for wait_ms
    say("a quarrel", sorted(outcomes - {"OK", "OPERATION_ACTIVE", "OPERATION_NOT_INITIALIZED", "CRYPTOKI_NOT_INITIALIZED",
                                        "SESSION_HANDLE_INVALID"}) + [finished])


def ask_alone(module, say):
    """Without an agent."""
    module.must("Initialize", None)
    info = ctypes.create_string_buffer(1000)
    say("token and session", [module.call("GetTokenInfo", 0, info), module.call("GetSlotInfo", 0, info)])
    session = module.open_session()
    say("a search", module.call("FindObjectsInit", session, None, 0))
    say("a login", module.call("Login", session, cryptoki.USER, b"eyJh.eyJi.c2ln", 14))
    say("random", module.call("GenerateRandom", session, info, 8))
    say("a key", module.sign_init(session, cryptoki.ECDSA, 4711))


if sys.argv[1:2] == ["ask"]:
    ask(*sys.argv[2:])
    sys.exit(0)

from harness import Tap, scratch_directory  # noqa: E402  (the asker needs no build)
from unix_programs import MODULE, Host, run  # noqa: E402

PYTHON = str(pathlib.Path(sys.executable).resolve())
EXPECTED_ARGUMENTS = {
    "one lock function": "ARGUMENTS_BAD", "locks of the caller alone": "CANT_LOCK", "argument pin=1234": "ARGUMENTS_BAD",
    "argument socket=relative": "ARGUMENTS_BAD", "argument wait_ms=x": "ARGUMENTS_BAD", "initialize with null": "OK",
    "slots without a count": "ARGUMENTS_BAD", "slots, their count": ["OK", 1], "slots without room": "BUFFER_TOO_SMALL",
    "GetSlotInfo of another slot": "SLOT_ID_INVALID", "GetSlotInfo into nothing": "ARGUMENTS_BAD",
    "GetTokenInfo of another slot": "SLOT_ID_INVALID", "GetTokenInfo into nothing": "ARGUMENTS_BAD", "GetInfo into nothing": "ARGUMENTS_BAD",
    "mechanisms of another slot": "SLOT_ID_INVALID", "mechanisms without a count": "ARGUMENTS_BAD",
    "mechanisms without room": "BUFFER_TOO_SMALL", "an unknown mechanism": "MECHANISM_INVALID", "a mechanism into nothing": "ARGUMENTS_BAD",
    "InitToken": "FUNCTION_NOT_SUPPORTED", "InitToken of another slot": "SLOT_ID_INVALID", "an event": "NO_EVENT",
    "waiting for an event": "FUNCTION_NOT_SUPPORTED", "a session of another slot": "SLOT_ID_INVALID",
    "a parallel session": "SESSION_PARALLEL_NOT_SUPPORTED", "a session into nothing": "ARGUMENTS_BAD",
    "closing those of another slot": "SLOT_ID_INVALID", "SessionInfo into nothing": "ARGUMENTS_BAD",
    "login as an officer": "USER_TYPE_INVALID", "login in context": "OPERATION_NOT_INITIALIZED",
    "login by a null of a length": "ARGUMENTS_BAD", "login by name": "ARGUMENTS_BAD", "login by a false token": "PIN_INCORRECT",
    "logout before login": "USER_NOT_LOGGED_IN", "login": "OK", "login again": "USER_ALREADY_LOGGED_IN", "logout": "OK",
    "seed": "RANDOM_SEED_NOT_SUPPORTED", "random into nothing": "ARGUMENTS_BAD", "random": ["OK", "OK"], "random differs": True,
    "function status": ["FUNCTION_NOT_PARALLEL"] * 2, "a template of null": "ARGUMENTS_BAD", "a template of a null value": "ARGUMENTS_BAD",
    "a search in a search": "OPERATION_ACTIVE", "found into nothing": "ARGUMENTS_BAD", "found without a count": "ARGUMENTS_BAD",
    "a search that was cancelled": "OPERATION_NOT_INITIALIZED", "attributes of nothing": "OBJECT_HANDLE_INVALID",
    "attributes by null": "ARGUMENTS_BAD", "the value of a key": "ATTRIBUTE_SENSITIVE", "the modulus of a curve": "ATTRIBUTE_TYPE_INVALID",
    "an interface of another name": "FUNCTION_FAILED", "an interface of another version": "FUNCTION_FAILED",
    "an interface into nothing": "ARGUMENTS_BAD", "a fork safe interface": "FUNCTION_FAILED", "the usual interface": ["OK", "PKCS 11"],
    "interfaces without a count": "ARGUMENTS_BAD", "interfaces without room": "BUFFER_TOO_SMALL", "interfaces, their count": ["OK", 2],
    "the functions into nothing": "ARGUMENTS_BAD"}
EXPECTED_SIGNING = {
    "objects": [["api", 2], ["api", 3], ["codes", 4], ["web", 2], ["web", 3]], "flags": [1, 0, 1],
    "an unknown mechanism": "MECHANISM_INVALID", "another key's mechanism": "KEY_TYPE_INCONSISTENT", "a key that is none": "KEY_HANDLE_INVALID",
    "a public key to sign": "KEY_TYPE_INCONSISTENT", "a private key to verify": "KEY_TYPE_INCONSISTENT",
    "PSS without its parameter": "MECHANISM_PARAM_INVALID", "PSS of a short salt": "MECHANISM_PARAM_INVALID",
    "a parameter that is not wanted": "MECHANISM_PARAM_INVALID", "init": "OK", "init in init": "OPERATION_ACTIVE", "the length": ["OK", 64],
    "without room": ["BUFFER_TOO_SMALL", 64], "then with room": ["OK", 64], "and it is over": "OPERATION_NOT_INITIALIZED",
    "a short digest": "DATA_LEN_RANGE", "a long digest": "DATA_LEN_RANGE", "an empty digest": "DATA_LEN_RANGE",
    "data of null": "ARGUMENTS_BAD", "ends it": "OPERATION_NOT_INITIALIZED", "without a length": "ARGUMENTS_BAD",
    "a part, then the whole": ["OK", "OPERATION_ACTIVE"], "init without a mechanism ends it": ["OK", "OPERATION_NOT_INITIALIZED"],
    "a part of null": ["ARGUMENTS_BAD", "OPERATION_NOT_INITIALIZED"], "sixteen MiB and one byte": ["OK"] * 16 + ["DATA_LEN_RANGE"],
    "a part as long as can be said": ["OK", "DATA_LEN_RANGE"], "no DigestInfo": "DATA_INVALID", "in parts": ["OK", 64],
    "verified": ["OK", "OK", "SIGNATURE_INVALID", "SIGNATURE_LEN_RANGE", "SIGNATURE_INVALID", "DATA_LEN_RANGE"],
    "a signature of null": "ARGUMENTS_BAD", "a code": ["OK", 32, "OK", "SIGNATURE_INVALID"], "a code without room": ["BUFFER_TOO_SMALL", 32],
    "a closed session": "SESSION_HANDLE_INVALID"}

with Tap() as tap, Host(PYTHON, keys=KEYS) as host:
    def asked(kind, **environment):
        done = run(PYTHON, "-B", pathlib.Path(__file__).resolve(), "ask", MODULE, kind, seconds=120,
                   env={**host.environment, "PYTHONHOME": sys.prefix, **environment})
        if done.returncode != 0:
            tap.ok(False, f"the asker of {kind} ends well", done.returncode, done.stderr)
            return {}
        return json.loads(done.stdout)

    def compare(kind, expected):
        got = asked(kind)
        for name, wanted in expected.items():
            tap.is_(got.get(name), wanted, f"{kind}: {name}")

    got = asked("states")
    for when in ("before", "after"):
        rows = got[when]
        tap.ok(len(rows) == 66 + 88 and all(row[2] == "CRYPTOKI_NOT_INITIALIZED" for row in rows),
               f"{when} C_Initialize and C_Finalize every function of both lists says so",
               len(rows), [row for row in rows if row[2] != "CRYPTOKI_NOT_INITIALIZED"])
    tap.is_([got[name] for name in ("initialize", "initialize again", "finalize with an argument", "finalize", "finalize again", "initialize anew")],
            ["OK", "CRYPTOKI_ALREADY_INITIALIZED", "ARGUMENTS_BAD", "OK", "CRYPTOKI_NOT_INITIALIZED", "OK"], "beginning and end")
    rows = got["without a session"]
    tap.ok(len(rows) == 77 and all(row[1] == "SESSION_HANDLE_INVALID" for row in rows),
           "without a session every function that needs one says so", len(rows), [row for row in rows if row[1] != "SESSION_HANDLE_INVALID"])
    tap.is_({row[1] for row in got["not served"]}, {"FUNCTION_NOT_SUPPORTED"}, f"{len(NOT_SERVED)} functions are not served, and say so")
    tap.is_({row[1] for row in got["not begun"]}, {"OPERATION_NOT_INITIALIZED"}, "what was not begun does not go on")
    tap.is_(got["the session is gone"], "SESSION_HANDLE_INVALID", "no session outlives C_Finalize")
    compare("arguments", EXPECTED_ARGUMENTS)
    compare("signing", EXPECTED_SIGNING)

    got = asked("fork")
    fine = ["OK", "OK"]
    tap.is_(got["the parent"], fine, "a process signs")
    rows, info = got["a child as it is"]
    tap.ok(all(row[2] == "CRYPTOKI_NOT_INITIALIZED" for row in rows) and info == "CRYPTOKI_NOT_INITIALIZED",
           "its child is not initialized, whatever it calls", rows)
    tap.is_(got["a child that initializes"], ["OK", "SESSION_HANDLE_INVALID", fine, "OK"], "one that initializes has the same objects under the same handles")
    tap.is_(got["a child of a child"], ["OK", fine], "so has a child of a child")
    tap.is_(got["the parent goes on"], fine, "and the parent goes on")
    tap.ok(got["the parent has connections"], "a process has connections to the agent")
    tap.is_(got["a child that closed all it got"], ["OK", [], fine], "a child that closed what it got loses none of its own files")
    tap.is_(got["the parent goes on after that"], fine, "nor does the parent lose its connections")
    tap.is_(got["children of a busy process"], [["OK", fine]] * 20, "twenty children of a process that is in calls, too")
    tap.is_(got["the busy parent goes on"], fine, "which goes on, too")
    got = asked("threads")
    tap.is_(got["twenty-four threads"], [["OK", "OK"], 24], "more threads than connections sign and verify")
    tap.ok(got["nobody waits for what was ended"], "calls under way end with C_Finalize")
    tap.is_(got["a quarrel"], ["OK"], "one session for several threads, and C_Finalize below them, ends nothing but calls")
    got = asked("alone", NAE_PKCS11=f"socket={scratch_directory()}/none wait_ms=100")
    tap.is_(got, {"token and session": ["OK", "OK"], "a search": "TOKEN_NOT_PRESENT", "a login": "TOKEN_NOT_PRESENT", "random": "TOKEN_NOT_PRESENT",
                  "a key": "TOKEN_NOT_PRESENT"}, "without an agent the token is there and its objects are not")

    records = [record for record in host.key_server.audit() if record["verdict"] == "value"]  # not of the false token
    tap.ok(len(records) > 500, "the audit log has all of it", len(records))
    tap.is_({record["role"] for record in records}, {f"unix:{host.user}"}, "every record names the Unix user as the role")
    tap.is_({record["program"] for record in records}, {"tool"}, "and the program that the agent attested")
