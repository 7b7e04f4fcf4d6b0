// For tests: an authority in memory and the files it issues, in a directory of their own.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "libnae/crypto/certificate.hpp"
#include "net/tls_context.hpp"

namespace nae::net::testing {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nae-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline void write_file(const std::string& path, std::string_view text, mode_t mode) {
  int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (descriptor < 0 || ::write(descriptor, text.data(), text.size()) < 0 ||
      ::fchmod(descriptor, mode) != 0)
    throw std::runtime_error("cannot write " + path);
  ::close(descriptor);
}

inline std::int64_t unix_time_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class TestAuthority {
 public:
  TestAuthority(const TemporaryDirectory& directory, std::string name, std::int64_t end_s = 0)
      : directory_(directory),
        name_(std::move(name)),
        key_(must(crypto::generate_p256())),
        signer_(must(crypto::software_signer(key_.private_key_pem))) {
    crypto::CertificateTemplate own = dated(name_, crypto::CertificateUsage::authority);
    own.spki = key_.spki;
    if (end_s != 0) own.not_after_s = end_s;
    pem_ = must(crypto::issue(own, std::nullopt, signer_));
    write_file(file(), pem_, 0644);
  }

  std::string file() const { return directory_ / (name_ + "-authority.pem"); }

  static crypto::CertificateTemplate dated(const std::string& name,
                                           crypto::CertificateUsage usage) {
    crypto::CertificateTemplate wanted;
    wanted.common_name = name;
    wanted.usage = usage;
    wanted.not_before_s = unix_time_s() - 3600;
    wanted.not_after_s = unix_time_s() + 3600;
    return wanted;
  }
  static crypto::CertificateTemplate device(const std::string& name) {
    auto wanted = dated(name, crypto::CertificateUsage::client);
    wanted.uri_names = {"nae://device/" + name};
    return wanted;
  }
  static crypto::CertificateTemplate server() {
    auto wanted = dated("key server", crypto::CertificateUsage::server);
    wanted.dns_names = {"localhost"};
    wanted.ip_names = {"127.0.0.1"};
    return wanted;
  }

  // Files of a fresh key and the certificate that `wanted` describes; the peer must come from this
  // authority.
  TlsFiles issue(crypto::CertificateTemplate wanted) {
    crypto::KeyPair key = must(crypto::generate_p256());
    wanted.spki = key.spki;
    std::string stem = directory_ / (name_ + "-" + std::to_string(++issued_));
    TlsFiles files{stem + ".pem", stem + ".key", file()};
    write_file(files.certificate, must(crypto::issue(wanted, pem_, signer_)), 0644);
    write_file(files.key, as_text(key.private_key_pem), 0600);
    return files;
  }

 private:
  const TemporaryDirectory& directory_;
  std::string name_;
  crypto::KeyPair key_;
  crypto::Signer signer_;
  std::string pem_;
  int issued_ = 0;
};

}  // namespace nae::net::testing
