#include "agent/own_certificate.hpp"

#include <string.h>  // explicit_bzero

#include "libnae/base/file.hpp"

namespace nae::agent {
namespace {

constexpr std::size_t kMaxFileBytes = 64u << 10;
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

Result<crypto::CertificateInfo> certificate_of(ByteView spki, const std::string& file) {
  NAE_ASSIGN(const std::string text, read_file(file, kMaxFileBytes));
  std::string_view rest(text);
  for (std::size_t end; (end = rest.find(kEnd)) != std::string_view::npos;) {
    end += kEnd.size();
    NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(rest.substr(0, end)));
    if (std::equal(info.spki.begin(), info.spki.end(), spki.begin(), spki.end())) return info;
    rest.remove_prefix(end);
  }
  return fail(Code::tls_failed, file + " holds no certificate of the host's key");
}

}  // namespace

Result<Bytes> private_key_of(const net::TlsFiles& files) {
  NAE_ASSIGN(std::string text, read_file(files.key, kMaxFileBytes));
  Bytes key(text.begin(), text.end());
  ::explicit_bzero(text.data(), text.size());
  return key;
}

Result<crypto::CertificateInfo> own_certificate(const net::TlsFiles& files) {
  NAE_ASSIGN(const Bytes key, private_key_of(files));
  NAE_ASSIGN(const Bytes spki, crypto::public_key_of(key));
  return certificate_of(spki, files.certificate);
}

net::TlsFiles present_files(const net::TlsFiles& files, const std::filesystem::path& renewed) {
  net::TlsFiles other = files;
  other.certificate = renewed.string();
  if (renewed.empty() || other.certificate == files.certificate) return files;
  auto newer = own_certificate(other), given = own_certificate(files);
  return newer && (!given || newer->not_after_s > given->not_after_s) ? other : files;
}

}  // namespace nae::agent
