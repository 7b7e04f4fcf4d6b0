// Logins while other threads go on.
#include "pkcs11/token.hpp"

#include <gtest/gtest.h>

#include <future>
#include <set>

#include "libnae/base/test_eventually.hpp"
#include "pkcs11/test_scripted_agent.hpp"

namespace nae::pkcs11 {
namespace {

using namespace std::chrono_literals;
using testing::ScriptedAgent;
using Act = ScriptedAgent::Act;

constexpr std::string_view kPin = "eyJh.eyJi.c2ln";

class LoginTest : public ::testing::Test {
 protected:
  CK_SESSION_HANDLE open() {
    CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
    EXPECT_EQ(token_.open_session(kSlot, CKF_SERIAL_SESSION, &handle), CK_RV{CKR_OK});
    return handle;
  }
  std::future<CK_RV> log_in(CK_SESSION_HANDLE handle) {
    return std::async(std::launch::async,
                      [=, this] { return token_.login(handle, CKU_USER, as_bytes(kPin)); });
  }
  CK_RV search(CK_SESSION_HANDLE handle) {
    const CK_RV begun = token_.begin_search(handle, nullptr, 0);
    return begun == CKR_OK ? token_.end_search(handle) : begun;
  }
  CK_STATE state_of(CK_SESSION_HANDLE handle) {
    CK_SESSION_INFO info{};
    EXPECT_EQ(token_.session_info(handle, &info), CK_RV{CKR_OK});
    return info.state;
  }
  void wait_for_requests(int count) {
    ASSERT_TRUE(eventually([&] { return agent_.requests == count; })) << agent_.requests;
  }
  void wait_for_connections(int count) {
    ASSERT_TRUE(eventually([&] { return agent_.connections == count; })) << agent_.connections;
  }

  std::atomic<Act> to_the_user_ = Act::hold, to_nobody_ = Act::answer;
  ScriptedAgent agent_{[this](std::string_view user_token) {
    return user_token.empty() ? to_nobody_.load() : to_the_user_.load();
  }};
  Token token_{[this] {
    Settings settings;
    settings.socket = agent_.path();
    return settings;
  }()};
};

TEST_F(LoginTest, OtherThreadsAskWithoutATokenThatNobodyHasVerified) {
  const CK_SESSION_HANDLE session = open();
  auto login = log_in(session);
  wait_for_requests(1);
  EXPECT_EQ(search(session), CK_RV{CKR_OK}) << "it waits for the login";
  EXPECT_EQ(state_of(session), CK_STATE{CKS_RO_PUBLIC_SESSION});
  to_the_user_ = Act::reject_user;
  EXPECT_EQ(login.get(), CK_RV{CKR_PIN_INCORRECT});
  EXPECT_EQ(search(session), CK_RV{CKR_OK});
  EXPECT_EQ(state_of(session), CK_STATE{CKS_RO_PUBLIC_SESSION});
}

TEST_F(LoginTest, NobodyIsLoggedInWithoutASession) {
  const CK_SESSION_HANDLE session = open();
  auto login = log_in(session);
  wait_for_requests(1);
  ASSERT_EQ(token_.close_all_sessions(kSlot), CK_RV{CKR_OK});
  to_the_user_ = Act::answer;
  EXPECT_EQ(login.get(), CK_RV{CKR_SESSION_HANDLE_INVALID});
  const CK_SESSION_HANDLE later = open();
  EXPECT_EQ(state_of(later), CK_STATE{CKS_RO_PUBLIC_SESSION});
  to_the_user_ = Act::reject_user;
  EXPECT_EQ(search(later), CK_RV{CKR_OK}) << "the token was kept";
}

TEST_F(LoginTest, OfTwoLoginsAtOnceOneIsTooLate) {
  const CK_SESSION_HANDLE session = open();
  auto first = log_in(session);
  auto second = log_in(session);
  wait_for_requests(2);
  to_the_user_ = Act::answer;
  const std::multiset<CK_RV> answers{first.get(), second.get()};
  EXPECT_EQ(answers, (std::multiset<CK_RV>{CKR_OK, CKR_USER_ALREADY_LOGGED_IN}));
  EXPECT_EQ(state_of(session), CK_STATE{CKS_RO_USER_FUNCTIONS});
  EXPECT_EQ(token_.logout(session), CK_RV{CKR_OK});
}

// The list that was asked for before the login is not the user's.
TEST_F(LoginTest, AListThatWasUnderWayIsAskedForAgain) {
  const CK_SESSION_HANDLE session = open(), other = open();
  to_the_user_ = Act::answer;
  to_nobody_ = Act::hold;
  auto asking = std::async(std::launch::async, [&] { return search(other); });
  wait_for_requests(1);
  ASSERT_EQ(log_in(session).get(), CK_RV{CKR_OK});
  to_nobody_ = Act::answer;
  EXPECT_EQ(asking.get(), CK_RV{CKR_OK});
  const int before = agent_.requests;
  EXPECT_EQ(search(session), CK_RV{CKR_OK});
  EXPECT_EQ(agent_.requests, before + 1);
}

// A connection that was closed takes the token along: every buffer is wiped with its memory.
TEST_F(LoginTest, NoConnectionKeepsTheTokenAfterTheLogout) {
  const CK_SESSION_HANDLE session = open(), other = open();
  to_the_user_ = Act::answer;
  ASSERT_EQ(log_in(session).get(), CK_RV{CKR_OK});
  ASSERT_EQ(search(session), CK_RV{CKR_OK});
  wait_for_connections(1);
  ASSERT_EQ(token_.logout(session), CK_RV{CKR_OK});
  wait_for_connections(0);

  ASSERT_EQ(log_in(session).get(), CK_RV{CKR_OK});
  to_the_user_ = Act::hold;
  const int before = agent_.requests;
  auto asking = std::async(std::launch::async, [&] { return search(other); });
  wait_for_requests(before + 1);
  ASSERT_EQ(token_.logout(session), CK_RV{CKR_OK});
  to_the_user_ = Act::answer;
  EXPECT_EQ(asking.get(), CK_RV{CKR_OK});
  wait_for_connections(0);
  ASSERT_EQ(search(session), CK_RV{CKR_OK});
  EXPECT_EQ(agent_.requests, before + 2) << "the list of the user is not that of nobody";
}

}  // namespace
}  // namespace nae::pkcs11
