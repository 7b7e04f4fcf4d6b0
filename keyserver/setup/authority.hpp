// The authority: issues the certificates of servers, devices and admins with a key in the HSM.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "keyserver/keys/hsm.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::setup {

inline constexpr std::int64_t kSecondsPerDay = 86'400;
inline constexpr std::int64_t kAuthorityDays = 3650;
inline constexpr std::int64_t kCertificateDays = 825;

// Self-signed certificate of the key that `hsm` holds as ServerKey::authority.
Result<std::string> make_authority(keys::Hsm& hsm, const std::string& server_id,
                                   std::int64_t now_s);

// Both: Code::tls_failed when the authority in `authority_pem` is not the one in the HSM.
// A server's certificate for the DNS names and addresses in `names`.
Result<std::string> issue_server(keys::Hsm& hsm, std::string_view authority_pem,
                                 const std::vector<std::string>& names, ByteView spki,
                                 std::int64_t now_s);

// A certificate for `uri`: "nae://admin/alice", "nae://device/db1".
Result<std::string> issue_client(keys::Hsm& hsm, std::string_view authority_pem,
                                 const std::string& common_name, const std::string& uri,
                                 ByteView spki, std::int64_t now_s, std::int64_t days);

}  // namespace nae::setup
