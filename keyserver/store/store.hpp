// The store: one SQLite file with keys, policies, counts of limits, administrators, requests for
// approval, devices, the time that has passed and the audit log's newest head. Thread-safe; one
// connection behind a mutex, because every call is short and rare beside the cryptography.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "keyserver/audit/head_keeper.hpp"
#include "keyserver/keys/repository.hpp"
#include "keyserver/keys/trusted_time.hpp"
#include "keyserver/policy/repository.hpp"
#include "keyserver/store/approval.hpp"

namespace nae::store {

class Database;

struct AdminCertificate {
  std::string fingerprint;  // SHA-256 of the certificate's DER, lower-case hexadecimal
  std::string serial;       // lower-case hexadecimal
  std::int64_t issued_at_us = 0;
  std::int64_t expires_at_us = 0;
  friend bool operator==(const AdminCertificate&, const AdminCertificate&) = default;
};

// All certificates of an administrator are for one key, and a key is one administrator's: who has
// two names could approve what he has requested himself.
struct Admin {
  std::string name;
  std::vector<std::string> roles;  // sorted: "auditor", "key-admin", "operator", "policy-admin"
  std::int64_t created_at_us = 0;
  std::string key_sha256 = {};  // SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal
  std::vector<AdminCertificate> certificates = {};  // by fingerprint
  friend bool operator==(const Admin&, const Admin&) = default;
};

// How many administrators must hold a role after somebody lost it: those with a certificate that is
// good at `now_us` count.
struct LeastHolders {
  std::size_t count = 1;
  std::int64_t now_us = 0;
};

// One certificate issued to a device. A device that is enrolled again has several.
struct DeviceCertificate {
  std::string name;
  std::string fingerprint;  // SHA-256 of the certificate's DER, lower-case hexadecimal
  std::string serial;       // lower-case hexadecimal
  std::int64_t issued_at_us = 0;
  std::int64_t expires_at_us = 0;
  std::string key_sha256;          // SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal
  std::int64_t removed_at_us = 0;  // 0: it was not removed
  friend bool operator==(const DeviceCertificate&, const DeviceCertificate&) = default;
};

// What the HSM says of a version that the store has already.
struct BoundVersion {
  KeyVersionId id;
  keys::Binding binding;
  std::int64_t retired_at_us = 0;  // not 0: it serves nobody from then on
};

// Failures of every call: Code::store_unavailable (disk full, read-only, locked: nothing was
// changed), Code::store_corrupt.
class Store final : public keys::Repository,
                    public policy::Repository,
                    public policy::LimitRepository,
                    public audit::HeadKeeper {
 public:
  // Makes a new store, mode 0600. Code::already_initialised when the file exists.
  static Result<std::unique_ptr<Store>> create(const std::filesystem::path& path);
  // Opens, checks and migrates. Code::not_initialised when the file does not exist,
  // Code::store_corrupt when it is damaged or no store, Code::store_version when a newer server
  // wrote it.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& path);
  ~Store() override;

  // keys::Repository
  Result<std::vector<keys::Key>> load_keys() override;
  Result<void> insert_key(const keys::Key& key) override;
  Result<void> insert_version(const KeyId& key, const keys::Version& version) override;
  Result<void> set_state(const KeyVersionId& version, keys::State state, std::int64_t now_us,
                         const std::vector<keys::Step>& schedule) override;
  Result<void> set_schedule(const KeyVersionId& version,
                            const std::vector<keys::Step>& schedule) override;
  Result<std::vector<keys::UsageCount>> open_usage() override;
  Result<void> save_usage(const std::vector<keys::UsageCount>& counts, bool closing) override;
  Result<void> set_attributes(const KeyId& key, const keys::Attributes& attributes) override;
  // All or none. For rows of older servers (setup/bind_keys.hpp): the ring binds what it makes.
  Result<void> bind_versions(const std::vector<BoundVersion>& versions);

  // policy::Repository
  Result<std::optional<policy::Revision>> latest() override;
  Result<std::uint32_t> insert(const policy::Revision& revision) override;
  Result<std::vector<policy::Revision>> history() override;

  // Revisions whose place another one took before `before_us` (Unix time), without the one in force
  // and those that requests for approval which wait were made against. prune_policies() takes their
  // texts away for good and keeps all else, with the text's digest; all or none.
  Result<std::vector<policy::Revision>> prunable_policies(std::int64_t before_us);
  Result<std::vector<policy::Revision>> prune_policies(std::int64_t before_us, std::int64_t now_us);

  // policy::LimitRepository
  Result<std::vector<policy::LimitCount>> load_limits() override;
  Result<void> save_limits(std::span<const policy::LimitCount> counts,
                           std::int64_t now_us) override;

  // audit::HeadKeeper
  Result<std::optional<audit::ChainPoint>> kept_head() override;
  Result<void> keep_head(const audit::ChainPoint& head) override;
  Result<void> forget_head() override;

  // What time it was when a server knew last.
  Result<std::optional<keys::KeptTime>> kept_time();
  Result<void> keep_time(const keys::KeptTime& time);

  // Code::conflict when the name is taken, or the key is another administrator's.
  Result<void> insert_admin(const Admin& admin);
  Result<std::optional<Admin>> find_admin(std::string_view name);
  Result<std::vector<Admin>> list_admins();
  // Another certificate for the key that the administrator has. Code::conflict when there is no
  // such administrator with this key.
  Result<void> insert_admin_certificate(const Admin& admin, const AdminCertificate& certificate);
  // `before`: what the caller decided by. Code::not_found; Code::conflict when the roles are others
  // by now, or when too few would be left to hold one of those that are lost.
  Result<void> set_admin_roles(const Admin& before, const std::vector<std::string>& roles,
                               const LeastHolders& least);
  // With its certificates. Codes as set_admin_roles().
  Result<void> remove_admin(const Admin& before, const LeastHolders& least);

  // Code::overloaded when `most_waiting` wait, or a fifth of them from the same administrator.
  Result<void> insert_approval(const Approval& approval, std::size_t most_waiting);
  Result<std::optional<Approval>> find_approval(std::string_view id);
  // Without bodies and answers; those that wait first, the newest first among them.
  Result<std::vector<Approval>> list_approvals(std::size_t most);
  // From waiting to running (approved) or rejected. Code::not_found; Code::conflict when it does
  // not wait any more or has expired: of two who decide at once one is too late.
  Result<void> decide_approval(std::string_view id, ApprovalState decision, std::string_view who,
                               std::int64_t now_us);
  // From running to done or failed. The body goes, what was answered stays.
  Result<void> finish_approval(std::string_view id, unsigned status, std::string_view answer);
  Result<void> expire_approvals(std::int64_t now_us);
  // At the start: what was running when the server died. Nobody knows how far it came, so it is not
  // done again. Answers their ids.
  Result<std::vector<std::string>> interrupt_approvals();

  // Code::conflict when the certificate is known already, or when its name has certificates that
  // are neither removed nor expired and none of them is for the same key: a name belongs to whoever
  // holds its key.
  Result<void> insert_device(const DeviceCertificate& device);
  // Of a second key, beside the only one that the name has good certificates for. Code::conflict
  // when there is another number of them, or when the name ever had certificates for this key: what
  // was given up does not come back.
  Result<void> insert_device_key(const DeviceCertificate& device);
  // Of two keys that the name has good certificates for `key_sha256` stays: marks those of the
  // other one as removed. Code::conflict when there are not two, or this is neither.
  Result<void> confirm_device_key(std::string_view name, std::string_view key_sha256,
                                  std::int64_t now_us);
  Result<std::vector<DeviceCertificate>> list_devices();
  // Marks all certificates of `name` as removed, for good. Code::not_found when there are none.
  Result<void> remove_device(std::string_view name, std::int64_t now_us);

  // Facts about the server as a whole, such as "server_id". Written once: Code::conflict when the
  // name has another value already.
  Result<void> set_meta(std::string_view name, std::string_view value);
  Result<std::optional<std::string>> meta(std::string_view name);

  // Succeeds when the store answers and can be written.
  Result<void> check();

 private:
  explicit Store(std::unique_ptr<Database> database);

  std::mutex mutex_;
  std::unique_ptr<Database> database_;
};

}  // namespace nae::store
