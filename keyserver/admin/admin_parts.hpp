// What administration acts on. main() owns the parts; they outlive the AdminService.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "keyserver/admin/approval_rules.hpp"
#include "keyserver/admin/backups.hpp"
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

struct AdminParts {
  keys::KeyRing& ring;
  keys::WorkingKeys& working_keys;
  policy::PolicyBook& policy;
  store::Store& store;
  audit::Log& audit;
  hsm::HsmQueue& hsm;
  metrics::Metrics& metrics;
  protocols::CertificateRegister& devices;  // of `store`: standing_reader.hpp
  protocols::CertificateRegister& admins;   // the same
  const operations::Settings& settings;
  keys::TrustedTime& clock;

  std::filesystem::path audit_directory;  // of `audit`
  std::string authority_pem;              // certificate of ServerKey::authority
  // After a change that may take a right away, before its command is answered: waits until no
  // answer that was decided before is still to leave. Code::timeout when that takes too long.
  // Empty: there are no connections.
  std::function<Result<void>()> settle = {};
  ApprovalRules approval = {};
  // Of `audit_directory`. nullptr: nothing is said of segments that are read.
  audit::SegmentChecks* checks = nullptr;
  // After a change of keys, policy or devices, made or failed: agents are told of it.
  std::function<void()> changed = {};
  std::filesystem::path certificate = {};  // the server's own; empty: nothing is said of it
  bool device_renewal = true;              // a host may renew its own certificate
  Verification* verification = nullptr;    // of `audit_directory`; nullptr: whoever asks waits
  Backups* backups = nullptr;              // nullptr: the store is none that is copied
  Presences* presences = nullptr;          // of custodians' cards; nullptr: none approves anything
  // Whether the store answers and can be written, without waiting for one that is away. Empty:
  // `store` is asked.
  std::function<Result<void>()> check_store = {};
  // Seconds for which this server may answer yet unless its lease of the store is renewed. Empty:
  // the store is its own.
  std::function<double()> lease_seconds_left = {};
  // Of a store with a lease: versions that this token lacks, KeyRing::not_on_token() at the start.
  std::vector<std::string> not_on_token = {};
  // Of a store with a lease: it has all that was seen of it, and what it takes outlives a machine.
  std::function<bool()> store_is_whole = {}, store_is_synchronous = {};
  // After each call that may have changed the store, before it is answered. What it gives waits
  // until the change that is the newest now is in force on every key server that answers, and may
  // be called on another thread: Code::timeout when that takes too long. Empty: there is no other
  // one.
  std::function<std::function<Result<void>()>()> in_force = {};
  // Of one that follows: who is in charge, for people. Empty: this one is.
  std::function<std::string()> in_charge = {};
};

}  // namespace nae::admin
