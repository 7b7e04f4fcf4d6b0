// The certificates of a key: that of the key itself, and those of the authorities above it (RFC
// 5280), as DER one behind the other. Whether to believe them is for those who are shown them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

inline constexpr std::size_t kMaxChainCertificates = 8;
inline constexpr std::size_t kMaxChainBytes = 24u << 10;  // of DER

// Of PEM: the key's certificate first, each one signed by the key of the next. Other blocks and
// texts between them are refused. Code::invalid_argument for anything else.
Result<Bytes> chain_from_pem(std::string_view pem);
Result<std::string> chain_to_pem(ByteView chain);
// The certificates of a chain, each as its own DER. Code::invalid_argument when it is none.
Result<std::vector<ByteView>> certificates_in(ByteView chain);

// What the first certificate says.
struct LeafInfo {
  std::string subject;  // RFC 4514, control characters escaped: "CN=www.example,O=Example"
  std::string issuer;   // likewise
  std::string serial;   // lower-case hexadecimal
  std::int64_t not_before_s = 0;  // Unix time
  std::int64_t not_after_s = 0;
};
Result<LeafInfo> leaf_of(ByteView chain);
// Whether the first certificate is for this SubjectPublicKeyInfo, however it is written.
Result<bool> is_certificate_of(ByteView chain, ByteView spki);

}  // namespace nae::crypto
