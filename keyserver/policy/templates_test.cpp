// The policies that are shipped to begin with: each is good as it stands, and none says what the
// server warns of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "keyserver/policy/warnings.hpp"

namespace nae::policy {
namespace {

std::vector<std::filesystem::path> templates() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry :
       std::filesystem::directory_iterator(NAE_SOURCE_DIR "/packaging/policies"))
    if (entry.path().extension() == ".toml") found.push_back(entry.path());
  return found;
}

TEST(Templates, AreFive) {
  EXPECT_EQ(templates().size(), 5u);
}

TEST(Templates, ParseWithoutAWarning) {
  for (const auto& path : templates()) {
    std::ifstream in(path);
    auto document = parse(std::string{std::istreambuf_iterator<char>(in), {}});
    ASSERT_TRUE(document) << path << ": " << document.error().message;
    EXPECT_THAT(warnings(*document), ::testing::IsEmpty()) << path;
  }
}

}  // namespace
}  // namespace nae::policy
