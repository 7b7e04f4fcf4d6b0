#include "libnae/base/version.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace nae {
namespace {

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string written(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
  return file;
}

// What cmake/version.cmake makes of a source directory that the test lays out.
class VersionSource : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "nae-version-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    source_ = name;
    written(source_ / "VERSION", "7.8.9\n");
    std::filesystem::create_directories(source_ / "libnae/base");
    std::filesystem::copy_file(std::filesystem::path(NAE_SOURCE_DIR) / "libnae/base/version.cpp.in",
                               source_ / "libnae/base/version.cpp.in");
  }
  void TearDown() override { std::filesystem::remove_all(source_); }

  std::string made() {
    const std::string command = "cmake -DSOURCE=" + source_.string() +
                                " -DOUTPUT=" + output().string() +
                                " -P " NAE_SOURCE_DIR "/cmake/version.cmake";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream in(output());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::filesystem::path output() const { return source_ / "version.cpp"; }

  std::filesystem::path source_;
};

TEST(Version, IsThatOfTheFile) {
  EXPECT_EQ(version(), first_line(std::filesystem::path(NAE_SOURCE_DIR) / "VERSION"));
}

TEST(Version, OfAProgramNamesTheCommitAndItsGreetingDoesNot) {
  EXPECT_EQ(software("nae"), "nae " + std::string(version()));
  EXPECT_EQ(version_text("nae"), commit().empty()
                                     ? software("nae")
                                     : software("nae") + " (" + std::string(commit()) + ")");
}

TEST_F(VersionSource, OfAReleaseTakesTheCommitFromItsFile) {
  written(source_ / "COMMIT", "v7.8.9\n");
  const std::string text = made();
  EXPECT_NE(text.find("return \"7.8.9\";"), std::string::npos);
  EXPECT_NE(text.find("return \"v7.8.9\";"), std::string::npos);
}

TEST_F(VersionSource, WithoutCheckoutAndFileKnowsNoCommit) {
  EXPECT_NE(made().find("return \"\";"), std::string::npos);
}

TEST_F(VersionSource, IsNotWrittenAgainWhenItSaysTheSame) {
  made();
  const auto before = std::filesystem::last_write_time(output());
  made();
  EXPECT_EQ(std::filesystem::last_write_time(output()), before);
}

}  // namespace
}  // namespace nae
