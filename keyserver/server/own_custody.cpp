#include "keyserver/server/own_custody.hpp"

#include "keyserver/audit/head.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::server {
namespace {

constexpr std::size_t kMaxAuditKeyBytes = 64u << 10;

}  // namespace

Result<custody::CustodySet> own_custody(const config::Config& config,
                                        const std::filesystem::path& file) {
  NAE_ASSIGN(const std::string content, read_file(file, custody::kMaxSetBytes));
  NAE_ASSIGN(custody::CustodySet set, custody::parse_custody_set(as_bytes(content)));
  NAE_TRY(custody::check_signature(set));
  NAE_ASSIGN(const std::string pem,
             read_file(config.audit.directory / audit::kPublicKeyFile, kMaxAuditKeyBytes));
  NAE_ASSIGN(const auto key, crypto::PublicKey::from_pem(pem));
  if (key.der() == set.find(custody::Kept::audit)->public_key) return set;
  return fail(Code::conflict, "it is of another group: the audit log's key did not sign it");
}

}  // namespace nae::server
