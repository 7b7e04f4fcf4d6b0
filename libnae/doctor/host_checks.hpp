// Checks of files and limits of the host that a doctor runs on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "libnae/crypto/certificate_life.hpp"
#include "libnae/doctor/report.hpp"

namespace nae::doctor {

// "2026-11-29", in UTC. `at_s`: Unix time.
std::string day_of(std::int64_t at_s);

// Ended, or soon to end (crypto::ends_soon_after_s, as the server's own warnings)?
void check_expiry(Report& report, std::string subject, const crypto::CertificateLife& life);
// Of a PEM file, which may hold several certificates: all of them count.
void check_certificate(Report& report, const std::filesystem::path& file);
// A private key or a PIN: check_secrecy().
void check_secret(Report& report, const std::filesystem::path& file);
// Whoever may write it decides whom the program trusts.
void check_configuration_file(Report& report, const std::filesystem::path& file);
// Raises the soft limit, as the programs do.
void check_descriptors(Report& report, std::uint64_t needed);

}  // namespace nae::doctor
