// What administration acts on, by noun. The server owns the parts; they outlive the AdminService.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "keyserver/admin/approval_rules.hpp"
#include "keyserver/admin/backups.hpp"
#include "keyserver/admin/group.hpp"
#include "keyserver/admin/presences.hpp"
#include "keyserver/admin/verification.hpp"
#include "keyserver/audit/log.hpp"
#include "keyserver/audit/segment_checks.hpp"
#include "keyserver/hsm/hsm_queue.hpp"
#include "keyserver/keys/key_ring.hpp"
#include "keyserver/keys/trusted_time.hpp"
#include "keyserver/keys/working_keys.hpp"
#include "keyserver/metrics/metrics.hpp"
#include "keyserver/operations/parts.hpp"
#include "keyserver/policy/policy_book.hpp"
#include "keyserver/protocols/certificate_register.hpp"
#include "keyserver/store/store.hpp"

namespace nae::admin {

struct KeyParts {
  keys::KeyRing& ring;
  keys::WorkingKeys& working;
  hsm::HsmQueue& hsm;
};

struct AuditParts {
  audit::Log& log;
  std::filesystem::path directory;         // of `log`
  audit::SegmentChecks* checks = nullptr;  // of `directory`; nullptr: nothing is said of segments
  Verification* verification = nullptr;    // of `directory`; nullptr: whoever asks waits
};

struct CertificateParts {
  protocols::CertificateRegister& devices;  // of the store: standing_reader.hpp
  protocols::CertificateRegister& admins;   // the same
  std::string authority_pem;                // certificate of ServerKey::authority
  std::filesystem::path own = {};           // the server's; empty: nothing is said of it
  bool device_renewal = true;               // a host may renew its own certificate
};

struct ApprovalParts {
  ApprovalRules rules = {};
  Presences* presences = nullptr;  // of custodians' cards; nullptr: none approves anything
};

struct StoreParts {
  store::Store& store;
  Backups* backups = nullptr;  // nullptr: the store is none that is copied
  // Whether the store answers and can be written, without waiting for one that is away. Empty:
  // `store` is asked.
  std::function<Result<void>()> check = {};
};

// What a change is followed by.
struct ChangeParts {
  // After a change that may take a right away, before its command is answered: waits until no
  // answer that was decided before is still to leave. Code::timeout when that takes too long.
  // Empty: there are no connections.
  std::function<Result<void>()> settle = {};
  // After a change of keys, policy or devices, made or failed: agents are told of it.
  std::function<void()> made = {};
};

struct AdminParts {
  KeyParts keys;
  policy::PolicyBook& policy;
  StoreParts store;
  AuditParts audit;
  CertificateParts certificates;
  metrics::Metrics& metrics;
  const operations::Settings& settings;
  keys::TrustedTime& clock;
  ApprovalParts approval = {};
  ChangeParts change = {};
  Group* group = nullptr;  // nullptr: the store is this server's own
};

}  // namespace nae::admin
