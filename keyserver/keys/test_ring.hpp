// For tests: a ring on a token of its own, and a repository that fails when told.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "keyserver/hsm/test_token.hpp"
#include "keyserver/keys/binding.hpp"
#include "keyserver/keys/key_ring.hpp"

namespace nae::keys {

// Keeps keys in memory and fails when told.
class MemoryRepository : public Repository, public UsageRepository {
 public:
  Result<std::vector<Key>> load_keys() override { return keys; }
  Result<void> insert_key(const Key& key) override {
    NAE_TRY(state());
    keys.push_back(key);
    return {};
  }
  Result<void> insert_version(const KeyId& key, const Version& version) override {
    NAE_TRY(state());
    std::ranges::find(keys, key, &Key::id)->versions.push_back(version);
    return {};
  }
  Result<void> set_state(const KeyVersionId& id, State to, std::int64_t now_us,
                         const std::vector<Step>& schedule) override {
    NAE_TRY(state());
    change(id, [&](Version& version) {
      version.state = to;
      version.changed_at_us = now_us;
      version.schedule = schedule;
      if (to == State::destroyed)
        version.material = {}, version.binding.signature = {}, version.certificates = {};
    });
    return {};
  }
  Result<void> set_schedule(const KeyVersionId& id, const std::vector<Step>& schedule) override {
    NAE_TRY(state());
    change(id, [&](Version& version) { version.schedule = schedule; });
    return {};
  }
  Result<void> set_certificates(const KeyVersionId& id, ByteView chain) override {
    NAE_TRY(state());
    change(id, [&](Version& version) { version.certificates.assign(chain.begin(), chain.end()); });
    return {};
  }
  Result<std::vector<UsageCount>> open_usage() override { return usage; }
  Result<void> save_usage(const std::vector<UsageCount>& counts, bool closing) override {
    NAE_TRY(state());
    usage = counts;
    closed = closing;
    return {};
  }
  Result<void> set_attributes(const KeyId& id, const Attributes& attributes) override {
    NAE_TRY(state());
    std::ranges::find(keys, id, &Key::id)->attributes = attributes;
    return {};
  }
  void change(const KeyVersionId& id, const std::function<void(Version&)>& change) {
    const auto key = std::ranges::find(keys, id.key, &Key::id);
    for (std::size_t i = 0; i < key->versions.size(); ++i)
      if (key->versions[i].number == id.version) {
        Version version = key->versions[i];
        change(version);
        key->versions.replace(i, std::move(version));
      }
  }
  Result<void> state() const {
    if (away) return fail(Code::store_unavailable, "away");
    return {};
  }
  std::vector<Key> keys;
  std::vector<UsageCount> usage;
  bool closed = false;
  bool away = false;
};

class Ring : public ::testing::Test {
 protected:
  Ring() { EXPECT_TRUE(ring.load()); }

  hsm::TestToken token;
  std::unique_ptr<hsm::Pkcs11Hsm> hsm = std::move(*hsm::Pkcs11Hsm::open(token.options()));
  MemoryRepository repository;
  std::optional<Error> hsm_error;
  int hsm_jobs = 0;
  std::int64_t now_us = 1'000'000;
  KeyRing ring{repository,
               &repository,
               [this](HsmJob job) -> Result<void> {
                 ++hsm_jobs;
                 if (hsm_error) return fail(*hsm_error);
                 return job(*hsm);
               },
               {.now = [this] { return now_us; }, .destroy_wait_us = 0}};

  Code load_error() {
    auto loaded = ring.load();
    return loaded ? Code::internal : loaded.error().code;
  }
  Code create_error(std::string_view name, KeyType type = KeyType::aes_256_gcm) {
    auto made = ring.create(name, type);
    return made ? Code::internal : made.error().code;
  }
  Code state_error(std::string_view name, std::uint16_t version, State state) {
    auto changed = ring.set_state(name, version, state);
    return changed ? Code::internal : changed.error().code;
  }
  // SoftHSM keeps each in a file of its own.
  std::size_t token_objects() const {
    std::size_t objects = 0;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(token.directory() / "tokens"))
      objects += file.path().extension() == ".object" && file.path().filename() != "token.object";
    return objects;
  }
  // The group key, the check key, that of the ledger, and three pairs.
  static constexpr std::size_t kServerObjects = 9;

  bool signs(const Key& key) {
    return hsm
        ->sign({{key.id, 1}, key.type, key.versions[0].material}, SignatureScheme::key_default, {})
        .has_value();
  }
};

}  // namespace nae::keys
