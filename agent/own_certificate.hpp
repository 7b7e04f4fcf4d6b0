// Which certificate this host shows: the one that it was enrolled with, or the one that the agent
// renewed.
#pragma once

#include <filesystem>

#include "libnae/base/result.hpp"
#include "libnae/crypto/certificate.hpp"
#include "net/tls_context.hpp"

namespace nae::agent {

// `files`, with `renewed` in place of the certificate when it is one of the same key that ends
// later. An operator who puts another key or a younger certificate there wins by that.
net::TlsFiles present_files(const net::TlsFiles& files, const std::filesystem::path& renewed);

// Reads files.key, which the caller must not keep: Bytes wipes itself.
Result<Bytes> private_key_of(const net::TlsFiles& files);

// Of the certificate of files.key in files.certificate, which may hold those of authorities too.
Result<crypto::CertificateInfo> own_certificate(const net::TlsFiles& files);

}  // namespace nae::agent
