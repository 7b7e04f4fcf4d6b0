// Objects out of a list of the key server, and what they say of themselves.
#include "pkcs11/object.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "libnae/base/text.hpp"
#include "pkcs11/attribute.hpp"
#include "pkcs11/der.hpp"
#include "pkcs11/mechanism.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::pkcs11 {
namespace {

using Cells = std::vector<std::optional<std::string>>;

// Public keys by another implementation.
std::string public_key_of(std::string_view scheme) {
  for (const auto& v : vectors::read("signatures.txt", "signature"))
    if (as_text(v.bytes("scheme")) == scheme) return to_hex(v.bytes("public_key"));
  throw std::runtime_error("no vector");
}

Cells row_of(const std::string& name, const std::string& version, const std::string& primary,
             const std::string& type, const std::string& actions,
             std::optional<std::string> public_key, const std::string& schemes = "",
             const std::string& origin = "generated") {
  return {name,    "0102030405ff", version, primary, type,
          actions, public_key,     schemes, origin,  "of a later release"};
}

Table listed(std::vector<Cells> rows) {
  Table table;
  table.columns = {"name",    "id",         "version", "primary", "type",
                   "actions", "public_key", "schemes", "origin",  "novelty"};
  table.rows = std::move(rows);
  return table;
}

const std::string kP256 = public_key_of("ecdsa-p256-sha256");
const std::string kEd25519 = public_key_of("ed25519");

template <class T>
T value_of(const Object& object, CK_ATTRIBUTE_TYPE type) {
  const Bytes bytes = std::get<Bytes>(attribute_of(object, type));
  T value{};
  EXPECT_EQ(bytes.size(), sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

TEST(Objects, APrivateKeyStandsBesideItsPublicOneThePrimaryFirst) {
  const ObjectTable table = ObjectTable::from(
      listed({row_of("web", "3", "0", "ecdsa-p256", "verify", kP256, "ecdsa-p256-sha256"),
              row_of("web", "2", "1", "ecdsa-p256", "sign,verify", kP256, "ecdsa-p256-sha256"),
              row_of("api", "1", "1", "hmac-sha-256-raw", "mac", std::nullopt)}),
      false);
  std::vector<std::pair<std::string, CK_OBJECT_CLASS>> found;
  for (const Object& object : table.objects())
    found.emplace_back(object.versioned_name(), object.object_class);
  EXPECT_EQ(found, (decltype(found){{"api:1", CKO_SECRET_KEY},
                                    {"web:2", CKO_PRIVATE_KEY},
                                    {"web:2", CKO_PUBLIC_KEY},
                                    {"web:3", CKO_PUBLIC_KEY}}));
  for (const Object& object : table.objects()) EXPECT_EQ(table.find(object.handle), &object);
  EXPECT_EQ(table.find(CK_INVALID_HANDLE), nullptr);
}

TEST(Objects, HandlesAreTheSameEverywhere) {
  const KeyVersionId id{{{1, 2, 3, 4, 5, 0xff}}, 2};
  EXPECT_EQ(handle_of(id, CKO_PRIVATE_KEY), handle_of(id, CKO_PRIVATE_KEY));
  EXPECT_NE(handle_of(id, CKO_PRIVATE_KEY), handle_of(id, CKO_PUBLIC_KEY));
  EXPECT_NE(handle_of(id, CKO_PRIVATE_KEY), handle_of({id.key, 3}, CKO_PRIVATE_KEY));
}

TEST(Objects, WhatNobodyHereCanShowIsLeftOut) {
  const Table table = listed({row_of("a", "1", "1", "aes-256-gcm", "encrypt", std::nullopt),
                              row_of("b", "1", "1", "hmac-sha-256", "mac", std::nullopt),
                              row_of("c", "1", "1", "kyber", "sign", kP256),
                              row_of("d", "x", "1", "ecdsa-p256", "sign", kP256),
                              row_of("e", "65536", "1", "ecdsa-p256", "sign", kP256),
                              row_of("", "1", "1", "ecdsa-p256", "sign", kP256),
                              row_of("f", "1", "1", "ecdsa-p384", "sign", kP256),
                              row_of("g", "1", "1", "ecdsa-p256", "sign", kP256 + "00"),
                              row_of("h", "1", "1", "ed25519", "sign", kEd25519, "ed25519")});
  EXPECT_TRUE(ObjectTable::from(table, false).objects().empty());
  const ObjectTable with_ed25519 = ObjectTable::from(table, true);
  ASSERT_EQ(with_ed25519.objects().size(), 2u);
  EXPECT_EQ(with_ed25519.objects()[0].name, "h");
  EXPECT_TRUE(ObjectTable::from({}, true).objects().empty());
}

TEST(Objects, DoWhatTheirTypeCanDoWhateverIsSaidOfThem) {
  const ObjectTable table = ObjectTable::from(
      listed({row_of("raw", "1", "1", "aes-256-raw", "sign,mac,decrypt,derive", std::nullopt,
                     "ecdsa-p256-sha256,rsa-pkcs1,aes-gcm"),
              row_of("web", "1", "1", "ecdsa-p256", "sign,decrypt,derive,mac", kP256,
                     "ecdsa-p256-sha256,ecdsa-p384-sha384,rsa-pkcs1,aes-gcm")}),
      false);
  ASSERT_EQ(table.objects().size(), 3u);
  const Object& raw = table.objects()[0];
  EXPECT_EQ(raw.actions, std::vector{Action::decrypt});
  EXPECT_TRUE(raw.schemes.empty());
  EXPECT_TRUE(raw.decryptions.empty());
  EXPECT_EQ(raw.modes, std::vector{CipherMode::aes_gcm});
  for (const CK_ATTRIBUTE_TYPE usage : {CKA_SIGN, CKA_VERIFY})
    EXPECT_EQ(value_of<CK_BBOOL>(raw, usage), CK_FALSE);
  const Object& web = table.objects()[1];
  EXPECT_EQ(web.actions, std::vector{Action::sign});
  EXPECT_EQ(web.schemes, std::vector{SignatureScheme::ecdsa_p256_sha256});
  EXPECT_TRUE(web.decryptions.empty());
  EXPECT_TRUE(web.modes.empty());
  for (const CK_ATTRIBUTE_TYPE usage : {CKA_DECRYPT, CKA_DERIVE})
    EXPECT_EQ(value_of<CK_BBOOL>(web, usage), CK_FALSE);
}

TEST(Objects, SayOfThemselvesWhatIsSo) {
  const ObjectTable table = ObjectTable::from(
      listed({row_of("web", "1", "1", "ecdsa-p256", "sign", kP256, "ecdsa-p256-sha256"),
              row_of("old", "1", "1", "hmac-sha-256-raw", "mac-verify", std::nullopt, "",
                     "imported")}),
      false);
  ASSERT_EQ(table.objects().size(), 3u);
  const Object& secret = table.objects()[0];
  const Object& key = table.objects()[1];
  const Object& pub = table.objects()[2];
  for (const Object* object : {&secret, &key}) {
    EXPECT_EQ(value_of<CK_BBOOL>(*object, CKA_SENSITIVE), CK_TRUE);
    EXPECT_EQ(value_of<CK_BBOOL>(*object, CKA_EXTRACTABLE), CK_FALSE);
    EXPECT_EQ(std::get<NoValue>(attribute_of(*object, CKA_VALUE)), NoValue::sensitive);
  }
  EXPECT_EQ(value_of<CK_BBOOL>(key, CKA_ALWAYS_SENSITIVE), CK_TRUE);
  EXPECT_EQ(value_of<CK_BBOOL>(key, CKA_LOCAL), CK_TRUE);
  EXPECT_EQ(value_of<CK_BBOOL>(secret, CKA_ALWAYS_SENSITIVE), CK_FALSE);
  EXPECT_EQ(value_of<CK_BBOOL>(secret, CKA_LOCAL), CK_FALSE);
  // What policy lets this caller do, and nothing more.
  EXPECT_EQ(value_of<CK_BBOOL>(key, CKA_SIGN), CK_TRUE);
  EXPECT_EQ(value_of<CK_BBOOL>(pub, CKA_VERIFY), CK_FALSE);
  EXPECT_EQ(value_of<CK_BBOOL>(secret, CKA_SIGN), CK_FALSE);
  EXPECT_EQ(value_of<CK_BBOOL>(secret, CKA_VERIFY), CK_TRUE);
  EXPECT_EQ(value_of<CK_BBOOL>(key, CKA_DECRYPT), CK_FALSE);
  EXPECT_EQ(value_of<CK_BBOOL>(key, CKA_DERIVE), CK_FALSE);
  EXPECT_EQ(std::get<NoValue>(attribute_of(pub, CKA_VALUE)), NoValue::unknown);
  EXPECT_EQ(value_of<CK_KEY_TYPE>(key, CKA_KEY_TYPE), CK_KEY_TYPE{CKK_EC});
  EXPECT_EQ(std::get<Bytes>(attribute_of(key, CKA_ID)), std::get<Bytes>(attribute_of(pub, CKA_ID)));
  EXPECT_EQ(to_hex(std::get<Bytes>(attribute_of(key, CKA_ID))), "0102030405ff0001");
  EXPECT_EQ(to_hex(std::get<Bytes>(attribute_of(key, CKA_EC_PARAMS))), "06082a8648ce3d030107");
  EXPECT_EQ(std::get<Bytes>(attribute_of(pub, CKA_EC_POINT)).size(), 67u);
  EXPECT_EQ(to_hex(std::get<Bytes>(attribute_of(pub, CKA_PUBLIC_KEY_INFO))), kP256);
}

// Ed25519 stays in the HSM; all others are wrapped there and kept in the store.
TEST(Objects, WereNeverExtractableOnlyWhereTheyNeverLeftTheHsm) {
  const auto never_extractable = [](const Cells& row) {
    const ObjectTable table = ObjectTable::from(listed({row}), true);
    return value_of<CK_BBOOL>(table.objects().at(0), CKA_NEVER_EXTRACTABLE);
  };
  const auto edwards = [](const char* origin) {
    return row_of("e", "1", "1", "ed25519", "sign", kEd25519, "ed25519", origin);
  };
  EXPECT_EQ(never_extractable(edwards("generated")), CK_TRUE);
  EXPECT_EQ(never_extractable(edwards("imported")), CK_FALSE) << "others had it";
  EXPECT_EQ(
      never_extractable(row_of("w", "1", "1", "ecdsa-p256", "sign", kP256, "ecdsa-p256-sha256")),
      CK_FALSE);
  EXPECT_EQ(never_extractable(row_of("h", "1", "1", "hmac-sha-256-raw", "mac", std::nullopt)),
            CK_FALSE);
}

TEST(Objects, OneAttributeThatFailsLeavesTheOthers) {
  const ObjectTable table = ObjectTable::from(
      listed({row_of("web", "1", "1", "ecdsa-p256", "sign", kP256, "ecdsa-p256-sha256")}), false);
  const Object& key = table.objects()[0];
  CK_BBOOL sensitive = CK_FALSE;
  CK_BYTE value[64], label[2];
  CK_ATTRIBUTE wanted[] = {{CKA_VALUE, value, sizeof value},
                           {CKA_LABEL, label, sizeof label},
                           {CKA_SENSITIVE, &sensitive, sizeof sensitive},
                           {CKA_LABEL, nullptr, 0}};
  EXPECT_EQ(read_attributes(key, wanted, 1), CK_RV{CKR_ATTRIBUTE_SENSITIVE});
  EXPECT_EQ(wanted[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
  EXPECT_EQ(read_attributes(key, wanted, 4), CK_RV{CKR_BUFFER_TOO_SMALL});
  EXPECT_EQ(wanted[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
  EXPECT_EQ(sensitive, CK_TRUE);
  EXPECT_EQ(wanted[3].ulValueLen, 3u);
  CK_ATTRIBUTE odd{CKA_VENDOR_DEFINED, nullptr, 0};
  EXPECT_EQ(read_attributes(key, &odd, 1), CK_RV{CKR_ATTRIBUTE_TYPE_INVALID});
}

TEST(Objects, MatchATemplateAsAWhole) {
  const ObjectTable table = ObjectTable::from(
      listed({row_of("web", "1", "1", "ecdsa-p256", "sign", kP256, "ecdsa-p256-sha256")}), false);
  CK_OBJECT_CLASS wanted_class = CKO_PRIVATE_KEY;
  char label[] = "web";
  CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &wanted_class, sizeof wanted_class}, {CKA_LABEL, label, 3}};
  EXPECT_TRUE(matches(table.objects()[0], wanted, 0));
  EXPECT_TRUE(matches(table.objects()[0], wanted, 2));
  EXPECT_FALSE(matches(table.objects()[1], wanted, 2));
  wanted[1].ulValueLen = 2;
  EXPECT_FALSE(matches(table.objects()[0], wanted, 2));
  CK_BYTE secret = 0;
  CK_ATTRIBUTE guess{CKA_VALUE, &secret, 1};
  EXPECT_FALSE(matches(table.objects()[0], &guess, 1));
}

// DER by hand: what of a certificate is shown, and nothing that is signed.
Bytes element(Byte tag, std::initializer_list<Bytes> parts) {
  Bytes contents, out;
  for (const Bytes& part : parts) contents.insert(contents.end(), part.begin(), part.end());
  append_element(out, tag, contents);
  return out;
}

Bytes name_of(std::string_view common_name) {
  const Bytes text(common_name.begin(), common_name.end());
  return element(
      kDerSequence,
      {element(kDerSet,
               {element(kDerSequence, {{0x06, 0x03, 0x55, 0x04, 0x03}, element(0x0c, {text})})})});
}

Bytes certificate_of(std::string_view subject, std::string_view issuer, Byte serial,
                     bool has_version = true) {
  const Bytes empty = element(kDerSequence, {});
  const Bytes version = has_version ? Bytes{0xa0, 0x03, 0x02, 0x01, 0x02} : Bytes{};
  return element(
      kDerSequence,
      {element(kDerSequence,
               {version, {0x02, 0x01, serial}, empty, name_of(issuer), empty, name_of(subject)}),
       empty,
       {0x03, 0x01, 0x00}});
}

Table certified(const std::vector<std::pair<std::string, Bytes>>& keys) {
  Table table = listed({});
  table.columns.emplace_back("certificates");
  for (const auto& [name, chain] : keys) {
    Cells cells = row_of(name, std::to_string(table.rows.size() + 1), "1", "ecdsa-p256",
                         "sign,verify", kP256, "ecdsa-p256-sha256");
    cells.emplace_back(to_hex(chain));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(Objects, CertificatesStandBesideTheirKeysAndAuthoritiesOnce) {
  const Bytes root = certificate_of("Root", "Root", 1, false);
  const Bytes a = certificate_of("a.example", "Root", 2),
              b = certificate_of("b.example", "Root", 3);
  const ObjectTable table = ObjectTable::from(
      certified({{"a", joined({a, root})}, {"b", joined({b, root})}, {"c", {}}}), false);
  std::vector<std::pair<std::string, CK_OBJECT_CLASS>> found;
  for (const Object& object : table.objects()) {
    found.emplace_back(object.name, object.object_class);
    EXPECT_EQ(table.find(object.handle), &object);
  }
  EXPECT_EQ(found, (decltype(found){{"a", CKO_PRIVATE_KEY},
                                    {"a", CKO_PUBLIC_KEY},
                                    {"a", CKO_CERTIFICATE},
                                    {"Root", CKO_CERTIFICATE},
                                    {"b", CKO_PRIVATE_KEY},
                                    {"b", CKO_PUBLIC_KEY},
                                    {"b", CKO_CERTIFICATE},
                                    {"c", CKO_PRIVATE_KEY},
                                    {"c", CKO_PUBLIC_KEY}}));
  const Object& key = table.objects()[0];
  const Object& leaf = table.objects()[2];
  const Object& authority = table.objects()[3];
  EXPECT_EQ(std::get<Bytes>(attribute_of(leaf, CKA_VALUE)), a);
  EXPECT_EQ(std::get<Bytes>(attribute_of(leaf, CKA_ID)),
            std::get<Bytes>(attribute_of(key, CKA_ID)));
  EXPECT_EQ(std::get<Bytes>(attribute_of(leaf, CKA_SUBJECT)), name_of("a.example"));
  EXPECT_EQ(std::get<Bytes>(attribute_of(key, CKA_SUBJECT)), name_of("a.example"));
  EXPECT_EQ(std::get<Bytes>(attribute_of(leaf, CKA_ISSUER)), name_of("Root"));
  EXPECT_EQ(std::get<Bytes>(attribute_of(leaf, CKA_SERIAL_NUMBER)), (Bytes{0x02, 0x01, 0x02}));
  EXPECT_EQ(value_of<CK_ULONG>(leaf, CKA_CERTIFICATE_TYPE), CK_ULONG{CKC_X_509});
  EXPECT_EQ(value_of<CK_ULONG>(leaf, CKA_CERTIFICATE_CATEGORY), 1u);
  EXPECT_EQ(value_of<CK_ULONG>(authority, CKA_CERTIFICATE_CATEGORY), 2u);
  EXPECT_EQ(std::get<Bytes>(attribute_of(authority, CKA_VALUE)), root);
  EXPECT_NE(std::get<Bytes>(attribute_of(authority, CKA_ID)),
            std::get<Bytes>(attribute_of(leaf, CKA_ID)));
  for (const CK_ATTRIBUTE_TYPE type : {CKA_TRUSTED, CKA_PRIVATE, CKA_MODIFIABLE})
    EXPECT_EQ(value_of<CK_BBOOL>(authority, type), CK_FALSE);
  EXPECT_EQ(std::get<NoValue>(attribute_of(leaf, CKA_SIGN)), NoValue::unknown);
  EXPECT_EQ(std::get<NoValue>(attribute_of(leaf, CKA_KEY_TYPE)), NoValue::unknown);
}

TEST(Objects, ACertificateThatCannotBeReadIsNotShown) {
  const Bytes good = certificate_of("a", "a", 1);
  for (std::size_t size = 1; size < good.size(); ++size) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ObjectTable::from(certified({{"a", cut}}), false).objects().size(), 2u) << size;
  }
  EXPECT_EQ(ObjectTable::from(certified({{"a", joined({good, {0x30}})}}), false).objects().size(),
            2u);
  EXPECT_EQ(ObjectTable::from(certified({{"a", good}}), false).objects().size(), 3u);
}

}  // namespace
}  // namespace nae::pkcs11
