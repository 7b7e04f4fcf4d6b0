#include "keyserver/server/own_custody.hpp"

#include <algorithm>

#include "keyserver/audit/head.hpp"
#include "keyserver/server/custody_in_force.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/opened_custody.hpp"
#include "keyserver/setup/custody.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::server {
namespace {

constexpr std::size_t kMaxAuditKeyBytes = 64u << 10;

// By the audit key that the file has itself: whose that is the caller compares.
Result<custody::CustodySet> read_signed(const std::filesystem::path& file) {
  NAE_ASSIGN(const std::string content, read_file(file, custody::kMaxSetBytes));
  NAE_ASSIGN(custody::CustodySet set, custody::parse_custody_set(as_bytes(content)));
  NAE_TRY(custody::check_signature(set));
  return set;
}

const Bytes& audit_key_of(const custody::CustodySet& set) {
  return set.find(custody::Kept::audit)->public_key;
}

}  // namespace

Result<custody::CustodySet> own_custody(const config::Config& config,
                                        const std::filesystem::path& file) {
  NAE_ASSIGN(custody::CustodySet set, read_signed(file));
  NAE_ASSIGN(const std::string pem,
             read_file(config.audit.directory / audit::kPublicKeyFile, kMaxAuditKeyBytes));
  NAE_ASSIGN(const auto key, crypto::PublicKey::from_pem(pem));
  if (key.der() == audit_key_of(set)) return set;
  return fail(Code::conflict, "it is of another group: the audit log's key did not sign it");
}

Result<void> refuse_former(const config::Config& config, const custody::CustodySet& set,
                           const std::filesystem::path& file) {
  const auto beside = config::group_directory(config) / setup::kCustodyFile;
  std::error_code error;
  if (std::filesystem::symlink_status(beside, error).type() ==
      std::filesystem::file_type::not_found)
    return {};
  const auto newest = read_signed(beside);
  if (!newest)
    return fail(newest.error().code,
                beside.string() +
                    " does not tell whether the custodians have changed: " + newest.error().message,
                "Put the newest custody.nae back; move this file away only when you know it.");
  if (newest->group != set.group || audit_key_of(*newest) != audit_key_of(set) ||
      newest->generation <= set.generation)
    return {};
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

Result<void> check_custodians(const config::Config& config, store::Store& store,
                              const custody::CustodySet& set, const Bytes& audit_key) {
  if (audit_key_of(set) != audit_key)
    return fail(Code::config_invalid,
                config.approval.custody.string() + " is the custody of another group",
                "approval.custody names the custody.nae of this server's group.");
  auto good = refuse_former(config, set, config.approval.custody);
  if (good) good = refuse_superseded(store, set, config.approval.custody);
  if (good) return good;
  NAE_TRY(check_unchanged(store));
  if (good.error().code != Code::conflict) return good;
  return fail(Code::config_invalid, good.error().message, good.error().hint);
}

}  // namespace nae::server
