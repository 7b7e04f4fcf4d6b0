#include "keyserver/server/own_custody.hpp"

#include <algorithm>

#include "keyserver/audit/head.hpp"
#include "keyserver/server/opened_custody.hpp"
#include "keyserver/setup/custody.hpp"
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

Result<void> refuse_former(const config::Config& config, const custody::CustodySet& set,
                           const std::filesystem::path& file) {
  const auto newest = own_custody(config, config::group_directory(config) / setup::kCustodyFile);
  if (!newest || newest->group != set.group || newest->generation <= set.generation) return {};
  std::vector<std::string> former;
  for (const custody::ShareRecord& share : set.shares)
    if (std::ranges::find(newest->shares, share.card, &custody::ShareRecord::card) ==
        newest->shares.end())
      former.push_back(share.holder);
  return fail(Code::conflict,
              file.string() + " is of generation " + std::to_string(set.generation) +
                  ", and the custodians have changed: generation " +
                  std::to_string(newest->generation) + " is in force" +
                  (former.empty() ? "" : ", without the cards of " + names_in(former)),
              "Name custody.nae beside the store; with a backup of before, both.");
}

}  // namespace nae::server
