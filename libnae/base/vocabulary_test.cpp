// The tables of codes, actions, key types, hashes and schemes: names and numbers go both ways,
// nothing stands twice, and nothing unknown is let in.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "libnae/base/action.hpp"
#include "libnae/base/algorithm.hpp"
#include "libnae/base/code.hpp"
#include "libnae/base/key_id.hpp"
#include "libnae/base/result.hpp"
#include "libnae/base/served.hpp"

namespace nae {
namespace {

TEST(Code, NumbersAndNamesStandOnce) {
  std::set<std::string> names;
  int known = 0;
  for (unsigned number = 0; number <= 0xffff; ++number) {
    auto code = code_from_wire(static_cast<std::uint16_t>(number));
    if (!code) continue;
    ++known;
    const CodeRow& r = row(*code);
    EXPECT_EQ(static_cast<unsigned>(r.code), number);
    EXPECT_GE(number, 16u);  // below are the successful results of an item
    EXPECT_TRUE(names.insert(std::string(r.name)).second) << r.name;
    EXPECT_EQ(std::strlen(r.sqlstate), 5u) << r.name;
    EXPECT_GE(r.http_status, 400) << r.name;
    EXPECT_LT(r.http_status, 600) << r.name;
  }
  EXPECT_GE(known, 59);  // a released code never goes
}

TEST(Code, OurSqlstatesStandOnce) {
  std::set<std::string> states;
  for (unsigned number = 0; number < 256; ++number)
    if (auto code = code_from_wire(static_cast<std::uint16_t>(number))) {
      std::string state = row(*code).sqlstate;
      EXPECT_TRUE(state.substr(0, 2) != "NE" || states.insert(state).second) << state;
    }
}

TEST(Code, StandInTheSpecificationAsTheyAre) {
  std::ifstream file(NAE_SOURCE_DIR "/docs/spec/wire.md");
  std::stringstream text;
  text << file.rdbuf();
  for (unsigned number = 0; number < 256; ++number) {
    auto code = code_from_wire(static_cast<std::uint16_t>(number));
    if (!code) continue;
    const CodeRow& r = row(*code);
    std::string line = "| " + std::to_string(number) + " | `" + std::string(r.name) + "` | " +
                       r.sqlstate + " | " + std::to_string(r.http_status) +
                       (r.retryable ? " | yes |" : " | |");
    EXPECT_NE(text.str().find(line), std::string::npos) << line;
  }
}

TEST(Code, UnlistedValuesAreInternal) {
  EXPECT_EQ(row(static_cast<Code>(9999)).code, Code::internal);
  EXPECT_FALSE(code_from_wire(9999));
  EXPECT_FALSE(code_from_wire(0));
}

TEST(Error, HasTheCodesHintUnlessItsOwn) {
  EXPECT_EQ(Error(Code::denied, "no").hint_or_default(), row(Code::denied).hint);
  EXPECT_EQ(Error(Code::denied, "no", "ask").hint_or_default(), "ask");
}

Result<int> half(int value) {
  if (value % 2) return fail(Code::invalid_argument, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  NAE_ASSIGN(int once, half(value));
  NAE_ASSIGN(int twice, half(once));
  return twice;
}
Result<void> check(int value) {
  NAE_TRY(half(value));
  return {};
}

TEST(Result, MacrosPassTheErrorOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_TRUE(check(2));
  EXPECT_EQ(check(3).error().code, Code::invalid_argument);
}

TEST(Action, NamesAndNumbersGoBothWays) {
  int known = 0;
  for (unsigned number = 0; number < 256; ++number)
    if (auto action = action_from_wire(static_cast<std::uint8_t>(number))) {
      ++known;
      EXPECT_EQ(action_from_name(name(*action)), action);
    }
  EXPECT_EQ(known, 15);
  int served = 0;
  for (unsigned number = 0; number < 256; ++number)
    served += is_served(static_cast<Action>(number)) ? 1 : 0;
  EXPECT_EQ(served, 11);
  for (const KeyTypeRow& r : key_types())
    for (Action action : r.actions) EXPECT_TRUE(is_served(action)) << name(action);
  for (const char* text : {"", "Encrypt", "mac_verify", "encrypt ", "unknown"})
    EXPECT_FALSE(action_from_name(text)) << text;
  EXPECT_EQ(name(static_cast<Action>(200)), "unknown");
}

TEST(KeyType, NamesAndNumbersGoBothWays) {
  for (const KeyTypeRow& r : key_types()) {
    EXPECT_EQ(key_type_from_name(r.name), r.type);
    EXPECT_EQ(key_type_from_number(static_cast<std::uint8_t>(r.type)), r.type);
    EXPECT_FALSE(r.actions.empty());
  }
  for (const char* text : {"", "AES-256-GCM", "aes", "rsa", "unknown"})
    EXPECT_FALSE(key_type_from_name(text)) << text;
  EXPECT_FALSE(key_type_from_number(0));
  EXPECT_FALSE(key_type_from_number(255));
}

TEST(KeyType, AllowsOnlyItsActions) {
  EXPECT_TRUE(allows(KeyType::aes_256_gcm, Action::encrypt));
  EXPECT_TRUE(allows(KeyType::ed25519, Action::verify));
  EXPECT_FALSE(allows(KeyType::aes_256_gcm, Action::sign));
  EXPECT_FALSE(allows(KeyType::aes_256_siv, Action::mac));
  EXPECT_FALSE(allows(KeyType::hmac_sha_256, Action::encrypt));
  EXPECT_TRUE(allows(KeyType::hmac_sha_256_raw, Action::mac_verify));
  EXPECT_FALSE(allows(KeyType::rsa_2048, Action::decrypt));
  EXPECT_TRUE(allows(KeyType::rsa_decrypt_2048, Action::decrypt));
  EXPECT_TRUE(allows(KeyType::ecdh_p521, Action::derive));
  EXPECT_TRUE(allows(KeyType::x25519, Action::derive));
  EXPECT_FALSE(is_wrappable(KeyType::x25519));
  EXPECT_TRUE(is_wrappable(KeyType::ecdh_p256));
  EXPECT_FALSE(allows(static_cast<KeyType>(99), Action::encrypt));
}

TEST(CipherMode, IsOfItsKeysAndHasItsIv) {
  for (const KeyTypeRow& r : key_types())
    EXPECT_EQ(takes_cipher_mode(r.type), r.type == KeyType::aes_256_raw) << r.name;
  EXPECT_FALSE(takes_cipher_mode(static_cast<KeyType>(99)));
  EXPECT_FALSE(allows(KeyType::aes_256_raw, Action::rewrap));
  EXPECT_FALSE(allows(KeyType::aes_256_raw, Action::search));
  EXPECT_EQ(cipher_from_name("aes-gcm"), CipherMode::aes_gcm);
  EXPECT_FALSE(cipher_from_name("aes-ecb"));
  EXPECT_EQ(find_row(CipherMode::aes_kw)->most_iv_bytes, 0);
  EXPECT_EQ(find_row(static_cast<CipherMode>(0xf0)), nullptr);
  // Numbers of schemes to decrypt by stand in the same field of a request.
  for (int number = 0; number < 256; ++number)
    EXPECT_FALSE(find_row(static_cast<CipherMode>(number)) &&
                 find_row(static_cast<DecryptionScheme>(number)))
        << number;
}

// NIST SP 800-57 part 1, section 5.2: one key, one purpose.
TEST(KeyType, PairsServeOnePurpose) {
  for (const KeyTypeRow& r : key_types()) {
    if (!is_pair(r.type)) continue;
    const int purposes = allows(r.type, Action::sign) + allows(r.type, Action::decrypt) +
                         allows(r.type, Action::derive);
    EXPECT_EQ(purposes, 1) << r.name;
    EXPECT_EQ(takes_decryption_scheme(r.type), allows(r.type, Action::decrypt)) << r.name;
  }
  EXPECT_FALSE(is_pair(KeyType::aes_256_gcm));
  EXPECT_FALSE(is_pair(KeyType::hmac_sha_256_raw));
  EXPECT_FALSE(is_pair(static_cast<KeyType>(99)));
}

TEST(DecryptionScheme, IsKnownByItsNumberAlone) {
  int known = 0;
  for (unsigned number = 0; number < 256; ++number)
    known += find_row(static_cast<DecryptionScheme>(number)) ? 1 : 0;
  EXPECT_EQ(known, 6);
  EXPECT_EQ(find_row(DecryptionScheme::rsa_oaep_sha256)->hash, HashAlgorithm::sha256);
  EXPECT_FALSE(find_row(DecryptionScheme::rsa_pkcs1)->hash);
}

TEST(Hash, NamesAndNumbersGoBothWays) {
  for (auto hash : {HashAlgorithm::sha1, HashAlgorithm::sha224, HashAlgorithm::sha256,
                    HashAlgorithm::sha384, HashAlgorithm::sha512}) {
    EXPECT_EQ(hash_from_name(name(hash)), hash);
    EXPECT_EQ(hash_from_number(static_cast<std::uint8_t>(hash)), hash);
  }
  EXPECT_FALSE(hash_from_name("md5"));
  EXPECT_FALSE(hash_from_number(0));
  EXPECT_EQ(digest_bytes(HashAlgorithm::sha384), 48u);
}

TEST(Scheme, FitsOnlyItsKeyTypes) {
  for (int number = 0; number < 256; ++number) {
    auto scheme = static_cast<SignatureScheme>(number);
    const SchemeRow* known = find_row(scheme);
    EXPECT_TRUE(!known || scheme_from_name(known->name) == scheme);
    for (const KeyTypeRow& type : key_types()) {
      bool signs = allows(type.type, Action::sign);
      EXPECT_TRUE(!fits(scheme, type.type) || (known && signs)) << number << type.name;
    }
  }
  EXPECT_FALSE(fits(SignatureScheme::ecdsa_p256_sha256, KeyType::ecdsa_p384));
  EXPECT_FALSE(fits(SignatureScheme::rsa_pss_sha256, KeyType::ed25519));
  EXPECT_FALSE(fits(SignatureScheme::key_default, KeyType::rsa_2048));
  EXPECT_FALSE(find_row(SignatureScheme::rsa_pkcs1_sha1)->may_sign);
  EXPECT_EQ(find_row(SignatureScheme::key_default), nullptr);
}

TEST(Scheme, EverySigningTypeHasADefault) {
  for (const KeyTypeRow& type : key_types()) {
    SignatureScheme scheme = default_scheme(type.type);
    EXPECT_EQ(scheme != SignatureScheme::key_default, allows(type.type, Action::sign)) << type.name;
    EXPECT_TRUE(scheme == SignatureScheme::key_default || fits(scheme, type.type)) << type.name;
  }
}

TEST(KeyVersionId, HashesByKeyAndVersion) {
  KeyVersionId a{{{1, 2, 3, 4, 5, 6}}, 1}, b = a, c = a;
  c.version = 2;
  EXPECT_EQ(std::hash<KeyVersionId>{}(a), std::hash<KeyVersionId>{}(b));
  EXPECT_NE(std::hash<KeyVersionId>{}(a), std::hash<KeyVersionId>{}(c));
  EXPECT_LT(a, c);
}

}  // namespace
}  // namespace nae
