// Equal claims are one context, and nothing of them is kept when nobody holds it; and which
// addresses an agent may speak in clear at.
#include "agent/context.hpp"

#include <gtest/gtest.h>

#include <set>

#include "agent/loopback.hpp"

namespace nae::agent {
namespace {

wire::OpenContext claim(std::string role) {
  wire::OpenContext claimed;
  claimed.role.effective_role = std::move(role);
  return claimed;
}

ProgramAttestation attested(std::string name = "postgres") {
  ProgramAttestation program;
  program.name = std::move(name);
  program.executable = "/usr/bin/postgres";
  program.executable_sha256 = Bytes(32, 1);
  return program;
}

TEST(ContextRegistry, EqualClaimsAreOneContext) {
  ContextRegistry registry;
  const ProgramAttestation program = attested();
  const ContextPtr first = registry.intern(claim("billing"), program);
  wire::OpenContext numbered = claim("billing");
  numbered.context = 7;
  EXPECT_EQ(registry.intern(numbered, program), first) << "each client has numbers of its own";
  EXPECT_EQ(first->open.context, 0u);
  EXPECT_EQ(registry.size(), 1u);
}

TEST(ContextRegistry, TheProgramIsTheAttestedOne) {
  ContextRegistry registry;
  wire::OpenContext claimed = claim("billing");
  claimed.program = attested("superuser");
  const ContextPtr context = registry.intern(claimed, attested());
  ASSERT_TRUE(context->open.program);
  EXPECT_EQ(context->open.program->name, "postgres") << "whatever a client says it is";
}

TEST(ContextRegistry, EachDifferenceMakesAnother) {
  ContextRegistry registry;
  const ProgramAttestation program = attested();
  std::vector<ContextPtr> contexts{registry.intern(claim("a"), program),
                                   registry.intern(claim("b"), program)};
  ProgramAttestation other = program;
  other.executable_sha256[0] ^= 1;
  contexts.push_back(registry.intern(claim("a"), other));
  wire::OpenContext member = claim("a");
  member.role.memberships = {"staff"};
  contexts.push_back(registry.intern(member, program));
  EXPECT_EQ(std::set<ContextPtr>(contexts.begin(), contexts.end()).size(), 4u);
}

// Roles are claimed, and come and go: what nobody holds must not pile up.
TEST(ContextRegistry, ForgetsWhatNobodyHolds) {
  ContextRegistry registry;
  const ContextPtr held = registry.intern(claim("held"), {});
  for (int i = 0; i < 10'000; ++i) (void)registry.intern(claim("role-" + std::to_string(i)), {});
  EXPECT_LE(registry.size(), 512u);
  EXPECT_EQ(registry.intern(claim("held"), {}), held);
}

TEST(CheckLoopback, TakesNumbersOfLoopbackAlone) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "127.255.255.254", "::1"})
    EXPECT_TRUE(check_loopback({host, 1})) << host;
  for (const char* host : {"localhost", "0.0.0.0", "::", "128.0.0.1", "126.255.255.255", "10.0.0.1",
                           "::2", "", "127.0.0.1 ", "127.1", "[::1]", "::ffff:10.0.0.1"}) {
    auto checked = check_loopback({host, 1});
    ASSERT_FALSE(checked) << host;
    EXPECT_EQ(checked.error().code, Code::config_invalid);
  }
}

}  // namespace
}  // namespace nae::agent
