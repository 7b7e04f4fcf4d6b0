// What the doctors find on a host: certificates about to end, secrets that others may read, a
// configuration that others may write, too few descriptors.
#include "libnae/doctor/host_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "libnae/base/clock.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::doctor {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kDayS = 86'400;
constexpr std::int64_t kMarginS = 600;  // a test does not take so long

std::int64_t now_s() {
  return unix_time_us() / 1'000'000;
}

template <class Check>
std::string told(Check check) {
  Report report;
  check(report);
  std::ostringstream out;
  report.print_json(out);
  return out.str();
}
std::string code_of(Finding finding) {
  return "\"" + std::string(row(finding).code) + "\"";
}
auto good() {
  return HasSubstr(R"("worst":"ok","checks":[{"severity":"ok")");
}

class HostChecks : public testing::Test {
 protected:
  HostChecks() {
    std::string name = (fs::temp_directory_path() / "nae-doctor-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = name;
  }
  ~HostChecks() override { fs::remove_all(directory_); }

  fs::path file(const std::string& text, mode_t mode = 0600) const {
    fs::path path = directory_ / "file";
    std::ofstream(path, std::ios::trunc) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::string certificate(const std::string& name, std::int64_t not_after_s) {
    const auto key = crypto::generate_p256().value();
    crypto::CertificateTemplate wanted;
    wanted.common_name = name;
    wanted.not_before_s = now_s() - 10 * kDayS;
    wanted.not_after_s = not_after_s;
    wanted.usage = crypto::CertificateUsage::authority;
    wanted.spki = key.spki;
    return crypto::issue(wanted, std::nullopt, crypto::software_signer(key.private_key_pem).value())
        .value();
  }
  static std::string of_certificates(const fs::path& path) {
    return told([&](Report& report) { check_certificate(report, path); });
  }

  fs::path directory_;
};

TEST_F(HostChecks, ACertificateThatHasEndedOrIsAboutTo) {
  const auto of = [](std::int64_t not_after_s) {
    return told([&](Report& report) { check_expiry(report, "certificate", {0, not_after_s}); });
  };
  constexpr std::int64_t kSoonDays = 30;
  const std::string ended = code_of(Finding::certificate_ended);
  const std::string soon = code_of(Finding::certificate_ends_soon);
  EXPECT_THAT(of(0), AllOf(HasSubstr(ended), HasSubstr("until 1970-01-01")));
  EXPECT_THAT(of(now_s() - kMarginS), HasSubstr(ended));
  EXPECT_THAT(of(now_s()), HasSubstr(ended)) << "not in the second of its end either";
  EXPECT_THAT(of(now_s() + kMarginS), HasSubstr(soon));
  EXPECT_THAT(of(now_s() + kSoonDays * kDayS - kMarginS), HasSubstr(soon));
  EXPECT_THAT(of(now_s() + kSoonDays * kDayS + kMarginS), good());
  EXPECT_THAT(of(253'402'300'799), AllOf(good(), HasSubstr("until 9999-12-31")))
      << "RFC 5280, 4.1.2.5: no well-defined end";
}

// It would be about to end all its life.
TEST_F(HostChecks, OfAShortLifeTheLastQuarterIsSoon) {
  const auto of = [](std::int64_t lived_s, std::int64_t left_s) {
    return told([&](Report& report) {
      check_expiry(report, "certificate", {now_s() - lived_s, now_s() + left_s});
    });
  };
  const std::string soon = code_of(Finding::certificate_ends_soon);
  EXPECT_THAT(of(0, 7 * kDayS), good());
  EXPECT_THAT(of(3 * kDayS - kMarginS, kDayS + kMarginS), good());
  EXPECT_THAT(of(3 * kDayS + kMarginS, kDayS - kMarginS), HasSubstr(soon));
  EXPECT_THAT(of(335 * kDayS, 30 * kDayS - kMarginS), HasSubstr(soon)) << "30 days at most";
  EXPECT_THAT(of(-kDayS, kDayS), good()) << "a life that is none";
}

TEST_F(HostChecks, EachCertificateOfAFileCounts) {
  const std::string sound = certificate("first", now_s() + 300 * kDayS);
  EXPECT_THAT(of_certificates(file(sound)), AllOf(good(), HasSubstr(" of first\"")));
  EXPECT_THAT(of_certificates(file("text before\n" + sound + "and after\n")), good());
  const std::string chain = sound + certificate("second", now_s() - kDayS);
  EXPECT_THAT(of_certificates(file(chain)),
              AllOf(HasSubstr(" of first\""), HasSubstr(" of second\""),
                    HasSubstr(code_of(Finding::certificate_ended))));
  EXPECT_THAT(of_certificates(file(chain + certificate("third", now_s() + kDayS))),
              AllOf(HasSubstr(" of third\""), HasSubstr(code_of(Finding::certificate_ends_soon))));
}

TEST_F(HostChecks, AFileThatIsNoCertificate) {
  const auto unreadable = HasSubstr(code_of(Finding::certificate_unreadable));
  const std::string sound = certificate("first", now_s() + 300 * kDayS);
  EXPECT_THAT(of_certificates(directory_ / "missing"), unreadable);
  EXPECT_THAT(of_certificates(directory_), unreadable) << "a directory";
  for (const std::string& text :
       {std::string(), std::string("-----END CERTIFICATE-----"), sound.substr(0, sound.size() / 2),
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")})
    EXPECT_THAT(of_certificates(file(text)), unreadable) << text;
  EXPECT_THAT(of_certificates(file(sound + "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                           "-----END CERTIFICATE-----\n")),
              AllOf(HasSubstr(" of first\""), unreadable))
      << "the second of two";
  EXPECT_THAT(of_certificates(file(sound + std::string(64u << 10, '\n'))), unreadable)
      << "past the most that is read";
}

TEST_F(HostChecks, SecretsThatOthersMayOpen) {
  const auto of = [](const fs::path& path) {
    return told([&](Report& report) { check_secret(report, path); });
  };
  const auto open = HasSubstr(code_of(Finding::secret_open));
  EXPECT_THAT(of(file("1234", 0600)), good());
  EXPECT_THAT(of(file("1234", 0400)), good());
  for (mode_t mode : {0604u, 0602u, 0601u, 0644u, 0620u, 0610u, 0666u})
    EXPECT_THAT(of(file("1234", mode)), open) << std::oct << mode;
  EXPECT_THAT(of(directory_), open) << "no regular file";
  EXPECT_THAT(of(directory_ / "missing"),
              AllOf(HasSubstr(code_of(Finding::configuration_refused)), HasSubstr("No such file")));
  EXPECT_THAT(of(file("1234", 0644)), Not(HasSubstr("1234"))) << "what it holds is not told";
}

TEST_F(HostChecks, AConfigurationThatOthersMayWrite) {
  const auto of = [](const fs::path& path) {
    return told([&](Report& report) { check_configuration_file(report, path); });
  };
  for (mode_t mode : {0644u, 0600u, 0444u, 0755u})
    EXPECT_THAT(of(file("", mode)), good()) << std::oct << mode;
  for (mode_t mode : {0664u, 0646u, 0666u, 0620u, 0602u})
    EXPECT_THAT(of(file("", mode)), HasSubstr(code_of(Finding::configuration_writable)))
        << std::oct << mode;
  EXPECT_THAT(of(directory_ / "missing"), HasSubstr(code_of(Finding::configuration_refused)));
}

TEST_F(HostChecks, DescriptorsAsManyAsTheHardLimitAllows) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const auto of = [](std::uint64_t needed) {
    return told([&](Report& report) { check_descriptors(report, needed); });
  };
  EXPECT_THAT(of(before.rlim_max), good()) << "the soft limit is raised";
  EXPECT_THAT(of(std::uint64_t{before.rlim_max} + 1), HasSubstr(code_of(Finding::descriptors_few)));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace nae::doctor
