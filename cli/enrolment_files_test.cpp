#include "cli/enrolment_files.hpp"

#include <gmock/gmock.h>

#include "cli/test_directory.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::cli {
namespace {

using ::testing::HasSubstr;

class EnrolmentFilesTest : public DirectoryTest {
 protected:
  EnrolmentFilesTest() : authority_(certificate_of("authority")) {
    write("server-authority.pem", authority_);
  }
  static std::string certificate_of(const std::string& name) {
    const crypto::KeyPair pair = crypto::generate_p256().value();
    crypto::CertificateTemplate wanted;
    wanted.common_name = name;
    wanted.not_after_s = 4'000'000'000;
    wanted.usage = crypto::CertificateUsage::authority;
    wanted.spki = pair.spki;
    const crypto::Signer signer = crypto::software_signer(pair.private_key_pem).value();
    return crypto::issue(wanted, std::nullopt, signer).value();
  }
  Result<EnrolmentFiles> prepare(const std::string& name = "db1") {
    return EnrolmentFiles::prepare(directory_ / "out", name, directory_ / "server-authority.pem");
  }
  mode_t mode_of(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(::stat((directory_ / name).c_str(), &status), 0) << name;
    return status.st_mode & 0777;
  }

  std::string authority_;
};

TEST_F(EnrolmentFilesTest, KeepsKeyAndRequestBeforeAnythingIsAsked) {
  auto files = prepare();
  ASSERT_TRUE(files) << files.error().message;
  auto asked = files->own_key(true);
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(mode_of("out/db1.key"), 0600u);
  auto request = crypto::read_request(read("out/db1.csr"));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->common_name, "db1");
  EXPECT_EQ(request->spki, asked->spki);
  EXPECT_EQ(asked->request, read("out/db1.csr"));
}

// A call that was cut short, repeated: the server must see the same key and the same request.
TEST_F(EnrolmentFilesTest, GoesOnWithWhatAnEarlierCallLeft) {
  Bytes spki;
  std::string request;
  {
    auto files = prepare();
    ASSERT_TRUE(files);
    auto asked = files->own_key(true);
    ASSERT_TRUE(asked);
    spki = asked->spki;
    request = asked->request;
  }
  EXPECT_FALSE(exists("out/db1.pem"));
  for (bool may_make : {true, false}) {
    auto files = prepare();
    ASSERT_TRUE(files) << files.error().message;
    auto asked = files->own_key(may_make);
    ASSERT_TRUE(asked) << asked.error().message;
    EXPECT_EQ(asked->spki, spki);
    EXPECT_EQ(asked->request, request);
    files->forget_key();
    EXPECT_TRUE(exists("out/db1.key")) << "not of this call";
  }
}

TEST_F(EnrolmentFilesTest, TakesBackWhatItMadeWhenItWasRefused) {
  auto files = prepare();
  ASSERT_TRUE(files);
  ASSERT_TRUE(files->own_key(true));
  files->forget_key();
  EXPECT_FALSE(exists("out/db1.key") || exists("out/db1.csr"));
}

TEST_F(EnrolmentFilesTest, MakesNoKeyWhereOneMustBe) {
  auto files = prepare();
  ASSERT_TRUE(files);
  auto asked = files->own_key(false);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Code::file_failed);
  EXPECT_FALSE(exists("out/db1.key"));
}

// Who put a key there would hold the name that is enrolled under it.
TEST_F(EnrolmentFilesTest, TakesNoKeyThatMayBeAnothers) {
  std::filesystem::create_directory(directory_ / "out");
  const Bytes pem = crypto::generate_p256().value().private_key_pem;
  for (mode_t mode : {0640, 0604, 0660}) {
    write("out/db1.key", as_text(pem), mode);
    auto files = prepare();
    ASSERT_TRUE(files);
    EXPECT_EQ(files->own_key(true).error().code, Code::file_failed) << std::oct << mode;
  }
  std::filesystem::rename(directory_ / "out/db1.key", directory_ / "elsewhere");
  ::chmod((directory_ / "elsewhere").c_str(), 0600);
  std::filesystem::create_symlink(directory_ / "elsewhere", directory_ / "out/db1.key");
  EXPECT_FALSE(prepare()->own_key(true));
  std::filesystem::remove(directory_ / "out/db1.key");
  write("out/db1.key", "no key");
  auto refused = prepare()->own_key(true);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("is not overwritten"));
  EXPECT_EQ(read("out/db1.key"), "no key");
}

TEST_F(EnrolmentFilesTest, TakesNoRequestOfAnotherKeyOrName) {
  {
    auto files = prepare("other");
    ASSERT_TRUE(files && files->own_key(true));
  }
  std::filesystem::copy(directory_ / "out/other.csr", directory_ / "out/db1.csr");
  auto of_another_key = prepare()->own_key(true);
  ASSERT_FALSE(of_another_key);
  EXPECT_FALSE(exists("out/db1.key")) << "what was made for it is taken back";
  std::filesystem::copy(directory_ / "out/other.key", directory_ / "out/db1.key");
  EXPECT_FALSE(prepare()->own_key(true)) << "by the same key, for another name";
}

TEST_F(EnrolmentFilesTest, OverwritesNoCertificateAndNoOtherAuthority) {
  std::filesystem::create_directory(directory_ / "out");
  write("out/authority.pem", certificate_of("another"));
  auto files = prepare();
  ASSERT_FALSE(files);
  EXPECT_THAT(files.error().hint, HasSubstr("another authority"));
  write("out/authority.pem", authority_);
  EXPECT_TRUE(prepare());
  std::filesystem::create_symlink("nowhere", directory_ / "out/db1.pem");
  EXPECT_FALSE(prepare()) << "a link that leads nowhere takes the name too";
}

TEST_F(EnrolmentFilesTest, WritesTheAnswerAndClearsUp) {
  auto files = prepare();
  ASSERT_TRUE(files && files->own_key(true) && files->wait_for("7", "/v1/devices"));
  ASSERT_TRUE(files->write("certificate", authority_));
  EXPECT_EQ(read("out/db1.pem"), "certificate");
  EXPECT_EQ(read("out/authority.pem"), authority_);
  EXPECT_TRUE(exists("out/db1.key"));
  EXPECT_FALSE(exists("out/db1.csr") || exists("out/db1.approval"));
}

TEST_F(EnrolmentFilesTest, RefusesAnAnswerByAnotherAuthority) {
  std::filesystem::create_directory(directory_ / "out");
  write("out/authority.pem", authority_);
  auto files = prepare();
  ASSERT_TRUE(files);
  EXPECT_FALSE(files->write("certificate", certificate_of("another")));
  EXPECT_FALSE(files->write("certificate", "no certificate"));
  EXPECT_EQ(read("out/authority.pem"), authority_);
}

TEST_F(EnrolmentFilesTest, KnowsTheApprovalOfTheSameCommandAlone) {
  auto files = prepare();
  ASSERT_TRUE(files);
  EXPECT_EQ(files->waits_for("/v1/devices").value(), "");
  ASSERT_TRUE(files->wait_for("17", "/v1/devices"));
  EXPECT_EQ(files->waits_for("/v1/devices").value(), "17");
  EXPECT_FALSE(files->waits_for("/v1/device"));
  EXPECT_FALSE(files->waits_for("/v1/admins"));
  EXPECT_EQ(mode_of("out/db1.approval"), 0600u);
  for (const char* note : {"", "17", "17 /v1/devices", "17/v1/devices\n"}) {
    write("out/db1.approval", note);
    EXPECT_FALSE(files->waits_for("/v1/devices")) << note;
  }
  files->wait_no_more();
  EXPECT_EQ(files->waits_for("/v1/devices").value(), "");
}

}  // namespace
}  // namespace nae::cli
