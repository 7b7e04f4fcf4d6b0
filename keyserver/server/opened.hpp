// What must be open before a key server can be built. Each part may be away for a while: the
// starter tries again.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "keyserver/admin/approval_rules.hpp"
#include "keyserver/admin/starting_service.hpp"
#include "keyserver/config/config.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/policy/policy_book.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/setup/bind_keys.hpp"
#include "keyserver/setup/take_up_ledger.hpp"
#include "keyserver/store/store.hpp"

namespace nae::server {

// What outlives a failed attempt, and how far the running one has come.
struct Opening {
  std::unique_ptr<hsm::Pkcs11Hsm> hsm;  // knows which PIN was rejected
  bool is_own_token = false;            // of the store that hsm was compared with
  bool has_looked_at_custody = false;   // while another one was in charge
  std::atomic<admin::StartPart> part = admin::StartPart::store;
  StoreOpening store;
  std::stop_source told_to_stop;  // who waits for other key servers waits no longer
};

struct Opened {
  std::unique_ptr<hsm::Pkcs11Hsm> hsm;
  std::unique_ptr<store::Store> store;
  std::optional<FollowedStore> followed;        // its store is in the next; nothing: in charge
  std::shared_ptr<const group::Tenure> tenure;  // of a store that others may take over
  std::shared_ptr<group::StoreWatch> watch;     // the same
  std::shared_ptr<std::atomic<bool>> given_up;  // as StoreOpening has it
  std::unique_ptr<policy::PolicyBook> policy;
  admin::ApprovalRules approval;
  std::optional<setup::BoundKeys> bound_keys;      // of a store from before keys were bound
  std::optional<setup::BegunLedger> begun_ledger;  // of a store from before there were ledgers
  std::string server_id;
  std::string authority;
};

// May block for as long as the HSM's module does.
Result<Opened> open_parts(const config::Config& config, Opening& opening);

// Whether what failed while `part` was opened may be well again without a new start. What is not,
// a person must look at first, or another start is as good.
bool may_pass(admin::StartPart part, Code code);

}  // namespace nae::server
