#include "libnae/doctor/host_checks.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "libnae/base/clock.hpp"
#include "libnae/base/descriptor_limit.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/secret_file.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::doctor {
namespace {

constexpr std::size_t kMaxCertificateBytes = 64u << 10;
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

}  // namespace

std::string day_of(std::int64_t at_s) {
  const std::time_t at = at_s;
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  char day[16];
  return std::string(day, std::strftime(day, sizeof day, "%Y-%m-%d", &parts));
}

void check_expiry(Report& report, std::string subject, const crypto::CertificateLife& life) {
  const std::int64_t now_s = unix_time_us() / 1'000'000;
  std::string until = "until " + day_of(life.not_after_s);
  if (now_s >= life.not_after_s)
    report.found(Finding::certificate_ended, std::move(subject), std::move(until));
  else if (now_s > crypto::ends_soon_after_s(life))
    report.found(Finding::certificate_ends_soon, std::move(subject), std::move(until));
  else
    report.good(std::move(subject), std::move(until));
}

void check_certificate(Report& report, const std::filesystem::path& file) {
  const std::string subject = "certificate " + file.string();
  auto text = read_file(file, kMaxCertificateBytes);
  if (!text) return report.found(Finding::certificate_unreadable, subject, text.error().message);
  std::size_t start = 0;
  for (std::size_t end = text->find(kEnd); start == 0 || end != std::string::npos;
       end = text->find(kEnd, start)) {
    const std::size_t length = end == std::string::npos ? end : end + kEnd.size() - start;
    auto info = crypto::read_certificate(std::string_view(*text).substr(start, length));
    if (!info) return report.found(Finding::certificate_unreadable, subject, info.error().message);
    check_expiry(report, subject + " of " + info->common_name,
                 {info->not_before_s, info->not_after_s});
    if (end == std::string::npos) return;
    start = end + kEnd.size();
  }
}

void check_secret(Report& report, const std::filesystem::path& file) {
  const std::string subject = "secret " + file.string();
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0)
    return report.found(Finding::configuration_refused, subject, std::strerror(errno));
  if (auto secret = check_secrecy(status, file); !secret)
    return report.found(Finding::secret_open, subject, secret.error().message);
  report.good(subject);
}

void check_configuration_file(Report& report, const std::filesystem::path& file) {
  const std::string subject = "configuration " + file.string();
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0)
    return report.found(Finding::configuration_refused, subject, std::strerror(errno));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return report.found(Finding::configuration_writable, subject);
  report.good(subject, "its owner alone may write it");
}

void check_descriptors(Report& report, std::uint64_t needed) {
  const std::uint64_t limit = raise_descriptor_limit();
  const std::string detail = std::to_string(limit) + ", and " + std::to_string(needed) + " wanted";
  if (limit < needed)
    report.found(Finding::descriptors_few, "descriptors", detail);
  else
    report.good("descriptors", detail);
}

}  // namespace nae::doctor
