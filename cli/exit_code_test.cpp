#include "cli/exit_code.hpp"

#include <gtest/gtest.h>

namespace nae::cli {
namespace {

ExitCode local(Code code) {
  return exit_code(Error(code, "x"), false);
}
ExitCode answered(Code code) {
  return exit_code(Error(code, "x"), true);
}

TEST(ExitCode, TellsAServerThatRefusesFromOneThatFails) {
  for (Code code : {Code::denied, Code::key_unknown, Code::invalid_argument, Code::conflict,
                    Code::limit_exceeded, Code::policy_invalid})
    EXPECT_EQ(answered(code), kRefused) << name(code);
  for (Code code : {Code::hsm_unavailable, Code::store_corrupt, Code::audit_unavailable,
                    Code::internal, Code::shutting_down})
    EXPECT_EQ(answered(code), kServerFailed) << name(code);
}

TEST(ExitCode, TellsAServerThatIsAwayFromAWrongCommand) {
  for (Code code :
       {Code::server_unavailable, Code::connection_lost, Code::timeout, Code::tls_failed})
    EXPECT_EQ(local(code), kUnreachable) << name(code);
  for (Code code :
       {Code::config_invalid, Code::file_failed, Code::invalid_argument, Code::internal})
    EXPECT_EQ(local(code), kUsage) << name(code);
  EXPECT_EQ(local(Code::audit_broken), kRefused) << "the answer of a check is no";
}

// A script tells them apart by number.
TEST(ExitCode, IsNeverGood) {
  for (std::uint16_t number = 0; number < 256; ++number) {
    const auto code = code_from_wire(number);
    if (!code) continue;
    EXPECT_NE(local(*code), kOk) << name(*code);
    EXPECT_NE(answered(*code), kOk) << name(*code);
  }
}

}  // namespace
}  // namespace nae::cli
