// Keys that come in from elsewhere, and those whose every use is a call of the HSM; on SoftHSM.
#include <gtest/gtest.h>

#include <set>

#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "libnae/crypto/cloned_generator_test_environment.hpp"
#include "libnae/crypto/hmac.hpp"
#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/private_key.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/pkcs11/attributes.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::hsm {
namespace {

using crypto::secret_of;
using keys::Protection;
using vectors::Vector;

constexpr KeyVersionId kId{KeyId{{1, 2, 3, 4, 5, 6}}, 1};
constexpr std::size_t kModulusBytes = 384;

// Of other tools: openssl genpkey.
constexpr char kP256[] = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgn4fTy/q0fH/fBIa9
v6UetqZC0sLCQaqYlk/mIeOVDA6hRANCAATh+5e/qknj3QTGplgZu1kBlwlowzcT
Y3JbjVCtabS127pb1z3fALmw+7x3mr+qEfYqCjXlOnheqMAPb+Vm0ZCr
-----END PRIVATE KEY-----
)";
constexpr char kP384[] = R"(-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCK5o+H5Q8FusIWssey
0N1tjLGtZYvIuUwHvogxYfyWOHgu20As8EWG3Ox43gqFrCihZANiAATTkr8EcYzn
+GrhUR0dUde9CQ5YI8Vx078UV68z3hyQvgMAvWbCmznAxhWFt3kuJNdRHy4GM3zY
0g9vLh0VaNsGoWnMb4Jq15IzOZrtEgyB71akZd9/w7q9FX6D42yzrxc=
-----END PRIVATE KEY-----
)";
constexpr char kRsa2048[] = R"(-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCHOS/sAdTI+wYj
YAaap2lxfXZsmPfFUQnJEqv5gtxnyOyji0RuJqM10GU3RZBw6LUQV2vRcYzvECDx
3uYnyns0fNYXlJ9OfJMpxFzums9nyfwUYDo28VabBAJP+McWndKv+S6eAOXrsfjI
X8y+nyvk1vNqlJ2uTmv/tKcwUbL6NX9unhIKzyfqGBl60n5HWYACOwUSgzZYTIRv
Ymef/jADz4b0f3R3P7TP6z3Xs/J5+vEnkWJgRGm3u8W1DS4CDgUVdeVXA4A5zdLo
354Xm/nLAAeDYT7HNWPTYsrxJmQFmfmd13TuvylGOY1+f/IGqgSINaPYQc3UKKZp
CXNEdW9LAgMBAAECggEAF6KgRLEhPyvZK8+598gxPvv9+gdWr291tWaFFqyP17gf
3IoYIOSx/FL7jgijsYiLNVsCZm5hgtuf1obuVaAnnsn/Jcn9elt94XwH/lCi1fJR
FEKpijbuu1OdD9tc+RAG5mk4g7eGeIb4BBXylJL/uhT0IPnvAauFZwFtg52UGfWE
0OPa3Kma4UGJv1gQLc8+NzoE3XJDNfd4+N6IbWbklqDOrliH4dMhlUpYIpZsG8BZ
daM8vRGvEOzSdRRN1DX3X1I8LUWAOMWTP5wRS/9DvcEcgmH882+aFVtiSz+lC8Yr
xamuOUoDTpCDQn2UIV6bbFPOxf/Sq8/t0gKukRS8wQKBgQC6cq0pjBhaYDwq5V56
1ntPR8i4lJPC4zVVgQFlbHtuAbWDD3fywzZzWHi2lKb5M53aF+DEayDTnYYRnlLQ
sgkhTGVgZwfBr2SYB4VI8PDvK5b4whdksdsqmsYUWHsq5K5AwZy1+u4SBA97awR4
m28rgVmMjEKwx4cOlfeCpgU86wKBgQC5qrCeG7NZYAOCwXvNIydEzxdRFdWDJApP
4yYXgCiJs35lntQZtWYrwceN4Oggzh6TviuGPTmp2D1zJZKWJ7rKxW428+yDmiBf
wDnAOGwov3BWWRbpoNxS5ni9gpzHkULNIkgF+d4sdEA+e22PTI0vAJMfGcn0RZVr
45i7abB/IQKBgCtRHT372GSW2yO0KmErl3Zx3QZVLocmtmtpD2P68io6p2sNmvaB
uBLQSStSGgDnpxLWXVgE85l2jYFmYSMvWcOsthjRlxG+qAZSKPsrTy6h1+9vWHQC
hkK9tqtfay4p9voAgWIeLFVvMBGiaWWD5y4aXS20IIJluNEAsoJeA/WFAoGARjL2
YmFg11sJGMglEfPHpimSzFKwDsxypa/huCL5sM7P7IY39Zxzi/nRhKBTxAuK3hua
A0Bk7AXZfg7ntKRC6OXq/RYPB9cfhHR+oWHz6xgu1kcK9byfcSy43BZlRsNyeXML
vk6yJSazH6y1SOgNvYa/GZQ7moMwssEz/zA/zmECgYBB3KaXy/YSnjxCSHyGn5KS
BzwisNQvtO1qI7pGzi40EpWwtQ57haxiiNXInqPG4on5kZkOWCOwYmhgDllRcM12
u3UxbHNsr36q/shsUd/TQXA1V0bowiHVAVSltJ8BCpq8jGSRx+JaghVlICyEfXe7
dcu3Bd3Z6se9lnNu/oVP5Q==
-----END PRIVATE KEY-----
)";
constexpr char kOtherRsa2048[] = R"(-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC/UWcOTrUuDz2u
Zy5Md0EYFw0fFIRm08r80l+OyuENeW37ZESABodd81pvjcWRPY69dqUnUvPFTA2v
95RB3RHSGd13JvxChg69onojekeKQGSiXc3dVLFaWYcTF24KFCoJWSMHbWbLjjaD
RGpJsiS5Rz/DD8BTlTQrdVOd0APEg9fsgBI1gqsHbPDhPE8Lgi1lA7QZ9ddxFe5U
X0tyPKIdVVtZUVTrUc2zkUg9xZNgeNuMqAjrih6YwcRXwxOac0U5C5zC3Wo+lyze
FZNzeGbOxSa+tnaoA7sVkfsrutheimQBxuMIOQhQxOKirkC5OQo7HGW0wyHXDfYR
I6ZLESjlAgMBAAECggEABhipnbAZCo2xG89Cj2yMEMtzP0FKcshe7dgk9Ao3n6lL
PY6ADEr+TJpw5aBxN46W73yfXfXBD3wRQkEzt+GRLCO82zYiewWF5Lm6W0pjNd7q
wK3CiJdRS3K84M6HUso6XgU5c4bN7BXtBhkhAJYs9hEffAS9eSxboY2Mi458VZUG
exeisT8eoTbHtBdd60fbaqBe2bDRxYabSXSVeZdKS+1Kobzrn9dPaOAOkfNsvNr2
YBCONVumwHhI/UthAznVDjwySBboUpHSRFV1g8N5IiwD1s8Aykgz1KO7Sr1wrOEK
lQ2Iyc76yJ9qpuhQVgk1CQhqoFENg4OzeyAg6EtixQKBgQDpNjMdU4OoYfMnIleX
AJZLlUXFN+PQgwHTIVtGvlM2NqDBKoFB7ucX5b0mD3c/nTzLszikec7hC7fcJFCy
cNIFvPmH0HUUluOLJyawaFJUrtrFquI/3/dT1ueZLmLyAYHeMS5ji6Bda+Wyb4tP
1R6XDvNMS4csI7d/oyChUz7ZZwKBgQDSAzq3uhjZqW4SIL/HSVhTbhunHz2HeuyT
KY0zTgfrE+iNEARVQJ+Ye7h/Q26lc8EKCywujtegQizUG4nL8UJp7pNjKZa+fTp/
APe7TGgdxeDl3Afpo9h+rZPgUVjzxJJAqjZJDrTKKUp/t9w4UM+p8F1xvxVoKsA2
v0sOEbuf0wKBgH+Ff5W9oPRl+wufH74WOBjEWw5obU4LFOhaCQs5705puKVnlJ51
ADB1E2TIeDB0zlWkfoiRgqpUOglKYkXwoyc4GkpFln/XsjzY/7LemIZtxnrn4ieD
VD6n+KQuVTR31oek5PTR2LK82TElBUx2APAg4LELa7KbJS/KB4Gvf2JpAoGAA+Cf
YukCsHIaYCdOoyVNhizQQeOnxSqV15m6y6mzJ7n0XzZefhx1VeFi5KagElnyxHa0
WB+3B3RxU3E2uBc6PK509i28ZMP3IoUoDcM5YONYZaYMV1n5E02tH0UhOU71zE/Y
NL0axWjBwV3pqPiE/QQ9FW6LvKKdbeVWQ2o8ZpUCgYBD5obMtul0yXLYuWQt8Op7
5IXfNfDD0ZzkTeVonE2DcpZHSW2lFnMRLE+avt+iOpvfEzqu9rdd1Oin0oxME7wl
50vQq3uOVVo3SMlKttquLripM089aJlTRn0tlf8g5T/e8zYERQPNe8fbgALQ06l4
FocMsyOlss1JxsJgGo+EYw==
-----END PRIVATE KEY-----
)";

crypto::PrivateKey private_key(const char* pem) {
  auto read = crypto::read_private_key(secret_of(as_bytes(pem)));
  EXPECT_TRUE(read) << read.error().message;
  return std::move(*read);
}
// No two alike, which would be a weak key.
Bytes secret_bytes(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<Byte>(size + i);
  return bytes;
}
KeyVersionId id_of(const Vector& v) {
  KeyVersionId id;
  std::ranges::copy(v.bytes("key_id"), id.key.bytes.begin());
  id.version = static_cast<std::uint16_t>(v.number("version"));
  return id;
}

// One token for all: its import key takes a second to make.
class Import : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    token = std::make_unique<TestToken>();
    hsm = std::move(*Pkcs11Hsm::open(token->options()));
    import_key = *hsm->import_key();
  }
  static void TearDownTestSuite() {
    hsm.reset();
    token.reset();
  }

  static Bytes wrapped(ByteView key) {
    return *crypto::wrap_for_transport(import_key.public_key, import_key.hash, secret_of(key));
  }
  static Result<keys::Material> import(KeyType type, const Bytes& sent,
                                       const Bytes& public_key = {},
                                       Protection protection = Protection::wrapped,
                                       const KeyVersionId& id = kId) {
    return hsm->import(id, type, protection, {sent, public_key});
  }
  static Code refusal(KeyType type, const Bytes& sent, const Bytes& public_key = {}) {
    auto imported = import(type, sent, public_key);
    return imported ? Code{} : imported.error().code;
  }

  static inline std::unique_ptr<TestToken> token;
  static inline std::unique_ptr<Pkcs11Hsm> hsm;
  static inline keys::ImportKey import_key;
};

TEST_F(Import, TheImportKeyStaysTheSameAndIsOfferedWithAHashThatTheModuleTakes) {
  auto again = std::move(*Pkcs11Hsm::open(token->options()))->import_key();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->public_key, import_key.public_key);
  EXPECT_EQ(again->hash, tests_run_on_nss() ? HashAlgorithm::sha256 : HashAlgorithm::sha1);
  auto parsed = crypto::PublicKey::from_der(import_key.public_key);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->type(), KeyType::rsa_3072);
}

TEST_F(Import, TheImportKeyUnwrapsAndDoesNothingElse) {
  auto module = std::move(*token->module());
  const Pin pin = *read_pin(token->options().pin_file);
  auto session = std::move(*open_session(*module, token->options().token_label, pin.value));
  const auto object =
      *session->find(CKO_PRIVATE_KEY, import_key_label(token->options().group_key_label));
  ASSERT_TRUE(object);
  for (auto [attribute, expected] :
       {std::pair{CKA_SENSITIVE, true}, std::pair{CKA_EXTRACTABLE, false},
        std::pair{CKA_UNWRAP, true}, std::pair{CKA_DECRYPT, false}, std::pair{CKA_SIGN, false}}) {
    auto value = session->read_attribute(*object, attribute);
    ASSERT_TRUE(value && value->size() == 1);
    EXPECT_EQ((*value)[0] != 0, expected) << std::hex << attribute;
  }
  EXPECT_FALSE(session->read_attribute(*object, CKA_PRIVATE_EXPONENT));
}

TEST_F(Import, AnHmacKeyGivesTheStandardHmac) {
  for (std::size_t size : {32u, 33u, 63u, 64u}) {
    const Bytes key = secret_bytes(size);
    auto material = import(KeyType::hmac_sha_256_raw, wrapped(key));
    ASSERT_TRUE(material) << size << ": " << material.error().message;
    std::array<Byte, 32> ours, expected;
    ASSERT_TRUE(hsm->mac({kId, KeyType::hmac_sha_256_raw, *material}, crypto::kMacPurpose,
                         as_bytes("data"), ours));
    crypto::HmacSha256(secret_of(key)).compute(as_bytes("data"), expected);
    EXPECT_EQ(ours, expected) << size;
  }
}

TEST_F(Import, PrivateKeysSignForTheirPublicKeysAlsoAfterTheSession) {
  for (auto [type, pem] :
       {std::pair(KeyType::rsa_2048, kRsa2048), std::pair(KeyType::ecdsa_p256, kP256),
        std::pair(KeyType::ecdsa_p384, kP384)}) {
    const crypto::PrivateKey key = private_key(pem);
    auto material = import(type, wrapped(key.pkcs8.expose()), key.public_key);
    ASSERT_TRUE(material) << material.error().message;
    EXPECT_EQ(material->public_key, key.public_key);
    auto later = std::move(*Pkcs11Hsm::open(token->options()));
    auto signature =
        later->sign({kId, type, *material}, SignatureScheme::key_default, as_bytes("message"));
    ASSERT_TRUE(signature) << signature.error().message;
    auto verified = crypto::PublicKey::from_der(key.public_key)
                        ->verify(SignatureScheme::key_default, as_bytes("message"), *signature);
    EXPECT_TRUE(verified && *verified);
  }
}

TEST_F(Import, RefusesAPublicKeyThatIsNotThePrivateKeys) {
  const crypto::PrivateKey key = private_key(kRsa2048), other = private_key(kOtherRsa2048);
  const Bytes sent = wrapped(key.pkcs8.expose());
  EXPECT_EQ(refusal(KeyType::rsa_2048, sent, other.public_key), Code::invalid_argument);
  EXPECT_EQ(refusal(KeyType::rsa_2048, sent), Code::invalid_argument) << "none";
  EXPECT_EQ(refusal(KeyType::rsa_2048, sent, private_key(kP256).public_key),
            Code::invalid_argument);
  EXPECT_EQ(refusal(KeyType::rsa_3072, sent, key.public_key), Code::invalid_argument);
  EXPECT_EQ(refusal(KeyType::hmac_sha_256_raw, wrapped(Bytes(32, 1)), key.public_key),
            Code::invalid_argument);
  EXPECT_EQ(refusal(KeyType::rsa_2048, sent, key.public_key), Code{});
}

TEST_F(Import, RefusesAPrivateKeyOfAnotherKind) {
  const crypto::PrivateKey rsa = private_key(kRsa2048), ec = private_key(kP256);
  EXPECT_EQ(refusal(KeyType::rsa_2048, wrapped(ec.pkcs8.expose()), rsa.public_key),
            Code::authentication_failed);
  EXPECT_EQ(refusal(KeyType::ecdsa_p256, wrapped(rsa.pkcs8.expose()), ec.public_key),
            Code::authentication_failed);
  EXPECT_EQ(refusal(KeyType::ecdsa_p256, wrapped(Bytes(121, 0x30)), ec.public_key),
            Code::authentication_failed);
}

TEST_F(Import, RefusesTypesThatItDoesNotTake) {
  EXPECT_EQ(refusal(KeyType::ed25519, wrapped(Bytes(48, 1)), Bytes(44)), Code::unsupported);
  EXPECT_EQ(refusal(KeyType::hmac_sha_256, wrapped(Bytes(32, 1))), Code::key_type);
}

TEST_F(Import, SecretsHaveTheLengthOfTheirType) {
  for (KeyType type : {KeyType::aes_256_gcm, KeyType::aes_256_siv}) {
    for (std::size_t size : {1u, 16u, 24u, 33u, 64u})
      EXPECT_EQ(refusal(type, wrapped(Bytes(size, 7))), Code::invalid_argument) << size;
    EXPECT_EQ(refusal(type, wrapped(secret_bytes(32))), Code{});
  }
  for (std::size_t size : {1u, 8u, 16u, 24u, 65u, 72u, 128u})
    EXPECT_EQ(refusal(KeyType::hmac_sha_256_raw, wrapped(Bytes(size, 7))), Code::invalid_argument);
  EXPECT_EQ(refusal(KeyType::hmac_sha_256_raw, wrapped(Bytes(129, 7))), Code::invalid_argument);
}

// Everything wrong with a wrapping has one answer.
TEST_F(Import, RefusesEveryDamageToTheWrappingAlike) {
  const Bytes good = wrapped(secret_bytes(32));
  std::optional<Error> first;
  auto refused = [&](const Bytes& sent, const std::string& how) {
    auto imported = import(KeyType::aes_256_gcm, sent);
    ASSERT_FALSE(imported) << how;
    if (!first) first = imported.error();
    EXPECT_EQ(imported.error().code, Code::authentication_failed) << how;
    EXPECT_EQ(imported.error().message, first->message) << how;
    EXPECT_EQ(imported.error().hint, first->hint) << how;
  };
  for (std::size_t at : {0u, 1u, 100u, 383u, 384u, 391u, 392u, 400u, 423u}) {
    Bytes changed = good;
    changed[at] ^= 1;
    refused(changed, "byte " + std::to_string(at));
  }
  for (std::size_t size : {0u, 1u, 383u, 384u, 392u, 399u, 400u, 416u, 423u})
    refused(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)),
            "cut to " + std::to_string(size));
  Bytes longer = good;
  longer.resize(good.size() + 8);
  refused(longer, "longer");
  refused(Bytes(good.size(), 0xff), "a number above the modulus");
  const auto other_hash =
      import_key.hash == HashAlgorithm::sha256 ? HashAlgorithm::sha1 : HashAlgorithm::sha256;
  refused(*crypto::wrap_for_transport(import_key.public_key, other_hash, secret_of(Bytes(32, 7))),
          "another hash");
  const crypto::PrivateKey stranger = private_key(kRsa2048);
  Bytes elsewhere = *crypto::encrypt_oaep(stranger.public_key, HashAlgorithm::sha1, Bytes(32, 1));
  elsewhere.insert(elsewhere.end(), good.begin() + 256, good.end());
  refused(elsewhere, "wrapped for another key");
  // A transport key that is none: OAEP opens, AES does not take it.
  Bytes odd = *crypto::encrypt_oaep(import_key.public_key, import_key.hash, Bytes(5, 1));
  odd.insert(odd.end(), good.begin() + kModulusBytes, good.end());
  refused(odd, "a transport key of 5 bytes");
  EXPECT_TRUE(import(KeyType::aes_256_gcm, good)) << "the session goes on";
}

// A module does not say how long the key is that OAEP gave: those of all three lengths of AES open.
TEST_F(Import, TakesTransportKeysOfEachLengthOfAes) {
  for (const Vector& v : vectors::read("import.txt")) {
    Bytes sent =
        *crypto::encrypt_oaep(import_key.public_key, import_key.hash, v.bytes("transport_key"));
    const Bytes sealed = v.bytes("wrapped");
    sent.insert(sent.end(), sealed.begin(), sealed.end());
    EXPECT_EQ(refusal(*key_type_from_name(v.section), sent), Code{}) << "line " << v.line;
  }
}

TEST_F(Import, RefusesMoreThanAKeyHas) {
  Bytes sent(keys::kMaxImportBytes, 1);
  EXPECT_EQ(refusal(KeyType::aes_256_gcm, sent), Code::authentication_failed);
  sent.push_back(1);
  EXPECT_EQ(refusal(KeyType::aes_256_gcm, sent), Code::value_too_large);
}

// ---- hsm-only

TEST_F(Import, OpensTheVectorsOfAnotherImplementation) {
  for (const Vector& v : vectors::read("envelope.txt", "hsm-gcm")) {
    const KeyVersionId id = id_of(v);
    auto material =
        import(KeyType::aes_256_gcm, wrapped(v.bytes("key")), {}, Protection::hsm_only, id);
    ASSERT_TRUE(material) << material.error().message;
    const Bytes bytes = v.bytes("envelope");
    auto envelope = parse_envelope(bytes);
    ASSERT_TRUE(envelope);
    Bytes plaintext(envelope->ciphertext.size());
    const keys::HsmKey key{id, KeyType::aes_256_gcm, *material, Protection::hsm_only};
    auto opened = hsm->open(key, *envelope, v.bytes("aad"), plaintext);
    ASSERT_TRUE(opened) << "line " << v.line << ": " << opened.error().message;
    EXPECT_EQ(plaintext, v.bytes("plaintext")) << "line " << v.line;
    ASSERT_TRUE(hsm->forget(key, false));
  }
}

class HsmOnly : public Import {
 protected:
  void SetUp() override {
    material = *hsm->generate(kId, KeyType::aes_256_gcm, Protection::hsm_only);
  }
  keys::HsmKey key() const { return {kId, KeyType::aes_256_gcm, material, Protection::hsm_only}; }
  Bytes sealed(ByteView plaintext, ByteView aad = {}) const {
    Bytes envelope(plaintext.size() + kHsmGcmOverheadBytes);
    auto done = hsm->seal(key(), aad, plaintext, envelope);
    EXPECT_TRUE(done) << done.error().message;
    return envelope;
  }
  Result<Bytes> opened(const Bytes& bytes, ByteView aad = {}) const {
    NAE_ASSIGN(const EnvelopeView envelope, parse_envelope(bytes));
    Bytes plaintext(envelope.ciphertext.size());
    NAE_TRY(hsm->open(key(), envelope, aad, plaintext));
    return plaintext;
  }
  keys::Material material;
};

TEST_F(HsmOnly, GivesBackWhatItWasGiven) {
  for (std::size_t size : {0u, 1u, 16u, 1000u, 100'000u}) {
    const Bytes plaintext(size, 0x55);
    auto back = opened(sealed(plaintext, as_bytes("aad")), as_bytes("aad"));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, plaintext);
  }
}

TEST_F(HsmOnly, RefusesEveryChangedBitAsThatAndNotAsAFailureOfTheHsm) {
  const Bytes good = sealed(as_bytes("a value"), as_bytes("aad"));
  for (std::size_t at = 9; at < good.size(); ++at) {
    Bytes changed = good;
    changed[at] ^= 1;
    auto back = opened(changed, as_bytes("aad"));
    ASSERT_FALSE(back) << at;
    EXPECT_EQ(back.error().code, Code::authentication_failed) << back.error().message;
  }
  for (const char* aad : {"", "aae", "aad "}) {
    auto back = opened(good, as_bytes(aad));
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code, Code::authentication_failed);
  }
  EXPECT_TRUE(opened(good, as_bytes("aad")));
}

// Also where the module draws what another copy of this process drew: nothing of a nonce rests on
// what a process remembers.
TEST_F(HsmOnly, EveryNonceIsDrawnAnewAndFromOutsideOfTheProcess) {
  std::set<Nonce> nonces;
  for (int i = 0; i < 50; ++i) nonces.insert(parse_envelope(sealed({}))->nonce);
  EXPECT_EQ(nonces.size(), 50u);
  {
    crypto::testing::ClonedGenerator cloned;
    for (int i = 0; i < 50; ++i) nonces.insert(parse_envelope(sealed({}))->nonce);
    EXPECT_EQ(nonces.size(), 100u);
    std::array<Byte, 32> a{}, b{};
    ASSERT_TRUE(hsm->random(a));
    ASSERT_TRUE(hsm->random(b));
    EXPECT_NE(a, b) << "of what callers ask for, too";
  }
  // A salt and a counter stood there once: the same to a reader.
  EXPECT_TRUE(opened(sealed(as_bytes("x"))));
}

TEST_F(HsmOnly, AKeyServesTheUseItWasMadeForOnly) {
  EXPECT_FALSE(hsm->derive(key(), crypto::kGcmPurpose, Salt{})) << "an AES key is no KDF key";
  const KeyVersionId other{KeyId{{6, 5, 4, 3, 2, 1}}, 1};
  const keys::Material kdf = *hsm->generate(other, KeyType::aes_256_gcm);
  Bytes envelope(kHsmGcmOverheadBytes);
  EXPECT_FALSE(hsm->seal({other, KeyType::aes_256_gcm, kdf}, {}, {}, envelope));
  ASSERT_TRUE(hsm->derive({other, KeyType::aes_256_gcm, kdf}, crypto::kGcmPurpose, Salt{}));
}

// Whoever has the PIN and the store may use keys, but not take them out.
TEST_F(Import, TheGroupKeyUnwrapsNothingAsExtractable) {
  const keys::Material material = *hsm->generate(kId, KeyType::hmac_sha_256);
  auto module = std::move(*token->module());
  const Pin pin = *read_pin(token->options().pin_file);
  auto session = std::move(*open_session(*module, token->options().token_label, pin.value));
  const auto group_key = *session->find(CKO_SECRET_KEY, token->options().group_key_label);
  for (auto [sensitive, extractable, allowed] :
       {std::tuple{true, false, true}, std::tuple{true, true, false},
        std::tuple{false, false, false}, std::tuple{false, true, false}}) {
    Attributes key;
    key.number(CKA_CLASS, CKO_SECRET_KEY)
        .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
        .flag(CKA_TOKEN, false)
        .flag(CKA_SENSITIVE, sensitive)
        .flag(CKA_EXTRACTABLE, extractable);
    CK_MECHANISM mechanism{session->key_wrap_mechanism(), nullptr, 0};
    CK_OBJECT_HANDLE object = 0;
    const CK_RV value = session->calls().C_UnwrapKey(
        session->handle(), &mechanism, *group_key, input_pointer(material.wrapped),
        material.wrapped.size(), key.data(), key.size(), &object);
    EXPECT_EQ(value == CKR_OK, allowed) << sensitive << extractable;
  }
}

}  // namespace
}  // namespace nae::hsm
