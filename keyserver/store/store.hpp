// Store: all that a key server keeps, a port a noun. Whoever uses one noun takes its port alone.
#pragma once

#include "keyserver/audit/head_keeper.hpp"
#include "keyserver/keys/repository.hpp"
#include "keyserver/keys/time_keeper.hpp"
#include "keyserver/keys/usage_repository.hpp"
#include "keyserver/policy/repository.hpp"
#include "keyserver/store/admins.hpp"
#include "keyserver/store/approvals.hpp"
#include "keyserver/store/devices.hpp"
#include "keyserver/store/ledger.hpp"
#include "keyserver/store/meta.hpp"
#include "keyserver/store/nodes.hpp"

namespace nae::store {

// Thread-safe. keyserver/store/sqlite/ implements it.
class Store : public keys::BindingRepository,
              public keys::UsageRepository,
              public keys::TimeKeeper,
              public policy::Repository,
              public policy::PolicyPruner,
              public policy::LimitRepository,
              public audit::HeadKeeper,
              public Admins,
              public Approvals,
              public Devices,
              public Meta,
              public Ledger,
              public Nodes {
 public:
  // Succeeds when the store answers and can be written.
  virtual Result<void> check() = 0;
};

}  // namespace nae::store
