// The store in a database, whatever its engine. Thread-safe; one connection behind a mutex, because
// every call is short and rare beside the cryptography.
#pragma once

#include <memory>
#include <mutex>

#include "keyserver/store/store.hpp"

namespace nae::store::sql {

class Database;
class LedgerTable;

class Store : public store::Store {
 public:
  // Of a database that has this server's schema.
  explicit Store(std::unique_ptr<Database> database);
  ~Store() override;

  // keys::Repository
  Result<std::vector<keys::Key>> load_keys() override;
  Result<void> insert_key(const keys::Key& key) override;
  Result<void> insert_version(const KeyId& key, const keys::Version& version) override;
  Result<void> set_state(const KeyVersionId& version, keys::State state, std::int64_t now_us,
                         const std::vector<keys::Step>& schedule) override;
  Result<void> set_certificates(const KeyVersionId& version, ByteView chain) override;
  Result<void> set_schedule(const KeyVersionId& version,
                            const std::vector<keys::Step>& schedule) override;
  Result<void> set_attributes(const KeyId& key, const keys::Attributes& attributes) override;

  // keys::UsageRepository
  Result<std::vector<keys::UsageCount>> open_usage() override;
  Result<void> save_usage(const std::vector<keys::UsageCount>& counts, bool closing) override;

  // keys::BindingRepository
  Result<void> bind_versions(const std::vector<keys::BoundVersion>& versions) override;

  // policy::Repository
  Result<std::optional<policy::Revision>> latest() override;
  Result<std::uint32_t> insert(const policy::Revision& revision) override;
  Result<std::vector<policy::Revision>> history() override;

  // policy::PolicyPruner
  Result<std::vector<policy::Revision>> prunable_policies(std::int64_t before_us) override;
  Result<std::vector<policy::Revision>> prune_policies(std::int64_t before_us,
                                                       std::int64_t now_us) override;

  // policy::LimitRepository
  Result<std::vector<policy::LimitCount>> load_limits() override;
  Result<void> save_limits(std::span<const policy::LimitCount> counts,
                           std::int64_t now_us) override;

  // audit::HeadKeeper
  Result<std::optional<audit::ChainPoint>> kept_head() override;
  Result<void> keep_head(const audit::ChainPoint& head) override;
  Result<void> forget_head() override;

  // keys::TimeKeeper
  Result<std::optional<keys::KeptTime>> kept_time() override;
  Result<void> keep_time(const keys::KeptTime& time) override;

  // Nodes
  Result<std::vector<Node>> list_nodes() override;
  Result<std::vector<Follower>> list_followers() override;
  Result<void> fence_node(std::string_view name, std::string_view reason) override;
  Result<void> remove_node(std::string_view name, std::string_view reason) override;
  Result<void> allow_node(std::string_view name) override;

  // Admins
  Result<void> insert_admin(const Admin& admin) override;
  Result<std::optional<Admin>> find_admin(std::string_view name) override;
  Result<std::vector<Admin>> list_admins() override;
  Result<void> insert_admin_certificate(const Admin& admin,
                                        const AdminCertificate& certificate) override;
  Result<void> set_admin_roles(const Admin& before, const std::vector<std::string>& roles,
                               const LeastHolders& least) override;
  Result<void> remove_admin(const Admin& before, const LeastHolders& least) override;

  // Approvals
  Result<std::string> insert_approval(const Approval& approval, std::size_t most_waiting) override;
  Result<std::optional<Approval>> find_approval(std::string_view id) override;
  Result<std::vector<Approval>> list_approvals(std::size_t most) override;
  Result<ApprovalState> decide_approval(std::string_view id, const Decision& decision,
                                        const Needed& needed) override;
  Result<void> finish_approval(std::string_view id, unsigned status,
                               std::string_view answer) override;
  Result<void> expire_approvals(std::int64_t now_us) override;
  Result<std::vector<std::string>> interrupt_approvals() override;

  // Devices
  Result<void> insert_device(const DeviceCertificate& device) override;
  Result<void> insert_device_key(const DeviceCertificate& device) override;
  Result<void> confirm_device_key(std::string_view name, std::string_view key_sha256,
                                  std::int64_t now_us) override;
  Result<std::vector<DeviceCertificate>> list_devices() override;
  Result<void> remove_device(std::string_view name, std::int64_t now_us) override;

  // Meta
  Result<void> set_meta(std::string_view name, std::string_view value) override;
  Result<void> change_meta(std::string_view name, const std::optional<std::string>& known,
                           std::string_view value) override;
  Result<std::optional<std::string>> meta(std::string_view name) override;

  // Ledger
  Result<bool> has_ledger() override;
  Result<LedgerReport> begin_ledger(LedgerSettings settings) override;
  Result<LedgerReport> open_ledger(LedgerSettings settings) override;
  Result<LedgerReport> verify_ledger() override;
  LedgerPoint ledger_head() override;
  Result<LedgerPoint> catch_up() override;
  Result<std::optional<LedgerHash>> change_hash(std::uint64_t epoch) override;
  Result<std::vector<Change>> changes_after(std::uint64_t epoch, std::size_t most) override;
  Result<void> note_rollback_accepted() override;

  Result<void> check() override;

 protected:
  Database& database() { return *database_; }
  // The name of this key server among those of the store: its changes name it.
  void set_node(std::string node) { node_ = std::move(node); }

 private:
  std::mutex mutex_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<LedgerTable> ledger_;  // of database_
  LedgerSettings of_this_node(LedgerSettings settings) const;
  std::string node_;  // empty: it is the only one
};

}  // namespace nae::store::sql
