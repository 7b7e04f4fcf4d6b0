// Pkcs11Hsm: keys that were made elsewhere. They come wrapped for a key pair whose private half
// never leaves the HSM and are unwrapped in it, so no clear key passes through this process.
#include "keyserver/hsm/binding.hpp"
#include "keyserver/hsm/key_pair.hpp"
#include "keyserver/hsm/mechanisms.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/wrap.hpp"
#include "libnae/crypto/key_agreement.hpp"
#include "libnae/crypto/key_strength.hpp"
#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

constexpr CK_ULONG kModulusBits = 3072;
constexpr std::size_t kModulusBytes = kModulusBits / 8;
constexpr std::size_t kKwpOverheadBytes = 8;  // RFC 5649, before padding to 8
constexpr std::size_t kKwpPaddingBytes = 7;
constexpr std::size_t kAesKeyBytes = 32;
// SHA-256's block. HMAC hashes longer keys first, and SoftHSM 2.6 fills what it unwraps up to a
// multiple of 8 bytes: harmless up to the block, which HMAC fills up itself, another key beyond it.
constexpr std::size_t kMaxHmacKeyBytes = 64;
constexpr CK_ULONG kAesBlockBytes = 16;

// One answer to everything that can be wrong with a wrapping: whoever may send variants of a
// wrapped key must not learn from the answers what RSA decrypted (Bleichenbacher 1998, Manger
// 2001).
tl::unexpected<Error> rejected() {
  return fail(Code::authentication_failed, "the import key does not open what was sent",
              "Wrap the key for the import key of this server; see 'nae key import-key'.");
}

// True for failures that what was sent can cause; the others are the HSM's own.
bool caused_by_input(const Error& error) {
  return error.code == Code::hsm_failed || error.code == Code::unsupported ||
         error.code == Code::hsm_token_full;
}

// SHA-1 is all that SoftHSM 2.6 has; sound in OAEP.
constexpr HashAlgorithm kOaepHashes[] = {HashAlgorithm::sha256, HashAlgorithm::sha1};

// An AES key that unwraps and does nothing else.
Attributes& add_transport_key(const Session& session, Attributes& key) {
  key.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_AES)
      .flag(CKA_UNWRAP, true)
      .none_of({CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_DERIVE});
  return session.allow_only(key, {session.key_wrap_mechanism()});
}

Result<CK_OBJECT_HANDLE> unwrap_transport_key(const Session& session, CK_OBJECT_HANDLE import_key,
                                              HashAlgorithm hash, ByteView wrapped) {
  const HashConstants constants = constants_of(hash);
  CK_RSA_PKCS_OAEP_PARAMS parameters{constants.mechanism, constants.mgf, CKZ_DATA_SPECIFIED,
                                     nullptr, 0};
  Attributes key;
  return unwrap(session, {CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters}, import_key, wrapped,
                add_transport_key(session, key), Extractable::no);
}

// Takes the place of a transport key that OAEP did not give: what follows then fails where and as
// late as it does under a wrong transport key.
Result<CK_OBJECT_HANDLE> random_transport_key(const Session& session) {
  Attributes key;
  add_transport_key(session, key)
      .number(CKA_VALUE_LEN, kAesKeyBytes)
      .flag(CKA_TOKEN, false)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false);
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE object = 0;
  NAE_TRY(checked("C_GenerateKey", session.calls().C_GenerateKey(session.handle(), &mechanism,
                                                                 key.data(), key.size(), &object)));
  return object;
}

// Modules do not tell the length of a sensitive key. AES takes 16, 24 and 32 bytes, and the wrapped
// length says that it is 25 to 32.
Result<void> require_aes_256(const Session& session, CK_OBJECT_HANDLE transport_key,
                             ByteView wrapped) {
  Attributes kind;
  kind.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES).flag(CKA_ENCRYPT, true);
  CK_MECHANISM mechanism{session.key_wrap_mechanism(), nullptr, 0};
  bool fits = wrapped.size() == kAesKeyBytes + kKwpOverheadBytes;
  if (fits) {
    NAE_ASSIGN(const CK_OBJECT_HANDLE key,
               unwrap(session, mechanism, transport_key, wrapped, kind, Extractable::no));
    const TemporaryObject trial(session, key);
    CK_MECHANISM block{CKM_AES_ECB, nullptr, 0};
    Byte in[kAesBlockBytes] = {}, out[kAesBlockBytes];
    CK_ULONG size = sizeof out;
    const CK_FUNCTION_LIST& calls = session.calls();
    fits = calls.C_EncryptInit(session.handle(), &block, key) == CKR_OK &&
           calls.C_Encrypt(session.handle(), in, sizeof in, out, &size) == CKR_OK;
  }
  if (!fits) return fail(Code::invalid_argument, "the imported key has not 256 bits");
  return {};
}

// What is in an RSA key the HSM does not tell, but how long it is: one of three primes, each a
// third of its length, is longer, and shorter where two of them are sent as one.
Result<void> require_two_primes(KeyType type, ByteView public_key, ByteView wrapped) {
  NAE_ASSIGN(const auto key, crypto::PublicKey::of_type(type, public_key));
  if (crypto::has_two_primes_length(key, wrapped.size() - kKwpOverheadBytes, kKwpPaddingBytes))
    return {};
  return fail(Code::invalid_argument, "the RSA key is not one of two primes of the same length");
}

Result<void> require_length(const Session& session, KeyType type, CK_OBJECT_HANDLE transport_key,
                            ByteView wrapped, ByteView public_key) {
  if (object_key_type(type) == CKK_RSA) return require_two_primes(type, public_key, wrapped);
  if (is_pair(type)) return {};  // proved by its public key
  if (type != KeyType::hmac_sha_256_raw) return require_aes_256(session, transport_key, wrapped);
  // The wrapped length tells the key's but for the last 7 bytes; one that is too short shows in
  // use.
  if (wrapped.size() > kMaxHmacKeyBytes + kKwpOverheadBytes)
    return fail(Code::invalid_argument, "an imported HMAC key has at most 64 bytes",
                "Of a longer one import the SHA-256 digest: HMAC takes that in its place.");
  return {};
}

Result<void> check_request(KeyType type, const keys::Import& sent) {
  if (!is_wrappable(type))
    return fail(Code::unsupported, "keys of type " + std::string(nae::name(type)) +
                                       " cannot be imported: the HSM does not unwrap them");
  if (type == KeyType::hmac_sha_256)
    return fail(Code::key_type, "an imported HMAC key computes plain HMACs",
                "Import it with type hmac-sha-256-raw.");
  if (is_pair(type) == sent.public_key.empty())
    return fail(Code::invalid_argument, is_pair(type)
                                            ? "the public key of the private key is missing"
                                            : "a secret key has no public key");
  if (!is_pair(type)) return {};
  NAE_ASSIGN(const auto public_key, crypto::PublicKey::of_type(type, sent.public_key));
  return crypto::check_strength(public_key);
}

Result<KeyPair> generate_import_pair(const Session& session, const std::string& label) {
  Bytes id(16);
  NAE_TRY(session.random(id));
  Attributes public_half, private_half;
  for (Attributes* half : {&public_half, &private_half})
    half->flag(CKA_TOKEN, true).text(CKA_LABEL, label).bytes(CKA_ID, id);
  public_half.number(CKA_MODULUS_BITS, kModulusBits)
      .bytes(CKA_PUBLIC_EXPONENT, kRsaExponent)
      .none_of({CKA_ENCRYPT, CKA_VERIFY, CKA_WRAP});
  // One that also decrypts would hand out transport keys in clear.
  private_half.flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_UNWRAP, true)
      .none_of({CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_DERIVE});
  // Nor by PKCS#1 v1.5, whose padding tells.
  session.allow_only(private_half, {CKM_RSA_PKCS_OAEP});
  CK_MECHANISM mechanism{CKM_RSA_PKCS_KEY_PAIR_GEN, nullptr, 0};
  KeyPair pair{};
  const CK_RV value = session.calls().C_GenerateKeyPair(
      session.handle(), &mechanism, public_half.data(), public_half.size(), private_half.data(),
      private_half.size(), &pair.public_key, &pair.private_key);
  if (value != CKR_OK) return fail(error_of_storing("C_GenerateKeyPair", value));
  return pair;
}

}  // namespace

Result<Pkcs11Hsm::ObjectHandle> Pkcs11Hsm::import_half(unsigned long object_class) {
  NAE_ASSIGN(const auto found,
             session_->find(object_class, import_key_label(options_.group_key_label)));
  return found ? *found : ObjectHandle{0};
}

// Asked of the module, not of a list of modules: what it opens it can open.
Result<HashAlgorithm> Pkcs11Hsm::probe_import_hash(ByteView public_key) {
  NAE_ASSIGN(const ObjectHandle import_key, import_half(CKO_PRIVATE_KEY));
  Bytes probe(kAesKeyBytes);
  NAE_TRY(session_->random(probe));
  for (const HashAlgorithm hash : kOaepHashes) {
    NAE_ASSIGN(const Bytes wrapped, crypto::encrypt_oaep(public_key, hash, probe));
    auto key = unwrap_transport_key(*session_, import_key, hash, wrapped);
    if (key) {
      const TemporaryObject opened(*session_, *key);
      return hash;
    }
    if (!caused_by_input(key.error())) return fail(std::move(key).error());
  }
  return fail(Code::unsupported, "this HSM does not unwrap with RSA-OAEP");
}

Result<keys::ImportKey> Pkcs11Hsm::import_key() {
  return on_session([&]() -> Result<keys::ImportKey> {
    NAE_TRY(require_mechanisms_for_import(session_->calls(), session_->slot()));
    NAE_ASSIGN(ObjectHandle public_half, import_half(CKO_PUBLIC_KEY));
    if (public_half == 0) {
      NAE_ASSIGN(const KeyPair pair,
                 generate_import_pair(*session_, import_key_label(options_.group_key_label)));
      public_half = pair.public_key;
    }
    keys::ImportKey key;
    NAE_ASSIGN(key.public_key, public_key_der(*session_, public_half, KeyType::rsa_3072));
    if (!import_hash_) {
      NAE_ASSIGN(import_hash_, probe_import_hash(key.public_key));
    }
    key.hash = *import_hash_;
    return key;
  });
}

Result<keys::Material> Pkcs11Hsm::import(const KeyVersionId& id, KeyType type,
                                         keys::Protection protection, const keys::Import& sent) {
  NAE_TRY(check_request(type, sent));
  if (sent.wrapped.size() > keys::kMaxImportBytes)
    return fail(Code::value_too_large, "more than a wrapped key has");
  if (sent.wrapped.size() <= kModulusBytes + 2 * kKwpOverheadBytes - 1 ||
      (sent.wrapped.size() - kModulusBytes) % 8 != 0)
    return rejected();
  NAE_ASSIGN(const keys::ImportKey import_key, this->import_key());
  return on_session([&]() -> Result<keys::Material> {
    const ByteView wrapped(sent.wrapped);
    NAE_TRY(drop(id));
    NAE_ASSIGN(const ObjectHandle private_half, import_half(CKO_PRIVATE_KEY));
    auto transport = unwrap_transport_key(*session_, private_half, import_key.hash,
                                          wrapped.first(kModulusBytes));
    if (!transport && !caused_by_input(transport.error()))
      return fail(std::move(transport).error());
    if (!transport) transport = random_transport_key(*session_);
    NAE_TRY(transport);
    const TemporaryObject transport_key(*session_, *transport);

    Attributes kind;
    add_kind(*session_, kind, type, protection);
    const ByteView sealed = wrapped.subspan(kModulusBytes);
    auto opened = unwrap(*session_, {session_->key_wrap_mechanism(), nullptr, 0}, *transport,
                         sealed, kind, Extractable::once, ec_point_of(type, sent.public_key));
    if (!opened && caused_by_input(opened.error())) return rejected();
    NAE_TRY(opened);
    const TemporaryObject extractable(*session_, *opened);
    NAE_TRY(require_length(*session_, type, *transport, sealed, sent.public_key));

    keys::Material material;
    material.public_key = sent.public_key;
    NAE_ASSIGN(material.wrapped, wrap(*session_, group_key_, *opened));
    const keys::HsmKey key{id, type, material, protection};
    NAE_TRY(object_of(key));  // what cannot be opened must never reach the store
    auto proved = is_pair(type) ? prove_pair(key) : prove_secret(key);
    if (!proved) {
      NAE_TRY(drop(id));
      return fail(std::move(proved).error());
    }
    return material;
  });
}

// What one half makes the other takes: only then are they one pair, and the numbers of
// the private half sound (a faulty CRT exponent would give away a prime with the first signature).
Result<bool> Pkcs11Hsm::is_pair_of(const keys::HsmKey& key) {
  const ByteView public_key = key.material.public_key;
  Bytes challenge(32);
  NAE_TRY(session_->random(challenge));
  if (allows(key.type, Action::decrypt)) {
    NAE_ASSIGN(const Bytes sent, crypto::encrypt_oaep(public_key, HashAlgorithm::sha1, challenge));
    NAE_ASSIGN(const Bytes opened, decrypt(key, DecryptionScheme::rsa_oaep_sha1, sent, {}));
    return opened == challenge;
  }
  if (allows(key.type, Action::derive)) {
    NAE_ASSIGN(const auto made, crypto::agree_with(key.type, public_key));
    NAE_ASSIGN(const Bytes agreed, agree(key, made.point));
    return agreed == made.secret;
  }
  NAE_ASSIGN(const Bytes signature, sign(key, SignatureScheme::key_default, challenge));
  NAE_ASSIGN(const auto parsed, crypto::PublicKey::of_type(key.type, public_key));
  return parsed.verify(SignatureScheme::key_default, challenge, signature);
}

Result<void> Pkcs11Hsm::prove_pair(const keys::HsmKey& key) {
  const auto proved = is_pair_of(key);
  if (!proved && !caused_by_input(proved.error()) &&
      proved.error().code != Code::authentication_failed)
    return fail(proved.error());
  const bool fits = proved && *proved;
  if (!fits) return fail(Code::invalid_argument, "the public key is not that of the private key");
  return {};
}

// What a generator gives that never ran. The HSM shows no byte of a secret, but its HMACs.
Result<void> Pkcs11Hsm::refuse_constant(const keys::HsmKey& key, std::size_t least,
                                        std::size_t most) {
  constexpr std::string_view kProbe = "nae/1 constant secret";
  NAE_ASSIGN(const Bytes code,
             hmac_under_secret(*session_, group_key_, key.material.wrapped, as_bytes(kProbe)));
  if (!crypto::is_code_of_constant_secret(as_bytes(kProbe), code, least, most)) return {};
  return fail(Code::invalid_argument, "the key is weak: one byte repeated",
              "Make another key; this one protects nothing.");
}

// Modules have least lengths of their own: SoftHSM takes HMAC-SHA-256 keys from 32 bytes on.
Result<void> Pkcs11Hsm::prove_secret(const keys::HsmKey& key) {
  if (key.type != KeyType::hmac_sha_256_raw)
    return refuse_constant(key, kAesKeyBytes, kAesKeyBytes);
  std::array<Byte, keys::kHmacBytes> code;
  auto computed = hmac(key, {}, code);
  if (computed) return refuse_constant(key, 1, kMaxHmacKeyBytes);
  if (!caused_by_input(computed.error())) return computed;
  return fail(Code::invalid_argument, "the HSM computes no HMAC-SHA-256 under a key this short",
              "Append zero bytes up to 32: HMAC does the same, so the codes stay as they are.");
}

}  // namespace nae::hsm
