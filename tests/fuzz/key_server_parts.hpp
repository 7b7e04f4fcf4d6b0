// What a key server's connections are served with, all of it real: SoftHSM, store, policy, audit
// log; made once a process. Only what the disk would fill up with is thrown away from time to time.
#pragma once

#include <spdlog/spdlog.h>

#include <filesystem>
#include <optional>

#include "keyserver/hsm/test_token.hpp"
#include "keyserver/protocols/nae1/admission.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "net/test_certificates.hpp"
#include "tests/fuzz/property.hpp"

namespace nae::fuzz {

inline constexpr char kServicePolicy[] = R"toml(version = 1
[[device]]
name = "db1"
[[program]]
name = "postgres"
[[rule]]
name = "clerks-may"
roles = ["clerk"]
keys = ["*"]
actions = ["encrypt", "decrypt", "rewrap", "sign", "verify", "mac", "mac-verify", "hash", "random"]
result = "value"
[[rule]]
name = "readers-see-the-end"
roles = ["readers"]
keys = ["customer-pii"]
actions = ["decrypt"]
result = "mask(last=4)"
)toml";

class KeyServerParts {
 public:
  KeyServerParts() {
    net::testing::must(policy_->apply(kServicePolicy, "fuzz", "", 1));
    require(ring_.load().has_value());
    for (const auto& [name, type] : kKeys) net::testing::must(ring_.create(name, type));
    net::testing::must(
        ring_.create({"sealed", KeyType::aes_256_gcm, {}, keys::Protection::hsm_only}));
    settings_.software = "nae-keyserver fuzz";
    settings_.server_id = "fuzz";
    nae_settings_.limits = {64u << 10, 64};
    open_log();
  }
  ~KeyServerParts() { hsm_.stop(); }

  // For one connection.
  const nae1::Parts& parts() {
    if (++connections_ % kConnectionsPerLog == 0) open_log();
    return *parts_;
  }
  std::uint64_t records() const { return audit_->health().last_seq; }

 private:
  static constexpr std::uint64_t kConnectionsPerLog = 4096;
  static constexpr std::pair<const char*, KeyType> kKeys[] = {
      {"customer-pii", KeyType::aes_256_gcm},
      {"lookup", KeyType::aes_256_siv},
      {"contracts", KeyType::ecdsa_p256},
      {"codes", KeyType::hmac_sha_256},
      {"webhooks", KeyType::hmac_sha_256_raw}};

  void open_log() {
    parts_.reset();
    audit_.reset();
    const std::filesystem::path directory = directory_ / "audit";
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    audit::LogOptions options;
    options.directory = directory;
    audit_ = net::testing::must(audit::Log::open(std::move(options)));
    parts_.emplace(nae1::Parts{
        {ring_, working_keys_, public_keys_, hsm_, *policy_, limits_, clock_, metrics_, settings_},
        *audit_,
        devices_,
        seats_,
        memory_,
        nae_settings_});
  }

  net::testing::TemporaryDirectory directory_;
  operations::Settings settings_;
  nae1::Settings nae_settings_;
  hsm::TestToken token_;
  hsm::HsmQueue hsm_{net::testing::must(hsm::Pkcs11Hsm::open(token_.options()))};
  std::unique_ptr<store::Store> store_ =
      net::testing::must(store::sqlite::Store::create(directory_ / "store.db"));
  std::unique_ptr<policy::PolicyBook> policy_ =
      net::testing::must(policy::PolicyBook::open(*store_));
  keys::KeyRing ring_{*store_, store_.get(), [this](keys::HsmJob job) {
                        return hsm_.call(std::move(job), std::chrono::seconds(60));
                      }};
  std::unique_ptr<const crypto::GcmProvider> gcm_ = crypto::fastest_gcm();
  keys::WorkingKeys working_keys_{*gcm_};
  operations::PublicKeys public_keys_;
  metrics::Metrics metrics_;
  policy::LimitBook limits_;
  keys::TrustedTime clock_;
  protocols::CertificateRegister devices_{
      []() -> Result<std::vector<protocols::CertificateStanding>> {
        return std::vector<protocols::CertificateStanding>{};
      },
      protocols::UnknownNames::admitted};
  std::shared_ptr<nae1::DeviceSeats> seats_ = std::make_shared<nae1::DeviceSeats>(64, 32);
  std::shared_ptr<net::MemoryBudget> memory_ =
      std::make_shared<net::MemoryBudget>(64u << 20, 16u << 20);
  std::unique_ptr<audit::Log> audit_;
  std::optional<nae1::Parts> parts_;
  std::uint64_t connections_ = 0;
};

}  // namespace nae::fuzz
