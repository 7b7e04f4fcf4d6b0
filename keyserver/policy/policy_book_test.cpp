#include "keyserver/policy/policy_book.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "keyserver/policy/decide.hpp"

namespace nae::policy {
namespace {

// Keeps revisions in memory and fails when told to: the durable one is tested in keyserver/store/.
class MemoryRepository final : public Repository {
 public:
  Result<std::optional<Revision>> latest() override {
    if (revisions.empty()) return std::nullopt;
    return revisions.back();
  }
  Result<std::uint32_t> insert(const Revision& revision) override {
    if (fails) return fail(Code::store_unavailable, "the disk is full");
    revisions.push_back(revision);
    revisions.back().number = static_cast<std::uint32_t>(revisions.size());
    return revisions.back().number;
  }
  Result<std::vector<Revision>> history() override { return revisions; }

  std::vector<Revision> revisions;
  bool fails = false;
};

std::string policy_of(int rules) {
  std::string text = "version = 1\n[[device]]\nname = \"d\"\n[[program]]\nname = \"p\"\n";
  for (int i = 0; i < rules; ++i)
    text += "[[rule]]\nname = \"r" + std::to_string(i) +
            "\"\nroles = [\"*\"]\nactions = [\"random\"]\nresult = \"value\"\n";
  return text;
}

TEST(PolicyBook, WithoutARevisionDeniesEverything) {
  MemoryRepository repository;
  auto book = *PolicyBook::open(repository);
  EXPECT_EQ(book->snapshot()->number, 0u);
  EXPECT_EQ(book->snapshot()->document->version, 0);
  EXPECT_EQ(book->snapshot()->epoch, book->epoch());
}

TEST(PolicyBook, AppliesAndRemembers) {
  MemoryRepository repository;
  auto book = *PolicyBook::open(repository);
  auto epoch = book->epoch();
  auto applied = book->apply(policy_of(2), "alice", "first", 7);
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ((*applied)->number, 1u);
  EXPECT_GT(book->epoch(), epoch);
  EXPECT_EQ(book->snapshot()->document->rules.size(), 2u);
  EXPECT_EQ(repository.revisions[0].author, "alice");
  EXPECT_EQ(repository.revisions[0].text, policy_of(2));
  EXPECT_EQ(repository.revisions[0].created_at_us, 7);
  auto reopened = *PolicyBook::open(repository);
  EXPECT_EQ(reopened->snapshot()->number, 1u);
  EXPECT_EQ(reopened->snapshot()->document->rules.size(), 2u);
}

TEST(PolicyBook, ARefusedDocumentChangesNothing) {
  MemoryRepository repository;
  auto book = *PolicyBook::open(repository);
  ASSERT_TRUE(book->apply(policy_of(1), "alice", "", 0));
  auto before = book->snapshot();
  auto refused = book->apply("version = 1\nnonsense = 1", "alice", "", 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::policy_invalid);
  EXPECT_EQ(book->snapshot(), before);
  EXPECT_EQ(book->epoch(), before->epoch);
  EXPECT_EQ(repository.revisions.size(), 1u);
}

TEST(PolicyBook, WhatCannotBeStoredIsNotInForce) {
  MemoryRepository repository;
  auto book = *PolicyBook::open(repository);
  auto before = book->snapshot();
  repository.fails = true;
  auto refused = book->apply(policy_of(1), "alice", "", 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::store_unavailable);
  EXPECT_EQ(book->snapshot(), before);
}

TEST(PolicyBook, AStoredRevisionThatDoesNotParseIsCorruption) {
  MemoryRepository repository;
  repository.revisions.push_back({1, "version = 9", "alice", "", 0});
  auto book = PolicyBook::open(repository);
  ASSERT_FALSE(book);
  EXPECT_EQ(book.error().code, Code::store_corrupt);
}

TEST(PolicyBook, BumpingTheEpochKeepsThePolicy) {
  MemoryRepository repository;
  auto book = *PolicyBook::open(repository);
  ASSERT_TRUE(book->apply(policy_of(1), "alice", "", 0));
  auto before = book->snapshot();
  auto epoch = book->bump_epoch();
  EXPECT_EQ(epoch, before->epoch + 1);
  EXPECT_EQ(book->epoch(), epoch);
  EXPECT_EQ(book->snapshot()->document, before->document);
  EXPECT_EQ(book->snapshot()->number, before->number);
}

TEST(PolicyBook, ReadersNeverSeeAnEpochWithoutItsPolicy) {
  MemoryRepository repository;
  auto book = *PolicyBook::open(repository);
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      auto cached = book->snapshot();
      while (!done) {
        auto epoch = book->epoch();
        if (epoch == cached->epoch) continue;
        auto next = book->snapshot();
        ASSERT_GE(next->epoch, epoch);
        ASSERT_GE(next->number, cached->number);
        ASSERT_EQ(next->document->rules.size(), next->number) << "number and document belong";
        cached = next;
      }
    });
  std::thread bumping([&] {
    for (int i = 0; i < 1000; ++i) book->bump_epoch();
  });
  for (int i = 1; i <= 50; ++i) ASSERT_TRUE(book->apply(policy_of(i), "alice", "", 0));
  bumping.join();
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(book->snapshot()->epoch, 1u + 50 + 1000);
}

}  // namespace
}  // namespace nae::policy
