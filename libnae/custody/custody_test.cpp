// Custody files of another implementation, and each way in which a file, a card or a share is not
// the one it is taken for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bitset>

#include "libnae/crypto/key_wrap.hpp"
#include "libnae/crypto/random.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/crypto/software_card.hpp"
#include "libnae/custody/custody_secret.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::custody {
namespace {

using testing::HasSubstr;
using vectors::Vector;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

crypto::SecretBytes secret_of(ByteView bytes) {
  crypto::SecretBytes secret(bytes.size());
  std::ranges::copy(bytes, secret.expose_for_writing().begin());
  return secret;
}
std::vector<Vector> all() {
  return vectors::read("custody.txt");
}
Vector two_of_three() {
  return vectors::read("custody.txt", "2 of 3").front();
}
CustodySet set_of(const Vector& v) {
  return parse_custody_set(v.bytes("file")).value();
}

Result<crypto::SecretBytes> plaintext_of(const Vector& v, const CustodySet& set, std::size_t i) {
  const std::string x = std::to_string(i + 1);
  return crypto::decrypt_oaep(v.bytes("card" + x), secret_of(v.bytes("passphrase" + x)),
                              hash_of(set.shares[i].sealing), set.shares[i].sealed);
}
std::vector<crypto::Share> shares_of(const Vector& v, const CustodySet& set, unsigned mask) {
  std::vector<crypto::Share> shares;
  for (std::size_t i = 0; i < set.n(); ++i)
    if (mask >> i & 1)
      shares.push_back(open_share(set, i, plaintext_of(v, set, i).value()).value());
  return shares;
}
Error refusal(const Result<crypto::Share>& share) {
  return share ? Error(Code::internal, "it was taken") : share.error();
}

TEST(CustodySetVectors, AreReadAndWrittenByteForByte) {
  for (const Vector& v : all()) {
    const CustodySet set = set_of(v);
    EXPECT_EQ(set.k, v.number("k"));
    EXPECT_EQ(set.n(), v.number("n"));
    EXPECT_EQ(set.generation, v.number("generation"));
    EXPECT_EQ(set.made_at_s, v.number("made_at_s"));
    EXPECT_TRUE(std::ranges::equal(set.group, v.bytes("group")));
    EXPECT_TRUE(std::ranges::equal(set.check, v.bytes("check")));
    EXPECT_EQ(write_custody_set(set), v.bytes("file"));
    EXPECT_TRUE(check_signature(set)) << v.section;
  }
}

TEST(CustodySetVectors, OpenWithEveryQuorumAndWithNoLess) {
  for (const Vector& v : all()) {
    const CustodySet set = set_of(v);
    for (unsigned mask = 0; mask < 1u << set.n(); ++mask) {
      const auto secret = join_shares(set, shares_of(v, set, mask));
      if (std::bitset<16>(mask).count() < set.k) {
        ASSERT_FALSE(secret);
        EXPECT_EQ(secret.error().code, Code::approval_required);
        EXPECT_THAT(secret.error().message, HasSubstr("missing"));
        continue;
      }
      ASSERT_TRUE(secret) << secret.error().message;
      EXPECT_TRUE(std::ranges::equal(secret->expose(), v.bytes("secret"))) << v.section;
    }
  }
}

TEST(CustodySetVectors, WhatIsKeptIsUnwrapped) {
  for (const Vector& v : all()) {
    const CustodySet set = set_of(v);
    for (const KeptKey& key : set.kept) {
      const std::string kind = std::to_string(static_cast<int>(key.kind));
      const auto by =
          wrapping_key(secret_of(v.bytes("secret")), set.group, set.generation, key.kind);
      EXPECT_TRUE(std::ranges::equal(by.expose(), v.bytes("wrapping" + kind)));
      const auto material = crypto::unwrap_kwp(by, key.wrapped);
      ASSERT_TRUE(material) << v.section << " " << kind;
      EXPECT_TRUE(std::ranges::equal(material->expose(), v.bytes("material" + kind)));
    }
  }
}

// Whatever byte is changed, the file is refused: as malformed, or by its signature. ECDSA's
// encoding in the signature itself included.
TEST(CustodySet, AFlippedByteInAnyFieldIsRefused) {
  const Bytes good = two_of_three().bytes("file");
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes changed = good;
    changed[at] ^= 0x01;
    const auto set = parse_custody_set(changed);
    EXPECT_TRUE(!set || !check_signature(*set)) << "byte " << at;
  }
}

TEST(CustodySet, ACutOrLongerFileIsRefused) {
  const Bytes good = two_of_three().bytes("file");
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_custody_set(ByteView(good).first(size))) << size;
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(parse_custody_set(longer));
  longer.resize(kMaxSetBytes + 1);
  EXPECT_FALSE(parse_custody_set(longer));
}

TEST(CustodySet, AnotherVersionSaysSo) {
  Bytes newer = two_of_three().bytes("file");
  newer[12] = 2;
  const auto set = parse_custody_set(newer);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, Code::unsupported_version);
}

TEST(CustodySet, FieldsAtTheirBoundsAndOnePast) {
  const auto taken = [](auto change) {
    CustodySet set = set_of(two_of_three());
    change(set);
    return parse_custody_set(write_custody_set(set)).has_value();
  };
  EXPECT_TRUE(taken([](CustodySet& s) { s.k = 3; }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.k = 1; })) << "two cards of which each is enough";
  EXPECT_FALSE(taken([](CustodySet& s) { s.k = 4; }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.generation = 0; }));
  EXPECT_TRUE(taken([](CustodySet& s) { s.shares[0].holder.assign(128, 'a'); }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.shares[0].holder.assign(129, 'a'); }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.shares[0].holder = "a b"; }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.shares[1].holder = s.shares[0].holder; }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.shares[1].card = s.shares[0].card; }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.shares[0].sealing = static_cast<Sealing>(3); }));
  EXPECT_TRUE(taken([](CustodySet& s) { s.shares[0].sealed.assign(512, 1); }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.shares[0].sealed.assign(513, 1); }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.shares[0].sealed.assign(255, 1); }));
  EXPECT_TRUE(taken([](CustodySet& s) { s.kept.pop_back(); })) << "a token that was there before";
  EXPECT_FALSE(taken([](CustodySet& s) { s.kept.resize(4); }));
  EXPECT_FALSE(taken([](CustodySet& s) { std::swap(s.kept[0], s.kept[1]); }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.kept[0].public_key = s.kept[2].public_key; }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.kept[0].wrapped.push_back(0); }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.signature.assign(73, 1); }));
  EXPECT_FALSE(taken([](CustodySet& s) { s.signature.clear(); }));
}

// Each arriving share, and what its holder is told.
TEST(CustodyShare, OfAnotherGroupGenerationOrNumberIsNamed) {
  const Vector v = two_of_three();
  const CustodySet set = set_of(v);
  const Bytes good = v.bytes("plaintext1");
  ASSERT_TRUE(open_share(set, 0, secret_of(good)));
  const auto changed = [&](std::size_t at) {
    Bytes bytes = good;
    bytes[at] ^= 1;
    return refusal(open_share(set, 0, secret_of(bytes)));
  };
  for (std::size_t at = 0; at < good.size(); ++at) {
    const Error error = changed(at);
    EXPECT_THAT(error.message, HasSubstr("holder-1")) << at;
    EXPECT_EQ(error.code, at == 0 || at > 21 ? Code::authentication_failed : Code::conflict) << at;
  }
  EXPECT_THAT(changed(1).message, HasSubstr("another group"));
  EXPECT_THAT(changed(20).message, HasSubstr("generation 6"));
  EXPECT_THAT(refusal(open_share(set, 0, secret_of(v.bytes("plaintext2")))).message,
              HasSubstr("numbered 2"));
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(refusal(open_share(set, 0, secret_of(longer))).code, Code::authentication_failed);
}

TEST(CustodyShare, OneCardTwiceIsNotTwo) {
  const Vector v = two_of_three();
  const CustodySet set = set_of(v);
  std::vector<crypto::Share> twice = shares_of(v, set, 0b001);
  twice.push_back(std::move(shares_of(v, set, 0b001).front()));
  const auto secret = join_shares(set, twice);
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().code, Code::invalid_argument);
}

class SealShares : public testing::Test {
 protected:
  static Result<CustodySet> sealed(std::size_t k, std::vector<Card> cards) {
    CustodySet set;
    set.group = {1, 2, 3};
    set.generation = 2;
    const crypto::SecretBytes secret = secret_of(Bytes(kSecretBytes, 0x5A));
    NAE_TRY(seal_shares(set, secret, k, cards, crypto::random_bytes));
    return set;
  }
  static const crypto::SoftwareCard& software(std::size_t i) {
    static const std::vector<crypto::SoftwareCard> made = [] {
      std::vector<crypto::SoftwareCard> two;
      for (int n = 0; n < 2; ++n)
        two.push_back(crypto::make_software_card(secret_of(as_bytes("correct"))).value());
      return two;
    }();
    return made[i];
  }
  static Card card(std::size_t i, std::string holder, Sealing sealing = Sealing::rsa_oaep_sha256) {
    return {std::move(holder), sealing, software(i).public_key};
  }
};

TEST_F(SealShares, AreOpenedByTheirCardsAlone) {
  const auto set = sealed(2, {card(0, "alice"), card(1, "bob", Sealing::rsa_oaep_sha1)});
  ASSERT_TRUE(set) << set.error().message;
  std::vector<crypto::Share> shares;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto open = [&](std::size_t by) {
      return crypto::decrypt_oaep(software(by).pem, secret_of(as_bytes("correct")),
                                  hash_of(set->shares[i].sealing), set->shares[i].sealed);
    };
    EXPECT_EQ(open(1 - i).error().code, Code::authentication_failed);
    shares.push_back(open_share(*set, i, open(i).value()).value());
  }
  EXPECT_TRUE(std::ranges::equal(join_shares(*set, shares)->expose(), Bytes(32, 0x5A)));
}

TEST_F(SealShares, OneOfOneIsTheSamePath) {
  const auto set = sealed(1, {card(0, "software")});
  ASSERT_TRUE(set);
  const auto opened = crypto::decrypt_oaep(software(0).pem, secret_of(as_bytes("correct")),
                                           HashAlgorithm::sha256, set->shares[0].sealed);
  std::vector<crypto::Share> shares;
  shares.push_back(open_share(*set, 0, *opened).value());
  EXPECT_TRUE(std::ranges::equal(join_shares(*set, shares)->expose(), Bytes(32, 0x5A)));
}

TEST_F(SealShares, RefusesWhatIsNoQuorumOfDifferentCards) {
  const auto code = [](const Result<CustodySet>& set) {
    return set ? Code::internal : set.error().code;
  };
  EXPECT_EQ(code(sealed(1, {card(0, "a"), card(1, "b")})), Code::invalid_argument);
  EXPECT_EQ(code(sealed(3, {card(0, "a"), card(1, "b")})), Code::invalid_argument);
  EXPECT_EQ(code(sealed(0, {})), Code::invalid_argument);
  EXPECT_EQ(code(sealed(2, {card(0, "a"), card(1, "a")})), Code::conflict);
  EXPECT_EQ(code(sealed(2, {card(0, "a"), card(0, "b")})), Code::conflict);
  EXPECT_EQ(code(sealed(2, {card(0, "alice"), card(1, "Alice")})), Code::conflict)
      << "one administrator is both";
}

TEST(Quorum, AtItsBounds) {
  EXPECT_TRUE(check_quorum({16, 16}));
  EXPECT_TRUE(check_quorum({2, 2}));
  EXPECT_TRUE(check_quorum({1, 1}));
  for (const Quorum& q : {Quorum{0, 0}, {0, 1}, {1, 2}, {3, 2}, {2, 17}, {17, 17}})
    EXPECT_EQ(check_quorum(q).error().code, Code::invalid_argument) << q.k << "/" << q.n;
}

}  // namespace
}  // namespace nae::custody
