// A card answers one question for one request; whatever else is sealed to it is not answered.
#include "libnae/custody/presence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "libnae/crypto/hmac.hpp"
#include "libnae/crypto/random.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/custody/arrivals.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::custody {
namespace {

using testing::HasSubstr;
using vectors::Vector;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class PresenceTest : public testing::Test {
 protected:
  PresenceTest() {
    char name[] = "/tmp/nae-presence-XXXXXX";
    directory_ = ::mkdtemp(name);
    for (const std::string x : {"1", "2", "3"}) {
      write("card" + x, vector_.bytes("card" + x));
      Bytes line = vector_.bytes("passphrase" + x);
      line.push_back('\n');
      write("passphrase" + x, line);
    }
    EXPECT_TRUE(crypto::random_bytes(nonce_.expose_for_writing()));
    request_.fill(7);
  }
  ~PresenceTest() override { std::filesystem::remove_all(directory_); }
  void write(const std::string& name, ByteView content) {
    std::ofstream(directory_ / name) << as_text(content);
    ::chmod((directory_ / name).c_str(), 0600);
  }
  std::unique_ptr<CardReader> card(int x) const {
    const std::string number = std::to_string(x);
    return CardReader::open(SoftwareCardFiles{directory_ / ("card" + number),
                                              directory_ / ("passphrase" + number)})
        .value();
  }
  // To the card of share x.
  Question question(int x) const {
    const auto index = static_cast<std::size_t>(x - 1);
    const auto reader = card(x);
    return {set_.group, set_.generation, set_.shares[index],
            seal_question(set_, index, reader->public_keys().front(), request_, nonce_).value()};
  }

  Vector vector_ = vectors::read("custody.txt", "2 of 3").front();
  CustodySet set_ = parse_custody_set(vector_.bytes("file")).value();
  std::filesystem::path directory_;
  crypto::SecretBytes nonce_{kNonceBytes};
  crypto::Sha256Digest request_{};
};

TEST_F(PresenceTest, EachCardAnswersItsOwnQuestion) {
  for (int x = 1; x <= 3; ++x) {
    const auto code = answer_question(*card(x), question(x), request_);
    ASSERT_TRUE(code) << code.error().message;
    EXPECT_EQ(*code, presence_code(nonce_, set_.group, set_.generation, request_));
  }
}

TEST_F(PresenceTest, TheCodeIsThatOfTheSpecification) {
  Bytes input;
  ByteWriter out(input);
  out.raw(as_bytes("NAE presence 1"));
  out.raw(set_.group);
  out.u32(set_.generation);
  out.raw(request_);
  EXPECT_TRUE(crypto::HmacSha256(nonce_).verify(
      input, presence_code(nonce_, set_.group, set_.generation, request_)));
  crypto::Sha256Digest other = request_;
  other[0] ^= 1;
  EXPECT_NE(presence_code(nonce_, set_.group, set_.generation, request_),
            presence_code(nonce_, set_.group, set_.generation, other));
  EXPECT_NE(presence_code(nonce_, set_.group, set_.generation, request_),
            presence_code(nonce_, set_.group, set_.generation + 1, request_));
}

TEST_F(PresenceTest, AQuestionIsSealedToTheCardOfItsShareAlone) {
  const auto sealed = seal_question(set_, 0, card(2)->public_keys().front(), request_, nonce_);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, Code::conflict);
  Question to_first = question(1);
  const auto answered = answer_question(*card(2), to_first, request_);
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().code, Code::conflict) << "another card";
  to_first.card = set_.shares[1];
  EXPECT_EQ(answer_question(*card(2), to_first, request_).error().code,
            Code::authentication_failed);
}

TEST_F(PresenceTest, AQuestionAboutAnotherRequestIsNotAnswered) {
  crypto::Sha256Digest other = request_;
  other.back() ^= 1;
  const auto answered = answer_question(*card(1), question(1), other);
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().code, Code::conflict);
  Question of_another_time = question(1);
  ++of_another_time.generation;
  EXPECT_EQ(answer_question(*card(1), of_another_time, request_).error().code, Code::conflict);
}

// A server in other hands hands out the share of the card in place of a question.
TEST_F(PresenceTest, AShareIsNoQuestion) {
  Question share = question(1);
  share.sealed = set_.shares[0].sealed;
  const auto answered = answer_question(*card(1), share, request_);
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().code, Code::authentication_failed);
  EXPECT_THAT(answered.error().hint, HasSubstr("share"));
}

// And the other way round: what a question seals is no share.
TEST_F(PresenceTest, AQuestionIsNoShare) {
  set_.shares[0].sealed = question(1).sealed;
  Arrivals arrivals(set_);
  const auto taken = arrivals.take(*card(1));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::authentication_failed);
}

TEST_F(PresenceTest, ArrivalsTakeEachCardOnce) {
  Arrivals arrivals(set_);
  ASSERT_TRUE(arrivals.take(*card(1)));
  EXPECT_EQ(arrivals.take(*card(1)).error().code, Code::conflict);
  EXPECT_EQ(arrivals.join().error().code, Code::approval_required);
  ASSERT_TRUE(arrivals.take(*card(3)));
  const auto secret = arrivals.join();
  ASSERT_TRUE(secret) << secret.error().message;
  EXPECT_TRUE(crypto::equal_in_constant_time(secret->expose(), vector_.bytes("secret")));
  EXPECT_THAT(arrivals.holders(),
              testing::ElementsAre(set_.shares[0].holder, set_.shares[2].holder));
}

}  // namespace
}  // namespace nae::custody
