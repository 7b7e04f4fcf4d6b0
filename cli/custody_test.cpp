// nae custody on files of another implementation: tests/vectors/custody.txt.
#include <gmock/gmock.h>

#include <sstream>

#include "cli/custody_command.hpp"
#include "cli/exit_code.hpp"
#include "cli/run.hpp"
#include "cli/test_directory.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/custody/custody_set.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using vectors::Vector;

class CustodyCommandTest : public DirectoryTest {
 protected:
  CustodyCommandTest() {
    write("custody.nae", as_text(vector_.bytes("file")));
    for (const std::string x : {"1", "2", "3"}) {
      write("card" + x, as_text(vector_.bytes("card" + x)));
      write("passphrase" + x, std::string(as_text(vector_.bytes("passphrase" + x))) + "\n");
    }
  }
  int run(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    return cli::run(std::move(arguments), out_, err_);
  }
  int status(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"custody", "status", file("custody.nae")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(std::move(arguments));
  }
  int check(const std::string& card, const std::string& passphrase,
            std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"custody",         "check",    file("custody.nae"),
                                       "--software-card", file(card), "--passphrase-file",
                                       file(passphrase)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(std::move(arguments));
  }
  std::string file(const std::string& name) const { return (directory_ / name).string(); }
  std::string audit_key() {
    const auto set = custody::parse_custody_set(vector_.bytes("file")).value();
    const auto& spki = set.find(custody::Kept::audit)->public_key;
    return write("audit.pem", crypto::PublicKey::from_der(spki)->pem(), 0644).string();
  }

  Vector vector_ = vectors::read("custody.txt", "2 of 3").front();
  std::ostringstream out_, err_;
};

TEST_F(CustodyCommandTest, StatusTellsWhoseCardsOpenWhat) {
  ASSERT_EQ(status(), kOk) << err_.str();
  const std::string group = to_hex(vector_.bytes("group"));
  EXPECT_THAT(out_.str(), HasSubstr(group));
  EXPECT_THAT(out_.str(), HasSubstr("2 of 3 cards"));
  EXPECT_THAT(out_.str(), HasSubstr("group-key (40), check-key (40), authority ("));
  EXPECT_THAT(out_.str(), HasSubstr("valid"));
  const auto set = custody::parse_custody_set(vector_.bytes("file")).value();
  for (const custody::ShareRecord& share : set.shares) {
    EXPECT_THAT(out_.str(), HasSubstr(share.holder));
    EXPECT_THAT(out_.str(), HasSubstr(to_hex(share.card)));
  }
  ASSERT_EQ(status({"--json"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"group\":\"" + group + "\""));
  EXPECT_THAT(out_.str(), HasSubstr("\"k\":2,\"n\":3"));
  EXPECT_THAT(out_.str(), HasSubstr("\"audit_key_compared\":false"));
}

TEST_F(CustodyCommandTest, AFileOfAnotherKeyIsTold) {
  ASSERT_EQ(status({"--json", "--audit-key", audit_key()}), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\"audit_key_compared\":true"));
  const std::string other =
      crypto::PublicKey::from_der(crypto::generate_p256().value().spki)->pem();
  EXPECT_EQ(status({"--audit-key", write("other.pem", other, 0644).string()}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("was not signed by the audit key"));
  EXPECT_THAT(out_.str(), IsEmpty());
}

TEST_F(CustodyCommandTest, AChangedFileIsRefusedByBoth) {
  std::string changed(as_text(vector_.bytes("file")));
  changed[40] = static_cast<char>(changed[40] ^ 1);  // of when it was made
  write("custody.nae", changed);
  EXPECT_EQ(status(), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("signature of the custody file is wrong"));
  EXPECT_EQ(check("card1", "passphrase1"), kRefused);
  EXPECT_THAT(out_.str(), IsEmpty());
  write("custody.nae", "no custody");
  EXPECT_EQ(status(), kUsage);
}

TEST_F(CustodyCommandTest, EachCardOpensItsOwnShare) {
  const auto set = custody::parse_custody_set(vector_.bytes("file")).value();
  for (std::size_t i = 0; i < set.n(); ++i) {
    const std::string x = std::to_string(i + 1);
    ASSERT_EQ(check("card" + x, "passphrase" + x), kOk) << err_.str();
    EXPECT_THAT(out_.str(), HasSubstr("card of " + set.shares[i].holder + " opens share " + x));
  }
  ASSERT_EQ(check("card2", "passphrase2", {"--json", "--audit-key", audit_key()}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"opens\":true"));
  EXPECT_THAT(out_.str(), HasSubstr("\"share\":2"));
}

TEST_F(CustodyCommandTest, AWrongPassphraseAndACardOfAnotherGroup) {
  EXPECT_EQ(check("card1", "passphrase2"), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("does not open"));
  const Vector other = vectors::read("custody.txt", "1 of 1").front();
  write("other", as_text(other.bytes("card1")));
  write("other-passphrase", std::string(as_text(other.bytes("passphrase1"))) + "\n");
  EXPECT_EQ(check("other", "other-passphrase"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is no card of this custody file"));
  EXPECT_THAT(out_.str(), IsEmpty());
}

// Well signed, and the share of one card in the place of another's.
TEST_F(CustodyCommandTest, AShareThatIsAnotherOneIsNamed) {
  auto set = custody::parse_custody_set(vector_.bytes("file")).value();
  const auto pair = crypto::generate_p256().value();
  set.shares[0].commitment[0] ^= 1;
  for (custody::KeptKey& key : set.kept)
    if (key.kind == custody::Kept::audit) key.public_key = pair.spki;
  set.signature =
      (*crypto::software_signer(pair.private_key_pem))(custody::signed_part(set)).value();
  write("custody.nae", as_text(custody::write_custody_set(set)));
  EXPECT_EQ(check("card1", "passphrase1"), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("share of " + set.shares[0].holder));
  EXPECT_EQ(check("card2", "passphrase2"), kOk) << err_.str();
}

TEST_F(CustodyCommandTest, OneCardIsNamedWithAllThatItTakes) {
  const std::string custody = file("custody.nae");
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{},
                                             {"--software-card", file("card1")},
                                             {"--passphrase-file", file("passphrase1")},
                                             {"--card-module", "m", "--card-token", "t"},
                                             {"--software-card", file("card1"), "--passphrase-file",
                                              file("passphrase1"), "--card-token", "t"}}) {
    std::vector<std::string> arguments{"custody", "check", custody};
    arguments.insert(arguments.end(), options.begin(), options.end());
    EXPECT_EQ(run(arguments), kUsage);
    EXPECT_THAT(err_.str(), HasSubstr("one card is named"));
  }
  EXPECT_EQ(run({"custody", "check", custody, "--card-module", file("none.so"), "--card-token", "t",
                 "--card-pin-file", file("passphrase1")}),
            kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("none.so"));
}

json::object shown_request() {
  json::object approval{{"method", "PUT"},
                        {"target", "/v1/keys/web/versions/1/state"},
                        {"content_type", "application/json"},
                        {"body", R"({"state":"destroyed"})"},
                        {"base", std::string(64, 'a')}};
  approval["digest"] = to_hex(crypto::sha256(
      as_bytes("nae-approval-2\n3:PUT\n29:/v1/keys/web/versions/1/state\n16:application/json"
               "\n21:{\"state\":\"destroyed\"}\n64:" +
               std::string(64, 'a'))));
  return approval;
}

TEST(DigestOfShown, IsThatOfWhatStandsThere) {
  const auto digest = digest_of_shown(shown_request());
  ASSERT_TRUE(digest) << digest.error().message;
  EXPECT_EQ(to_hex(*digest), shown_request().at("digest").as_string());
}

TEST(DigestOfShown, OfAnotherRequestIsRefused) {
  for (const char* member : {"method", "target", "content_type", "body", "base"}) {
    json::object other = shown_request();
    other[member] = std::string_view(member) == "body" ? "{}" : "x";
    const auto digest = digest_of_shown(other);
    ASSERT_FALSE(digest) << member;
    EXPECT_EQ(digest.error().code, Code::conflict) << member;
  }
}

TEST(DigestOfShown, ABodyThatNobodyCanBeShownIsRefused) {
  json::object hidden = shown_request();
  hidden["body"] = "no object";
  EXPECT_EQ(digest_of_shown(hidden).error().code, Code::protocol_violation);
  hidden["body"] = nullptr;
  EXPECT_FALSE(digest_of_shown(hidden)) << "kept back by the server";
}

}  // namespace
}  // namespace nae::cli
