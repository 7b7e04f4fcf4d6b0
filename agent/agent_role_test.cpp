// On whose behalf a program asks: a database says it, of any other program the agent does.
#include "agent/test_agent.hpp"
#include "agent/unix_role.hpp"

namespace nae::agent::testing {
namespace {

wire::OpenContext claiming(const std::string& role) {
  wire::OpenContext open;
  open.context = 1;
  open.role = {"shop", role, role, role, {"admins", "auditors"}, "nginx", "10.1.2.3"};
  return open;
}

TEST(UnixRole, IsTheNameOfTheUserOrItsNumber) {
  EXPECT_EQ(must(unix_role_of(uid_t{0})), "unix:root");
  EXPECT_EQ(must(unix_role_of(uid_t{3'999'999'999})), "unix:#3999999999");
}

// A rule for a number must not take force because a directory is down for a moment.
TEST(UnixRole, OfAUserDatabaseThatIsDownIsNobodys) {
  EXPECT_EQ(must(unix_role_by(33, 0, "www-data")), "unix:www-data");
  for (const int no_name : {0, ENOENT, ESRCH})
    EXPECT_EQ(must(unix_role_by(33, no_name, nullptr)), "unix:#33");
  for (const int down : {EIO, EMFILE, ENOMEM, ECONNREFUSED}) {
    const auto role = unix_role_by(33, down, nullptr);
    ASSERT_FALSE(role);
    EXPECT_EQ(role.error().code, Code::config_invalid);
    EXPECT_THAT(role.error().message,
                ::testing::AllOf(HasSubstr("uid 33"), HasSubstr(std::strerror(down))));
  }
}

TEST_F(AgentTest, OfAProgramThatIsNoDatabaseTheAgentSaysTheRole) {
  auto& server = serve(always(Act::answer));
  config_.programs[0].unix_role = "unix:www-data";
  start();
  Backend a = backend();
  for (const char* lie : {"superuser", "unix:root", ""}) {
    a.session().open_context(claiming(lie));
    EXPECT_EQ(must(a.ask(1, Action::decrypt, "x")), "x");
  }
  ASSERT_EQ(server.opened().size(), 1u) << "whatever was claimed, it is one context";
  const RoleClaims seen = server.opened()[0].role;
  EXPECT_EQ(seen,
            (RoleClaims{
                "unix:host", "unix:www-data", "unix:www-data", "unix:www-data", {}, "nginx", ""}));
}

TEST_F(AgentTest, ADatabaseClaimsNoRoleOfAUnixUser) {
  auto& server = serve(always(Act::answer));
  start();
  Backend a = backend();
  std::string RoleClaims::*const claims[] = {&RoleClaims::database, &RoleClaims::effective_role,
                                             &RoleClaims::session_role, &RoleClaims::login_role};
  const auto refused = [&](const wire::OpenContext& open) {
    a.session().open_context(open);
    auto answer = must(a.answer());
    auto error = client::as_error(answer.second);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->error.code, Code::role_undetermined);
    auto asked = a.ask(1, Action::decrypt, "x");
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().code, Code::context_unknown);
  };
  for (const auto claim : claims) {
    wire::OpenContext open = claiming("app");
    open.role.*claim = "unix:root";
    refused(open);
  }
  wire::OpenContext member = claiming("app");
  member.role.memberships.emplace_back("unix:www-data");
  refused(member);
  EXPECT_TRUE(server.opened().empty());

  wire::OpenContext near = claiming("unix");
  near.role.database = "a unix:database";
  near.role.application_name = "unix:root";  // for the audit, and claimed there like any
  a.session().open_context(near);
  EXPECT_EQ(must(a.ask(1, Action::decrypt, "x")), "x");
  EXPECT_EQ(server.opened().at(0).role, near.role);
}

// A context that was good does not go on under its number when it is opened again by a lie.
TEST_F(AgentTest, ARefusedContextReplacesAGoodOne) {
  serve(always(Act::answer));
  start();
  Backend a = backend();
  a.session().open_context(claiming("app"));
  EXPECT_EQ(must(a.ask(1, Action::decrypt, "x")), "x");
  a.session().open_context(claiming("unix:root"));
  EXPECT_TRUE(client::as_error(must(a.answer()).second));
  auto asked = a.ask(1, Action::decrypt, "x");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Code::context_unknown);
}

}  // namespace
}  // namespace nae::agent::testing
