"""PKCS#11 by ctypes, to the letter: every function of a module by its place in the lists of 2.40 and 3.0, and calls that no
library would make. Constants are those of pkcs11-base-v3.0."""
import ctypes
from ctypes import POINTER, Structure, byref, c_byte, c_char_p, c_ubyte, c_ulong, c_void_p, cast

NAMES_2_40 = """Initialize Finalize GetInfo GetFunctionList GetSlotList GetSlotInfo GetTokenInfo GetMechanismList GetMechanismInfo InitToken
InitPIN SetPIN OpenSession CloseSession CloseAllSessions GetSessionInfo GetOperationState SetOperationState Login Logout CreateObject
CopyObject DestroyObject GetObjectSize GetAttributeValue SetAttributeValue FindObjectsInit FindObjects FindObjectsFinal EncryptInit Encrypt
EncryptUpdate EncryptFinal DecryptInit Decrypt DecryptUpdate DecryptFinal DigestInit Digest DigestUpdate DigestKey DigestFinal SignInit Sign
SignUpdate SignFinal SignRecoverInit SignRecover VerifyInit Verify VerifyUpdate VerifyFinal VerifyRecoverInit VerifyRecover
DigestEncryptUpdate DecryptDigestUpdate SignEncryptUpdate DecryptVerifyUpdate GenerateKey GenerateKeyPair WrapKey UnwrapKey DeriveKey
SeedRandom GenerateRandom GetFunctionStatus CancelFunction WaitForSlotEvent""".split()
NAMES_3_0 = NAMES_2_40 + """GetInterfaceList GetInterface LoginUser SessionCancel MessageEncryptInit EncryptMessage EncryptMessageBegin
EncryptMessageNext MessageEncryptFinal MessageDecryptInit DecryptMessage DecryptMessageBegin DecryptMessageNext MessageDecryptFinal
MessageSignInit SignMessage SignMessageBegin SignMessageNext MessageSignFinal MessageVerifyInit VerifyMessage VerifyMessageBegin
VerifyMessageNext MessageVerifyFinal""".split()
# Those that take no session first.
WITHOUT_SESSION = """Initialize Finalize GetInfo GetFunctionList GetSlotList GetSlotInfo GetTokenInfo GetMechanismList GetMechanismInfo InitToken
OpenSession CloseAllSessions WaitForSlotEvent GetInterfaceList GetInterface""".split()

RETURN_VALUES = {
    0x00: "OK", 0x02: "HOST_MEMORY", 0x03: "SLOT_ID_INVALID", 0x05: "GENERAL_ERROR", 0x06: "FUNCTION_FAILED", 0x07: "ARGUMENTS_BAD",
    0x08: "NO_EVENT", 0x0a: "CANT_LOCK", 0x11: "ATTRIBUTE_SENSITIVE", 0x12: "ATTRIBUTE_TYPE_INVALID", 0x13: "ATTRIBUTE_VALUE_INVALID",
    0x1b: "ACTION_PROHIBITED", 0x20: "DATA_INVALID", 0x21: "DATA_LEN_RANGE", 0x30: "DEVICE_ERROR", 0x40: "ENCRYPTED_DATA_INVALID",
    0x41: "ENCRYPTED_DATA_LEN_RANGE", 0x51: "FUNCTION_NOT_PARALLEL", 0x54: "FUNCTION_NOT_SUPPORTED", 0x60: "KEY_HANDLE_INVALID",
    0x62: "KEY_SIZE_RANGE", 0x63: "KEY_TYPE_INCONSISTENT", 0x68: "KEY_FUNCTION_NOT_PERMITTED", 0x70: "MECHANISM_INVALID", 0x71: "MECHANISM_PARAM_INVALID",
    0x82: "OBJECT_HANDLE_INVALID", 0x90: "OPERATION_ACTIVE", 0x91: "OPERATION_NOT_INITIALIZED", 0xa0: "PIN_INCORRECT",
    0xb3: "SESSION_HANDLE_INVALID", 0xb4: "SESSION_PARALLEL_NOT_SUPPORTED", 0xc0: "SIGNATURE_INVALID", 0xc1: "SIGNATURE_LEN_RANGE",
    0xd0: "TEMPLATE_INCOMPLETE", 0xd1: "TEMPLATE_INCONSISTENT", 0xe0: "TOKEN_NOT_PRESENT", 0xe1: "TOKEN_NOT_RECOGNIZED", 0x100: "USER_ALREADY_LOGGED_IN", 0x101: "USER_NOT_LOGGED_IN",
    0x103: "USER_TYPE_INVALID", 0x120: "RANDOM_SEED_NOT_SUPPORTED", 0x121: "RANDOM_NO_RNG", 0x150: "BUFFER_TOO_SMALL",
    0x190: "CRYPTOKI_NOT_INITIALIZED", 0x191: "CRYPTOKI_ALREADY_INITIALIZED"}

SERIAL, READ_WRITE, OS_LOCKING, DONT_BLOCK = 4, 2, 2, 1
USER, SO, CONTEXT_SPECIFIC = 1, 0, 2
PUBLIC_KEY, PRIVATE_KEY, SECRET_KEY = 2, 3, 4
CLASS, LABEL, VALUE, KEY_TYPE, ID, SENSITIVE, SIGN, VERIFY, MODULUS, EXTRACTABLE, EC_POINT = (
    0, 3, 0x11, 0x100, 0x102, 0x103, 0x108, 0x10a, 0x120, 0x162, 0x181)
RSA_PKCS, SHA256_RSA_PKCS, RSA_PSS, SHA256_HMAC, ECDSA, ECDSA_SHA256, AES_GCM = 1, 0x40, 0xd, 0x251, 0x1041, 0x1044, 0x1087
SHA256, MGF1_SHA256 = 0x250, 2
OAEP, ECDH1_DERIVE, KDF_NULL = 9, 0x1050, 1
OAEP_HASHES = {"sha1": (0x220, 1), "sha224": (0x255, 5), "sha256": (0x250, 2), "sha384": (0x260, 3), "sha512": (0x270, 4)}  # CKM_, CKG_MGF1_
UNAVAILABLE = c_ulong(-1).value


class InitializeArguments(Structure):
    _fields_ = [("functions", c_void_p * 4), ("flags", c_ulong), ("reserved", c_void_p)]


class MechanismOf(Structure):
    _fields_ = [("type", c_ulong), ("parameter", c_void_p), ("bytes", c_ulong)]


class PssParameters(Structure):
    _fields_ = [("hash", c_ulong), ("mgf", c_ulong), ("salt", c_ulong)]


class OaepParameters(Structure):
    _fields_ = [("hash", c_ulong), ("mgf", c_ulong), ("source", c_ulong), ("label", c_void_p), ("bytes", c_ulong)]


class EcdhParameters(Structure):
    _fields_ = [("kdf", c_ulong), ("shared_bytes", c_ulong), ("shared", c_void_p), ("bytes", c_ulong), ("point", c_void_p)]


class GcmParameters(Structure):
    _fields_ = [("iv", c_void_p), ("iv_bytes", c_ulong), ("iv_bits", c_ulong), ("aad", c_void_p), ("aad_bytes", c_ulong), ("tag_bits", c_ulong)]


class CounterParameters(Structure):
    _fields_ = [("bits", c_ulong), ("counter", c_ubyte * 16)]


class AttributeOf(Structure):
    _fields_ = [("type", c_ulong), ("value", c_void_p), ("bytes", c_ulong)]


class InterfaceOf(Structure):
    _fields_ = [("name", c_char_p), ("functions", c_void_p), ("flags", c_ulong)]


class Version(Structure):
    _fields_ = [("major", c_ubyte), ("minor", c_ubyte)]


def mechanism(kind, parameter=None):
    return MechanismOf(kind, cast(byref(parameter), c_void_p) if parameter else None, ctypes.sizeof(parameter) if parameter else 0)


def oaep(name, label=b"", mgf=None):
    kept = ctypes.create_string_buffer(label, len(label)) if label else None
    number, its_mgf = OAEP_HASHES[name]
    parameters = OaepParameters(number, mgf or its_mgf, 1, cast(kept, c_void_p) if kept else None, len(label))
    parameters.kept = kept
    return parameters


def gcm(iv, aad=b"", tag_bits=128):
    kept = ctypes.create_string_buffer(iv, max(len(iv), 1)), ctypes.create_string_buffer(aad, max(len(aad), 1))
    parameters = GcmParameters(cast(kept[0], c_void_p), len(iv), len(iv) * 8, cast(kept[1], c_void_p) if aad else None, len(aad), tag_bits)
    parameters.kept = kept
    return parameters


def counter(first, bits=128):
    return CounterParameters(bits, (c_ubyte * 16)(*first))


def block(iv):
    return ctypes.create_string_buffer(iv, len(iv)) if iv else None


def template(*pairs):
    """Of (attribute, True, False or a number)."""
    kept, rows = [], (AttributeOf * max(len(pairs), 1))()
    for place, (kind, value) in enumerate(pairs):
        data = ctypes.create_string_buffer(bytes([value]), 1) if isinstance(value, bool) else c_ulong(value)
        kept.append(data)
        rows[place] = (kind, cast(byref(data), c_void_p), ctypes.sizeof(data))
    return rows, kept


class Module:
    """call("Sign", ...) answers the name of the return value, and "0x..." for one that the list above has not."""
    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        functions = POINTER(c_void_p)()
        assert self.library.C_GetFunctionList(byref(functions)) == 0
        self.lists = {"2.40": self._places(ctypes.addressof(functions.contents), NAMES_2_40)}
        interface = POINTER(InterfaceOf)()
        version = Version(3, 0)
        assert self.library.C_GetInterface(None, byref(version), byref(interface), c_ulong(0)) == 0
        self.lists["3.0"] = self._places(interface.contents.functions, NAMES_3_0)

    @staticmethod
    def _places(address, names):
        pointers = (c_void_p * (len(names) + 1)).from_address(address)  # the version takes one place
        return {name: pointers[1 + number] for number, name in enumerate(names)}

    def call(self, name, *arguments, version="3.0"):
        function = ctypes.CFUNCTYPE(c_ulong)(self.lists[version][name])
        function.argtypes = None
        returned = function(*(c_ulong(a) if isinstance(a, int) else a for a in arguments))
        return RETURN_VALUES.get(returned, hex(returned))

    def must(self, name, *arguments):
        returned = self.call(name, *arguments)
        if returned != "OK":
            raise RuntimeError(f"C_{name}: {returned}")

    # ---- what most callers do

    def initialize(self, reserved=None):
        text = ctypes.create_string_buffer(reserved.encode()) if reserved is not None else None
        arguments = InitializeArguments((c_void_p * 4)(), OS_LOCKING, ctypes.cast(text, c_void_p) if text else None)
        return self.call("Initialize", byref(arguments))

    def open_session(self, flags=SERIAL):
        handle = c_ulong()
        self.must("OpenSession", 0, flags, None, None, byref(handle))
        return handle.value

    def find(self, session, **wanted):
        """Handles of the objects with these attributes: label="web", of_class=PRIVATE_KEY."""
        template, kept = (AttributeOf * 2)(), []
        for name, value in wanted.items():
            data = c_ulong(value) if name == "of_class" else ctypes.create_string_buffer(value.encode(), len(value))
            template[len(kept)] = (CLASS if name == "of_class" else LABEL, ctypes.cast(byref(data), c_void_p), ctypes.sizeof(data))
            kept.append(data)
        self.must("FindObjectsInit", session, template, len(kept))
        found, count = (c_ulong * 100)(), c_ulong()
        self.must("FindObjects", session, found, 100, byref(count))
        self.must("FindObjectsFinal", session)
        return list(found[:count.value])

    def attribute(self, session, handle, kind):
        """Its bytes, or the name of the return value."""
        one = AttributeOf(kind, None, 0)
        if (returned := self.call("GetAttributeValue", session, handle, byref(one), 1)) != "OK":
            return returned
        data = ctypes.create_string_buffer(max(one.bytes, 1))
        one.value = ctypes.cast(data, c_void_p)
        self.must("GetAttributeValue", session, handle, byref(one), 1)
        return data.raw[:one.bytes]

    def sign_init(self, session, mechanism, handle, parameter=None):
        kept = MechanismOf(mechanism, ctypes.cast(byref(parameter), c_void_p) if parameter else None,
                           ctypes.sizeof(parameter) if parameter else 0)
        return self.call("SignInit", session, byref(kept), handle)

    def verify_init(self, session, mechanism, handle):
        return self.call("VerifyInit", session, byref(MechanismOf(mechanism, None, 0)), handle)

    def sign(self, session, data, room=1024):
        """(return value, signature)"""
        out, size = ctypes.create_string_buffer(room), c_ulong(room)
        returned = self.call("Sign", session, data, len(data), out, byref(size))
        return returned, out.raw[:size.value] if returned == "OK" else size.value

    def verify(self, session, data, signature):
        return self.call("Verify", session, data, len(data), signature, len(signature))

    def decrypt(self, session, handle, kind, ciphertext, parameter=None, room=1024):
        """(return value, plaintext)"""
        if (begun := self.call("DecryptInit", session, byref(mechanism(kind, parameter)), handle)) != "OK":
            return begun, b""
        out, size = ctypes.create_string_buffer(room), c_ulong(room)
        returned = self.call("Decrypt", session, ciphertext, len(ciphertext), out, byref(size))
        return returned, out.raw[:size.value] if returned == "OK" else b""

    def derive(self, session, handle, point, *pairs, kdf=KDF_NULL):
        """(return value, handle of the secret)"""
        kept = ctypes.create_string_buffer(point, len(point))
        parameters = EcdhParameters(kdf, 0, None, len(point), cast(kept, c_void_p))
        rows, values = template(*pairs)
        made = c_ulong()
        returned = self.call("DeriveKey", session, byref(mechanism(ECDH1_DERIVE, parameters)), handle, rows, len(values), byref(made))
        return returned, made.value
