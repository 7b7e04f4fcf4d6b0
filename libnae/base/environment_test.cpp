#include "libnae/base/environment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace nae {
namespace {

TEST(Environment, LosesWhatMakesLibrariesWriteSecretsDown) {
  EXPECT_TRUE(std::ranges::any_of(leaking_variables(),
                                  [](std::string_view name) { return name == "SSLKEYLOGFILE"; }));
  for (const char* name : leaking_variables()) ASSERT_EQ(::setenv(name, "/tmp/x", 1), 0);
  ASSERT_EQ(::setenv("NAE_PROFILE_OF_A_TEST", "kept", 1), 0);
  drop_leaking_variables();
  for (const char* name : leaking_variables()) EXPECT_EQ(::getenv(name), nullptr) << name;
  EXPECT_STREQ(::getenv("NAE_PROFILE_OF_A_TEST"), "kept");
  ::unsetenv("NAE_PROFILE_OF_A_TEST");
}

TEST(Environment, LosesWhateverBeginsWithAPrefix) {
  for (const char* name : {"PGHOSTADDR", "PGSSLMODE", "PGOPTIONS", "PG"})
    ASSERT_EQ(::setenv(name, "x", 1), 0);
  ASSERT_EQ(::setenv("XPGHOST", "kept", 1), 0);
  drop_variables_of("PG");
  for (const char* name : {"PGHOSTADDR", "PGSSLMODE", "PGOPTIONS", "PG"})
    EXPECT_EQ(::getenv(name), nullptr) << name;
  EXPECT_STREQ(::getenv("XPGHOST"), "kept");
  ::unsetenv("XPGHOST");
}

}  // namespace
}  // namespace nae
