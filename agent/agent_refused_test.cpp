// A host whose certificate a key server does not take, told from a server that is away.
#include "agent/test_agent.hpp"

namespace nae::agent {
namespace {

using namespace testing;

// Somebody has to mend it, and it does not come back by itself as a server does.
TEST_F(AgentTest, ARemovedHostIsToldSoAndServedWhenItIsEnrolledAgain) {
  config_.limits.unavailable_wait = 100ms;
  auto& server = serve(always(Act::answer));
  config_.servers.push_back({"127.0.0.1", 1});  // is away
  server.refuse_hellos(Error(Code::device_unknown, "it was removed", "enroll it again"));
  start();
  wait_for("upstream.1.last_error", net::to_string(server.endpoint()) + ": it was removed");
  Backend b = backend();
  auto context = b.open("alice");
  for (Action action : {Action::decrypt, Action::sign}) {
    auto answer = b.ask(context, action, "value");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::device_unknown);
    EXPECT_THAT(answer.error().message, HasSubstr("does not let this host in"));
    EXPECT_THAT(answer.error().message, HasSubstr("it was removed"));
    EXPECT_EQ(answer.error().hint, "enroll it again");
  }
  server.refuse_hellos({});
  ASSERT_TRUE(eventually([&] { return b.ask(context, Action::decrypt, "value").has_value(); }));
}

TEST_F(AgentTest, AHostThatOneServerHasRemovedIsServedByAnother) {
  auto& first = serve(always(Act::answer));
  serve(always(Act::answer));
  first.refuse_hellos(Error(Code::device_unknown, "it was removed"));
  start();
  Backend b = backend();
  EXPECT_EQ(must(b.ask(b.open("alice"), Action::decrypt, "value")), "value");
}

// Of two servers one may still have an old certificate: that is told when both refuse.
TEST_F(AgentTest, RejectedCertificatesAreToldAsSuchWhenAllServersRejectThem) {
  config_.limits.unavailable_wait = 100ms;
  auto& first = serve(always(Act::answer));
  auto& second = serve(always(Act::answer));
  const Error expired(Code::certificate_rejected, "it has expired");
  first.refuse_hellos(expired);
  second.refuse_hellos(Error(Code::overloaded, "too many"));
  start();
  wait_for("upstream.1.last_error", net::to_string(first.endpoint()) + ": it has expired");
  wait_for("upstream.2.last_error", net::to_string(second.endpoint()) + ": too many");
  Backend b = backend();
  auto context = b.open("alice");
  EXPECT_EQ(b.ask(context, Action::decrypt, "value").error().code, Code::server_unavailable);
  second.refuse_hellos(expired);
  wait_for("upstream.2.last_error", net::to_string(second.endpoint()) + ": it has expired");
  auto answer = b.ask(context, Action::decrypt, "value");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::certificate_rejected);
  EXPECT_THAT(answer.error().message, HasSubstr("it has expired"));
}

}  // namespace
}  // namespace nae::agent
