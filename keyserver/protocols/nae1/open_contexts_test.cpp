#include "keyserver/protocols/nae1/open_contexts.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include "keyserver/identity/test_issuer.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "net/test_certificates.hpp"

namespace nae::nae1 {
namespace {

using identity::testing::TestIssuer;
using net::testing::must;

TEST(OpenContexts, AContextIsNotOpenedForATokenThatProvesNobody) {
  const TestIssuer issuer;
  const std::int64_t now_s = std::time(nullptr), now_us = now_s * 1'000'000;
  const net::testing::TemporaryDirectory directory;
  const auto store = must(store::sqlite::Store::create(directory / "store.db"));
  const auto book = must(policy::PolicyBook::open(*store));
  must(book->apply("version = 1\n" + issuer.table("login"), "test", "", now_us));
  const auto open_with = [&](OpenContexts& contexts, std::string_view token) {
    wire::OpenContext open;
    open.context = 1;
    open.role.effective_role = "app";
    open.program.emplace().name = "postgres";
    open.user_token.assign(token.begin(), token.end());
    return contexts.open({"db1", {}}, std::move(open), 100, *book, now_us);
  };
  OpenContexts contexts;
  ASSERT_TRUE(open_with(contexts, issuer.token("alice", now_s + 600)));
  EXPECT_NE(contexts.find(1), nullptr);
  EXPECT_EQ(open_with(contexts, TestIssuer().token("alice", now_s + 600)).error().code,
            Code::user_token_rejected);
  EXPECT_EQ(contexts.find(1), nullptr);  // nor does the number mean the earlier context any more
}

}  // namespace
}  // namespace nae::nae1
