#include "keyserver/hsm/pkcs11_hsm.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hmac.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/pkcs11/attributes.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"

namespace nae::hsm {
namespace {

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

constexpr KeyVersionId kId{KeyId{{1, 2, 3, 4, 5, 6}}, 1};
using Mac = std::array<Byte, keys::kHmacBytes>;

class OnToken : public ::testing::Test {
 protected:
  std::unique_ptr<Pkcs11Hsm> open() { return open(token.options()); }
  std::unique_ptr<Pkcs11Hsm> open(Options options) {
    auto opened = Pkcs11Hsm::open(std::move(options));
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  Code open_error(const Options& options) {
    auto opened = Pkcs11Hsm::open(options);
    return opened ? Code::internal : opened.error().code;
  }
  // The same library beside the object under test: another part of the process that interferes.
  std::unique_ptr<Module> bystander() { return std::move(*token.module()); }
  CK_SLOT_ID slot(const Module& module) { return *find_token(module, token.options().token_label); }

  static keys::HsmKey mac_key(const keys::Material& material, const KeyVersionId& id = kId) {
    return {id, KeyType::hmac_sha_256_raw, material};
  }
  static Result<Mac> hmac(Pkcs11Hsm& hsm, const keys::Material& material,
                          const KeyVersionId& id = kId) {
    Mac out{};
    NAE_TRY(hsm.mac(mac_key(material, id), crypto::kMacPurpose, as_bytes("input"), out));
    return out;
  }

  TestToken token;
};

// ---- opening: everything that can be missing or wrong has its own name

TEST_F(OnToken, RefusesAMissingModule) {
  Options options = token.options();
  options.module = "/nonexistent/libpkcs11.so";
  EXPECT_EQ(open_error(options), Code::hsm_module_missing);
}

TEST_F(OnToken, RefusesAModuleByRelativePath) {
  Options options = token.options();
  options.module = "libsofthsm2.so";
  EXPECT_EQ(open_error(options), Code::hsm_module_missing);
}

TEST_F(OnToken, RefusesALibraryThatIsNoModule) {
  Options options = token.options();
  options.module = "/lib/x86_64-linux-gnu/libc.so.6";
  EXPECT_EQ(open_error(options), Code::hsm_module_missing);
}

TEST_F(OnToken, RefusesAMissingToken) {
  Options options = token.options();
  options.token_label = "another";
  EXPECT_EQ(open_error(options), Code::hsm_token_missing);
}

TEST_F(OnToken, RefusesATokenLabelThatCannotBe) {
  Options options = token.options();
  options.token_label = std::string(33, 'x');
  EXPECT_EQ(open_error(options), Code::config_invalid);
  options.token_label = "";
  EXPECT_EQ(open_error(options), Code::config_invalid);
}

TEST_F(OnToken, RefusesATokenWithoutTheGroupKey) {
  Options options = token.options();
  options.group_key_label = "another";
  EXPECT_EQ(open_error(options), Code::group_key_missing);
}

TEST_F(OnToken, RefusesAWrongPinWithoutShowingIt) {
  token.write("pin", "665544\n");
  auto opened = Pkcs11Hsm::open(token.options());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::hsm_pin_rejected);
  EXPECT_EQ(opened.error().message, "C_Login: CKR_PIN_INCORRECT");
}

TEST_F(OnToken, RefusesAPinFileOpenToOthers) {
  for (mode_t mode : {0640, 0604, 0620, 0666}) {
    token.write("pin", "123456\n", mode);
    // Root's file may be read by its group.
    if (::geteuid() == 0) {
      ASSERT_EQ(::chown((token.directory() / "pin").c_str(), 65534, 0), 0);
    }
    EXPECT_EQ(open_error(token.options()), Code::file_failed) << std::oct << mode;
  }
}

TEST_F(OnToken, RefusesAPinFileThatHoldsNone) {
  for (const std::string& text : {std::string(), std::string("\n"), std::string(256, '1')}) {
    token.write("pin", text);
    EXPECT_EQ(open_error(token.options()), Code::file_failed) << text.size();
  }
  // What editors make of one. A wrong PIN would be hsm_pin_rejected: the token is not asked.
  const std::string with_mark = "\xef\xbb\xbf" + std::string("123456\n");
  const std::string utf16("\xff\xfe\x31\0\x32\0", 6);
  for (const std::string& text :
       {std::string("123456\r\n"), std::string("123456\r"), with_mark, utf16,
        std::string("123456 \n"), std::string(" 123456\n"), std::string("\t123456\n"),
        std::string("123456\t"), std::string("123456\n\n"), std::string("\n123456\n"),
        std::string("123456\n123456\n"), std::string("123\000456", 7)}) {
    token.write("pin", text);
    EXPECT_EQ(open_error(token.options()), Code::file_failed) << text;
  }
  token.write("pin", "123456");
  EXPECT_TRUE(Pkcs11Hsm::open(token.options())) << "no line end is fine";
  Options options = token.options();
  options.pin_file = token.directory() / "nothing";
  EXPECT_EQ(open_error(options), Code::file_failed);
  options.pin_file = token.directory();
  EXPECT_EQ(open_error(options), Code::file_failed);
}

// ---- material: what the store holds opens only unchanged and only under the group key

TEST_F(OnToken, RefusesWrappedMaterialWithAnyByteChanged) {
  const auto hsm = open();
  const auto material = hsm->generate(kId, KeyType::hmac_sha_256);
  ASSERT_TRUE(material) << material.error().message;
  for (std::size_t at = 0; at < material->wrapped.size(); ++at) {
    ASSERT_TRUE(hsm->forget({kId, KeyType::hmac_sha_256, *material}, false));
    keys::Material changed = *material;
    changed.wrapped[at] ^= 1;
    const auto mac = hmac(*hsm, changed);
    ASSERT_FALSE(mac) << "byte " << at;
    EXPECT_EQ(mac.error().code, Code::store_corrupt) << mac.error().message;
  }
  EXPECT_TRUE(hmac(*hsm, *material));
}

TEST_F(OnToken, RefusesWrappedMaterialCutShortOrEmpty) {
  const auto hsm = open();
  keys::Material material = *hsm->generate(kId, KeyType::hmac_sha_256);
  ASSERT_TRUE(hsm->forget({kId, KeyType::hmac_sha_256, material}, false));
  while (!material.wrapped.empty()) {
    material.wrapped.pop_back();
    EXPECT_FALSE(hmac(*hsm, material)) << material.wrapped.size();
  }
}

TEST_F(OnToken, RefusesMaterialOfAnotherGroup) {
  Provision other = token.provision();
  other.group = {2};
  other.hsm.group_key_label = "other-group";
  ASSERT_TRUE(initialise(other));
  const keys::Material material = *open(other.hsm)->generate(kId, KeyType::hmac_sha_256);
  const auto mac = hmac(*open(), material);
  ASSERT_FALSE(mac);
  EXPECT_EQ(mac.error().code, Code::store_corrupt);
}

TEST_F(OnToken, ReopensMaterialAfterARestart) {
  keys::Material material;
  Mac before{};
  {
    const auto hsm = open();
    material = *hsm->generate(kId, KeyType::hmac_sha_256);
    before = *hmac(*hsm, material);
  }
  EXPECT_EQ(*hmac(*open(), material), before);
}

TEST_F(OnToken, ComputesTheHmacOfAKnownKey) {
  const auto hsm = open();
  const auto module = bystander();
  const auto session = *open_session(*module, token.options().token_label,
                                     read_pin(token.options().pin_file)->value);
  const Bytes value(32, 0x0b);
  Attributes key;
  key.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
      .flag(CKA_TOKEN, false)
      .flag(CKA_EXTRACTABLE, true)
      .bytes(CKA_VALUE, value);
  CK_OBJECT_HANDLE known = 0;
  ASSERT_EQ(module->calls().C_CreateObject(session->handle(), key.data(), key.size(), &known),
            CKR_OK);
  CK_MECHANISM mechanism{session->key_wrap_mechanism(), nullptr, 0};
  keys::Material material;
  material.wrapped.resize(64);
  CK_ULONG size = material.wrapped.size();
  const CK_OBJECT_HANDLE group = **session->find(CKO_SECRET_KEY, token.options().group_key_label);
  ASSERT_EQ(module->calls().C_WrapKey(session->handle(), &mechanism, group, known,
                                      material.wrapped.data(), &size),
            CKR_OK);
  material.wrapped.resize(size);

  crypto::SecretBytes secret(32);
  std::copy(value.begin(), value.end(), secret.expose_for_writing().begin());
  Mac expected{};
  crypto::HmacSha256(secret).compute(as_bytes("input"), expected);
  EXPECT_EQ(*hmac(*hsm, material), expected);
}

TEST_F(OnToken, HoldsNoExtractableKeyOutsideGenerate) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::aes_256_gcm);
  const KeyVersionId pair_id{kId.key, 2};
  ASSERT_TRUE(hsm->generate(pair_id, KeyType::ecdsa_p256));
  const auto module = bystander();
  CK_SESSION_HANDLE session = 0;
  ASSERT_EQ(
      module->calls().C_OpenSession(slot(*module), CKF_SERIAL_SESSION, nullptr, nullptr, &session),
      CKR_OK);
  Attributes wanted;
  wanted.flag(CKA_TOKEN, false);
  ASSERT_EQ(module->calls().C_FindObjectsInit(session, wanted.data(), wanted.size()), CKR_OK);
  CK_OBJECT_HANDLE objects[8];
  CK_ULONG count = 0;
  ASSERT_EQ(module->calls().C_FindObjects(session, objects, 8, &count), CKR_OK);
  module->calls().C_FindObjectsFinal(session);
  EXPECT_EQ(count, 2u);
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_BBOOL extractable = CK_TRUE, sensitive = CK_FALSE;
    CK_ATTRIBUTE flags[] = {{CKA_EXTRACTABLE, &extractable, 1}, {CKA_SENSITIVE, &sensitive, 1}};
    EXPECT_EQ(module->calls().C_GetAttributeValue(session, objects[i], flags, 2), CKR_OK);
    EXPECT_EQ(extractable, CK_FALSE);
    EXPECT_EQ(sensitive, CK_TRUE);
    Byte value[64];
    CK_ATTRIBUTE attribute{CKA_VALUE, value, sizeof value};
    EXPECT_EQ(module->calls().C_GetAttributeValue(session, objects[i], &attribute, 1),
              CKR_ATTRIBUTE_SENSITIVE);
  }
}

// ---- signatures

std::vector<KeyType> types_that_sign() {
  std::vector<KeyType> types;
  for (const KeyTypeRow& row : key_types())
    if (allows(row.type, Action::sign)) types.push_back(row.type);
  return types;
}

class Signing : public OnToken, public ::testing::WithParamInterface<KeyType> {};

TEST_P(Signing, IsVerifiedByOpenSslUnderEveryScheme) {
  auto hsm = open();
  const auto material = hsm->generate(kId, GetParam());
  ASSERT_TRUE(material) << material.error().message;
  const auto public_key = crypto::PublicKey::from_der(material->public_key);
  ASSERT_TRUE(public_key) << public_key.error().message;
  EXPECT_EQ(public_key->type(), GetParam());
  hsm.reset();
  hsm = open();  // from what the store would hold

  int schemes = 0;
  for (int number = 0; number < 256; ++number) {
    const auto scheme = static_cast<SignatureScheme>(number);
    const bool known = scheme == SignatureScheme::key_default || find_row(scheme);
    const auto signature = hsm->sign({kId, GetParam(), *material}, scheme, as_bytes("message"));
    if (!known || (find_row(scheme) && !fits(scheme, GetParam()))) {
      ASSERT_FALSE(signature) << number;
      EXPECT_EQ(signature.error().code, Code::key_type) << number;
    } else if (find_row(scheme) && !find_row(scheme)->may_sign) {
      ASSERT_FALSE(signature) << number;
      EXPECT_EQ(signature.error().code, Code::unsupported);
    } else {
      ASSERT_TRUE(signature) << signature.error().message;
      EXPECT_TRUE(*public_key->verify(scheme, as_bytes("message"), *signature)) << number;
      EXPECT_FALSE(*public_key->verify(scheme, as_bytes("massage"), *signature)) << number;
      EXPECT_LE(signature->size(), row(GetParam()).signature_bytes) << number;
      ++schemes;
    }
  }
  EXPECT_GE(schemes, 2);  // the default and at least one by name
}

INSTANTIATE_TEST_SUITE_P(KeyTypes, Signing, ::testing::ValuesIn(types_that_sign()),
                         [](const auto& test) {
                           std::string text(name(test.param));
                           std::ranges::replace(text, '-', '_');
                           return text;
                         });

TEST_F(OnToken, SignsTheEmptyMessage) {
  const auto hsm = open();
  std::uint16_t version = 0;
  for (KeyType type : {KeyType::rsa_2048, KeyType::ecdsa_p256, KeyType::ed25519}) {
    const KeyVersionId id{kId.key, ++version};
    const keys::Material material = *hsm->generate(id, type);
    const auto signature = hsm->sign({id, type, material}, SignatureScheme::key_default, {});
    ASSERT_TRUE(signature) << signature.error().message;
    const auto public_key = crypto::PublicKey::from_der(material.public_key);
    EXPECT_TRUE(*public_key->verify(SignatureScheme::key_default, {}, *signature));
  }
}

TEST_F(OnToken, ComputesTheHmacOfNothing) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::hmac_sha_256);
  Mac out{};
  EXPECT_TRUE(hsm->mac(mac_key(material), crypto::kMacPurpose, {}, out));
  EXPECT_NE(out, Mac{});
}

TEST_F(OnToken, RefusesToSignWithASecretKey) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::hmac_sha_256);
  for (auto scheme : {SignatureScheme::key_default, SignatureScheme::ed25519}) {
    const auto signature = hsm->sign({kId, KeyType::hmac_sha_256, material}, scheme, {});
    ASSERT_FALSE(signature);
    EXPECT_EQ(signature.error().code, Code::key_type);
  }
}

TEST_F(OnToken, SignsAsTheServersTwoKeys) {
  const auto hsm = open();
  const Bytes authority = *hsm->public_key_of(keys::ServerKey::authority);
  const Bytes audit = *hsm->public_key_of(keys::ServerKey::audit);
  EXPECT_NE(authority, audit);
  const Bytes signature = *hsm->sign_as(keys::ServerKey::audit, as_bytes("head"));
  const auto verify = [&](const Bytes& key) {
    return *crypto::PublicKey::from_der(key)->verify(SignatureScheme::ecdsa_p256_sha256,
                                                     as_bytes("head"), signature);
  };
  EXPECT_TRUE(verify(audit));
  EXPECT_FALSE(verify(authority));
}

// ---- Ed25519 lives on the token

TEST_F(OnToken, Ed25519IsATokenObjectUntilDestroyed) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::ed25519);
  EXPECT_TRUE(material.wrapped.empty());
  EXPECT_EQ(material.token_object, "nae-010203040506-v1");
  const keys::HsmKey key{kId, KeyType::ed25519, material};
  const auto sign = [&] { return hsm->sign(key, SignatureScheme::ed25519, as_bytes("m")); };

  ASSERT_TRUE(hsm->forget(key, false));
  EXPECT_TRUE(sign());
  ASSERT_TRUE(hsm->forget(key, true));
  EXPECT_FALSE(sign());
  EXPECT_TRUE(hsm->forget(key, true)) << "destroying what has gone is no failure";
}

TEST_F(OnToken, NamesAFullTokenAndGoesOnWithWhatNeedsNoRoom) {
  const auto hsm = open();
  const FileSizeLimit disk_full(0);
  const auto pair = hsm->generate(kId, KeyType::ed25519);
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().code, Code::hsm_token_full) << pair.error().message;
  EXPECT_TRUE(hsm->generate(kId, KeyType::ecdsa_p256)) << "wrapped keys take no room on the token";
}

TEST_F(OnToken, RefusesAnEd25519KeyOfAnotherToken) {
  const auto hsm = open();
  keys::Material material;
  material.token_object = "nae-010203040506-v1";  // its own
  const auto signature =
      hsm->sign({kId, KeyType::ed25519, material}, SignatureScheme::ed25519, as_bytes("m"));
  ASSERT_FALSE(signature);
  EXPECT_EQ(signature.error().code, Code::hsm_failed);
}

// ---- the cache of session objects

TEST_F(OnToken, KeepsNoMoreSessionObjectsThanAllowed) {
  Options options = token.options();
  options.cached_keys = 2;
  const auto hsm = open(options);
  std::vector<keys::Material> materials;
  std::vector<Mac> macs;
  const auto id = [](std::size_t i) { return KeyVersionId{kId.key, static_cast<uint16_t>(i + 1)}; };
  for (std::size_t i = 0; i < 5; ++i) {
    materials.push_back(*hsm->generate(id(i), KeyType::hmac_sha_256));
    macs.push_back(*hmac(*hsm, materials[i], id(i)));
  }
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(*hmac(*hsm, materials[i], id(i)), macs[i]);

  const auto module = bystander();
  CK_SESSION_HANDLE session = 0;
  module->calls().C_OpenSession(slot(*module), CKF_SERIAL_SESSION, nullptr, nullptr, &session);
  Attributes wanted;
  wanted.flag(CKA_TOKEN, false);
  ASSERT_EQ(module->calls().C_FindObjectsInit(session, wanted.data(), wanted.size()), CKR_OK);
  CK_OBJECT_HANDLE objects[8];
  CK_ULONG count = 0;
  ASSERT_EQ(module->calls().C_FindObjects(session, objects, 8, &count), CKR_OK);
  EXPECT_EQ(count, 2u);
}

// ---- losing the session

TEST_F(OnToken, RecoversWhenItsSessionIsClosed) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::hmac_sha_256);
  const Mac before = *hmac(*hsm, material);
  const auto module = bystander();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(module->calls().C_CloseAllSessions(slot(*module)), CKR_OK);
    const auto after = hmac(*hsm, material);
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(*after, before);
  }
  ASSERT_EQ(module->calls().C_CloseAllSessions(slot(*module)), CKR_OK);
  EXPECT_TRUE(hsm->sign_as(keys::ServerKey::audit, as_bytes("head")));
  ASSERT_EQ(module->calls().C_CloseAllSessions(slot(*module)), CKR_OK);
  EXPECT_TRUE(hsm->check());
}

TEST_F(OnToken, RecoversWhenItIsLoggedOut) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::hmac_sha_256);
  const Mac before = *hmac(*hsm, material);
  const auto module = bystander();
  CK_SESSION_HANDLE session = 0;
  module->calls().C_OpenSession(slot(*module), CKF_SERIAL_SESSION, nullptr, nullptr, &session);
  ASSERT_EQ(module->calls().C_Logout(session), CKR_OK);
  const auto after = hmac(*hsm, material);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(*after, before);
  ASSERT_EQ(module->calls().C_Logout(session), CKR_OK);
  EXPECT_TRUE(hsm->check());
}

TEST_F(OnToken, RecoversWhenTheModuleIsFinalized) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::hmac_sha_256);
  const auto module = bystander();
  ASSERT_EQ(module->calls().C_Finalize(nullptr), CKR_OK);
  const auto after = hmac(*hsm, material);
  EXPECT_TRUE(after) << after.error().message;
}

TEST_F(OnToken, NamesATokenThatWentAndUsesItWhenItIsBack) {
  const auto hsm = open();
  const keys::Material material = *hsm->generate(kId, KeyType::hmac_sha_256);
  const auto module = bystander();
  const CK_SLOT_ID its_slot = slot(*module);
  std::filesystem::rename(token.directory() / "tokens", token.directory() / "away");
  std::filesystem::create_directory(token.directory() / "tokens");
  module->calls().C_CloseAllSessions(its_slot);
  const auto gone = hsm->check();
  ASSERT_FALSE(gone);
  EXPECT_TRUE(row(gone.error().code).retryable) << gone.error().message;

  std::filesystem::remove(token.directory() / "tokens");
  std::filesystem::rename(token.directory() / "away", token.directory() / "tokens");
  const auto back = hsm->check();
  EXPECT_TRUE(back) << back.error().message;
  EXPECT_TRUE(hmac(*hsm, material));
}

TEST_F(OnToken, TriesARejectedPinOnceUntilTheFileChanges) {
  const auto hsm = open();
  const auto module = bystander();
  token.write("pin", "000000\n");
  ASSERT_EQ(module->calls().C_CloseAllSessions(slot(*module)), CKR_OK);
  const auto first = hsm->check();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().message, "C_Login: CKR_PIN_INCORRECT");
  for (int i = 0; i < 3; ++i) {
    const auto again = hsm->check();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::hsm_pin_rejected);
    EXPECT_EQ(again.error().message, "the PIN was rejected before and is not tried again");
  }
  token.write("pin", "123456\n");
  const auto right = hsm->check();
  EXPECT_TRUE(right) << right.error().message;
}

TEST_F(OnToken, RandomBytesDiffer) {
  const auto hsm = open();
  Mac a{}, b{};
  ASSERT_TRUE(hsm->random(a));
  ASSERT_TRUE(hsm->random(b));
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace nae::hsm
