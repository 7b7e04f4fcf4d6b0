// Requests that custodians' cards approve: cards of tests/vectors/custody.txt, which no group of
// this server has; a server compares that at its start.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "keyserver/admin/admin_service_test_server.hpp"
#include "keyserver/admin/card_decision.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;
using vectors::Vector;

class CardApprovalsTest : public AdminServiceTest {
 protected:
  void SetUp() override {
    AdminServiceTest::SetUp();
    vector_ = vectors::read("custody.txt", "2 of 3").front();
    set_ = custody::parse_custody_set(vector_.bytes("file")).value();
    for (const char* name : {"alice", "bob", "holder-1"})
      ASSERT_TRUE(add_admin(name, {"key-admin"}));
    start(2);
  }
  void start(std::size_t cards) {
    ApprovalRules rules =
        approval_rules({"key-create", "key-rotate", "admin-change"}, 3600s).value();
    rules = with_cards(std::move(rules), {"key-create"}, cards, set_).value();
    presences_ = std::make_unique<Presences>(rules.custodians);
    start_service(std::move(rules), presences_.get());
  }
  std::unique_ptr<custody::CardReader> card(const Vector& vector, int x) {
    const std::string number = std::to_string(x);
    Bytes line = vector.bytes("passphrase" + number);
    line.push_back('\n');
    for (const auto& [name, content] :
         {std::pair(std::string("card"), vector.bytes("card" + number)),
          std::pair(std::string("passphrase"), line)}) {
      std::ofstream(directory_ / name) << as_text(content);
      ::chmod((directory_ / name).c_str(), 0600);
    }
    return custody::CardReader::open(
               custody::SoftwareCardFiles{directory_ / "card", directory_ / "passphrase"})
        .value();
  }
  std::string request(const std::string& key, const std::string& who = "alice") {
    const auto response = call(who, "POST", "/v1/keys", {{"name", key}, {"type", "aes-256-gcm"}});
    EXPECT_EQ(response.status, 202u) << response.body;
    return shown(parsed(response).at("approval"), "id");
  }
  http::HttpResponse ask(const std::string& id, const custody::CardReader& reader) {
    return call("auditor", "POST", "/v1/approvals/" + id + "/questions",
                {{"public_key", to_hex(reader.public_keys().front())}});
  }
  // As `nae custody approve` at a custodian's desk.
  std::string code_of(const json::value& asked, const custody::CardReader& reader) {
    custody::Question question;
    const auto group = from_hex(shown(asked, "group")).value();
    std::ranges::copy(group, question.group.begin());
    question.generation = static_cast<std::uint32_t>(std::stoul(shown(asked, "generation")));
    question.card = set_.shares[reader.find_share(set_).value()];
    question.sealed = from_hex(shown(asked, "sealed")).value();
    crypto::Sha256Digest digest;
    std::ranges::copy(from_hex(shown(asked, "digest")).value(), digest.begin());
    return to_hex(custody::answer_question(reader, question, digest).value());
  }
  http::HttpResponse answer(const std::string& id, const std::string& question,
                            const std::string& code) {
    return call("auditor", "POST", "/v1/approvals/" + id + "/presences",
                {{"question", question}, {"code", code}});
  }
  http::HttpResponse present(const std::string& id, int x) {
    const auto reader = card(vector_, x);
    const auto asked = ask(id, *reader);
    if (asked.status != 200) return asked;
    return answer(id, shown(parsed(asked), "question"), code_of(parsed(asked), *reader));
  }
  json::value seen(const std::string& id) {
    return parsed(call("auditor", "GET", "/v1/approvals/" + id));
  }

  Vector vector_;
  custody::CustodySet set_;
  std::unique_ptr<Presences> presences_;
};

TEST_F(CardApprovalsTest, DifferentCardsApproveAndThenItIsDone) {
  const std::string id = request("a");
  EXPECT_EQ(shown(seen(id), "cards"), "2");
  const auto first = present(id, 3);
  ASSERT_EQ(first.status, 200u) << first.body;
  EXPECT_EQ(shown(parsed(first), "state"), "waiting");
  EXPECT_EQ(shown(parsed(first), "missing"), "1");
  EXPECT_EQ(call("alice", "GET", "/v1/keys/a").status, 404u);
  const auto second = present(id, 1);
  ASSERT_EQ(second.status, 200u) << second.body;
  EXPECT_EQ(shown(parsed(second), "state"), "done") << second.body;
  EXPECT_EQ(call("alice", "GET", "/v1/keys/a").status, 200u);
  const json::array decisions = seen(id).at("decisions").as_array();
  ASSERT_EQ(decisions.size(), 2u);
  EXPECT_EQ(shown(decisions[0], "by"), "card/" + set_.shares[2].holder);
  EXPECT_EQ(shown(decisions[1], "by"), "card/" + set_.shares[0].holder);
  // One record names all holders; each card has one of its own.
  EXPECT_THAT(records("key-create").back().detail,
              HasSubstr("approved by card/" + set_.shares[2].holder + ", card/" +
                        set_.shares[0].holder + " as " + id));
  EXPECT_EQ(records("key-create").back().admin, "alice");
  EXPECT_THAT(records("approval-presence").back().detail,
              HasSubstr("the card of " + set_.shares[0].holder + " is card 2 of 2"));
  EXPECT_EQ(records("approval-presence").back().digest, "request:" + shown(seen(id), "digest"));
  EXPECT_EQ(code(present(id, 2)), "conflict") << "it does not wait any more";
}

TEST_F(CardApprovalsTest, OneCardIsNotTwo) {
  const std::string id = request("a");
  ASSERT_EQ(present(id, 1).status, 200u);
  EXPECT_EQ(code(present(id, 1)), "conflict");
  EXPECT_EQ(seen(id).at("decisions").as_array().size(), 1u);
  EXPECT_EQ(shown(seen(id), "state"), "waiting");
}

TEST_F(CardApprovalsTest, ACardOfAnotherGroupOrGenerationIsRefused) {
  const std::string id = request("a");
  const auto other = card(vectors::read("custody.txt", "1 of 1").front(), 1);
  EXPECT_EQ(code(ask(id, *other)), "conflict");
  // The custodians changed: another generation, whose cards are others.
  set_.generation = 9;
  set_.shares[0].card[0] ^= 1;
  start(2);
  EXPECT_EQ(code(ask(id, *card(vector_, 1))), "conflict");
  EXPECT_THAT(ask(id, *card(vector_, 1)).body, HasSubstr("generation 9"));
  EXPECT_EQ(present(id, 2).status, 200u);
}

// The custodians changed while a request waited: what the old ones decided stays on record.
TEST_F(CardApprovalsTest, ADecisionOfAnEarlierGenerationCountsNoLonger) {
  const std::string id = request("a");
  ASSERT_EQ(present(id, 3).status, 200u);
  EXPECT_EQ(shown(seen(id).at("decisions").at(0), "counts"), "true");
  EXPECT_EQ(shown(seen(id).at("decisions").at(0), "card"), to_hex(set_.shares[2].card));
  const std::string before = shown(seen(id).at("decisions").at(0), "generation");
  set_.generation += 1;
  start(2);
  EXPECT_EQ(shown(seen(id).at("decisions").at(0), "counts"), "false");
  EXPECT_EQ(shown(seen(id).at("decisions").at(0), "generation"), before);
  const auto first = present(id, 1);
  ASSERT_EQ(first.status, 200u) << first.body;
  EXPECT_EQ(shown(parsed(first), "state"), "waiting");
  EXPECT_EQ(shown(parsed(first), "missing"), "1");
  EXPECT_EQ(call("alice", "GET", "/v1/keys/a").status, 404u);
  const auto again = present(id, 3);  // a custodian of this generation, too
  ASSERT_EQ(again.status, 200u) << again.body;
  EXPECT_EQ(shown(parsed(again), "state"), "done");
  EXPECT_EQ(seen(id).at("decisions").as_array().size(), 3u);
  EXPECT_THAT(records("key-create").back().detail,
              HasSubstr("approved by card/" + set_.shares[0].holder + ", card/" +
                        set_.shares[2].holder + " as " + id))
      << "who had it done, and nobody else";
}

// Of the same generation, and with another key: another file, or a hand's.
TEST_F(CardApprovalsTest, ADecisionOfACardThatIsNotThereCountsForNothing) {
  const std::string id = request("a");
  ASSERT_EQ(present(id, 3).status, 200u);
  set_.shares[2].card[0] ^= 1;
  start(2);
  EXPECT_EQ(shown(parsed(present(id, 1)), "missing"), "1");
  EXPECT_EQ(call("alice", "GET", "/v1/keys/a").status, 404u);
  EXPECT_EQ(shown(parsed(present(id, 2)), "state"), "done");
  EXPECT_THAT(records("key-create").back().detail, testing::Not(HasSubstr(set_.shares[2].holder)));
}

// "card/HOLDER" is all that servers before wrote: it is shown, and binds no card.
TEST_F(CardApprovalsTest, ADecisionThatNamesNoCardCountsForNothing) {
  const std::string id = request("a");
  const std::string digest = shown(seen(id), "digest");
  for (const std::string by :
       {"card/holder-2", "card/holder-2/", "card/holder-2/x/y", "card/holder-3/99999999999/00"})
    ASSERT_EQ(store_->decide_approval(
                  id, {by, store::Verdict::approved, digest, ::time(nullptr) * 1'000'000}, 9),
              store::ApprovalState::waiting);
  const json::value first = seen(id).at("decisions").at(0);
  EXPECT_EQ(shown(first, "by"), "card/holder-2");
  EXPECT_EQ(shown(first, "generation"), "0");
  EXPECT_EQ(shown(first, "counts"), "false");
  EXPECT_EQ(shown(parsed(present(id, 1)), "missing"), "1");
  EXPECT_EQ(shown(parsed(present(id, 2)), "state"), "done");
}

TEST_F(CardApprovalsTest, WhoAsksIsNotAmongThoseWhoApprove) {
  const std::string id = request("a", "holder-1");
  const auto own = present(id, 1);
  EXPECT_EQ(code(own), "approval_required");
  EXPECT_THAT(own.body,
              HasSubstr("the card of holder-1 is that of holder-1, who made the request"));
  EXPECT_EQ(shown(parsed(present(id, 2)), "missing"), "1");
  EXPECT_EQ(call("alice", "GET", "/v1/keys/a").status, 404u);
  EXPECT_EQ(shown(parsed(present(id, 3)), "state"), "done");
  EXPECT_EQ(shown(parsed(present(request("b"), 1)), "missing"), "1") << "another's request";
  // Where only his own card is left to make up the number, he is told at once.
  start(3);
  const auto never = call("holder-1", "POST", "/v1/keys", {{"name", "c"}, {"type", "aes-256-gcm"}});
  EXPECT_EQ(code(never), "approval_required");
  EXPECT_THAT(never.body, HasSubstr("this takes 3 cards"));
}

TEST_F(CardApprovalsTest, APersonIsKnownByNameOrByKey) {
  const custody::ShareRecord& share = set_.shares[0];
  EXPECT_TRUE(is_of({"holder-1", ""}, share));
  EXPECT_TRUE(is_of({"Holder-1", ""}, share)) << "no two people by a letter's size";
  EXPECT_TRUE(is_of({"somebody", to_hex(share.card)}, share)) << "the certificate is on the card";
  EXPECT_FALSE(is_of({"holder-2", ""}, share));
  EXPECT_FALSE(is_of({"holder-10", to_hex(set_.shares[1].card)}, share));
}

TEST_F(CardApprovalsTest, AQuestionIsAnsweredOnceAndInTime) {
  const std::string id = request("a"), other = request("b");
  const auto reader = card(vector_, 1);
  const json::value asked = parsed(ask(id, *reader));
  const std::string question = shown(asked, "question"), right = code_of(asked, *reader);
  EXPECT_EQ(code(answer(other, question, right)), "conflict") << "it is about another request";
  EXPECT_EQ(code(answer(id, question, right)), "conflict") << "and was tried";
  const json::value again = parsed(ask(id, *reader));
  const std::string wrong(64, '0');
  EXPECT_EQ(code(answer(id, shown(again, "question"), wrong)), "authentication_failed");
  EXPECT_EQ(code(answer(id, shown(again, "question"), code_of(again, *reader))), "conflict");
  // A newer question of the same card makes the older one void, and so does a restart.
  const json::value older = parsed(ask(id, *reader));
  const json::value newer = parsed(ask(id, *reader));
  EXPECT_EQ(code(answer(id, shown(older, "question"), code_of(older, *reader))), "conflict");
  start(2);
  EXPECT_EQ(code(answer(id, shown(newer, "question"), code_of(newer, *reader))), "conflict");
  EXPECT_TRUE(seen(id).at("decisions").as_array().empty());
  EXPECT_EQ(present(id, 1).status, 200u);
}

TEST_F(CardApprovalsTest, QuestionsEnd) {
  crypto::Sha256Digest digest{};
  const auto reader = card(vector_, 1);
  const auto& key = reader->public_keys().front();
  const auto asked = presences_->ask("bob", "a", digest, key, 1000).value();
  const auto code = custody::answer_question(*reader, asked.question, digest).value();
  auto late = presences_->answer("a", asked.id, code, 1000 + Presences::kLastsUs);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::conflict);
  const auto once_more = presences_->ask("bob", "a", digest, key, 1000).value();
  auto in_time = presences_->answer(
      "a", once_more.id, custody::answer_question(*reader, once_more.question, digest).value(),
      999 + Presences::kLastsUs);
  ASSERT_TRUE(in_time) << in_time.error().message;
  EXPECT_EQ(in_time->holder, set_.shares[0].holder);
  auto ask_as = [&](const std::string& who, std::size_t i, std::int64_t now_us = 1000) {
    auto done = presences_->ask(who, "r" + std::to_string(i), digest, key, now_us);
    return done ? Code{} : done.error().code;
  };
  for (std::size_t i = 0; i < Presences::kMostQuestions; ++i)
    ASSERT_EQ(ask_as("admin" + std::to_string(i / Presences::kMostOfOne), i), Code{});
  EXPECT_EQ(ask_as("one-more", 0), Code::overloaded);
  EXPECT_EQ(ask_as("one-more", 0, 1000 + Presences::kLastsUs), Code{});
}

TEST_F(CardApprovalsTest, NobodyVoidsOrCrowdsOutAnothersQuestions) {
  crypto::Sha256Digest digest{};
  const auto reader = card(vector_, 1);
  const auto& key = reader->public_keys().front();
  const auto asked = presences_->ask("alice", "a", digest, key, 1000).value();
  for (std::size_t i = 0; i < Presences::kMostOfOne; ++i)
    ASSERT_TRUE(
        presences_->ask("mallory", i == 0 ? "a" : "r" + std::to_string(i), digest, key, 1000));
  auto more = presences_->ask("mallory", "more", digest, key, 1000);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Code::overloaded);
  EXPECT_TRUE(presences_->ask("bob", "b", digest, key, 1000));
  EXPECT_TRUE(presences_->answer(
      "a", asked.id, custody::answer_question(*reader, asked.question, digest).value(), 1000));
}

TEST_F(CardApprovalsTest, AnAdministratorDoesNotStandInForCardsNorCardsForOne) {
  const std::string id = request("a");
  const auto response = call("bob", "POST", "/v1/approvals/" + id + "/approve",
                             {{"digest", shown(seen(id), "digest")}});
  EXPECT_EQ(code(response), "approval_required");
  EXPECT_THAT(response.body, HasSubstr("nae custody approve " + id));
  ASSERT_EQ(present(id, 1).status, 200u);
  ASSERT_EQ(present(id, 2).status, 200u);
  const auto rotate = call("alice", "POST", "/v1/keys/a/rotate");
  ASSERT_EQ(rotate.status, 202u) << rotate.body;
  const std::string other = shown(parsed(rotate).at("approval"), "id");
  EXPECT_EQ(code(present(other, 1)), "conflict");
  EXPECT_FALSE(seen(other).as_object().contains("cards"));
  EXPECT_EQ(call("bob", "POST", "/v1/approvals/" + other + "/reject").status, 200u);
}

TEST_F(CardApprovalsTest, WhatIsRejectedTakesNoCard) {
  const std::string id = request("a");
  ASSERT_EQ(present(id, 1).status, 200u);
  ASSERT_EQ(call("alice", "POST", "/v1/approvals/" + id + "/reject").status, 200u);
  EXPECT_EQ(code(present(id, 2)), "conflict");
  EXPECT_EQ(call("alice", "GET", "/v1/keys/a").status, 404u);
}

TEST_F(CardApprovalsTest, MalformedCallsAreRefused) {
  const std::string id = request("a"), path = "/v1/approvals/" + id;
  EXPECT_EQ(code(call("auditor", "POST", path + "/questions", {{"public_key", "xyz"}})),
            "invalid_argument");
  EXPECT_EQ(
      code(call("auditor", "POST", path + "/questions", {{"public_key", std::string(2050, '0')}})),
      "invalid_argument");
  EXPECT_EQ(code(call("auditor", "POST", path + "/questions", {{"public_key", "00"}})), "conflict");
  EXPECT_EQ(code(call("auditor", "POST", path + "/presences", {{"question", "0"}, {"code", "0"}})),
            "invalid_argument");
  EXPECT_EQ(code(call("auditor", "POST", path + "/presences", {{"question", "0"}, {"code", "00"}})),
            "conflict");
  EXPECT_EQ(code(call("auditor", "POST", "/v1/approvals/0000000000000000/questions",
                      {{"public_key", "00"}})),
            "not_found");
}

TEST_F(CardApprovalsTest, RulesOfCards) {
  const ApprovalRules rules = approval_rules({"key-create", "admin-change"}, 1s).value();
  EXPECT_TRUE(with_cards(rules, {"key-create"}, 3, set_));
  for (const auto& refused :
       {with_cards(rules, {"key-rotate"}, 2, set_), with_cards(rules, {"key-create"}, 4, set_)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::config_invalid);
  }
}

}  // namespace
}  // namespace nae::admin
