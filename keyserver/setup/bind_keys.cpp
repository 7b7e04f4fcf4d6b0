#include "keyserver/setup/bind_keys.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "keyserver/keys/binding.hpp"
#include "keyserver/keys/state.hpp"
#include "libnae/base/clock.hpp"

namespace nae::setup {
namespace {

// Named in the record of the audit log; the others are counted.
constexpr std::size_t kMostNamed = 20;

std::string text_of(const keys::Key& key, const keys::Version& version) {
  return "version " + std::to_string(version.number) + " of " + key.name;
}

// Names of versions for people, the first of them.
class Names {
 public:
  void add(std::string name) {
    if (++count_ <= kMostNamed) text_ += (text_.empty() ? "" : ", ") + std::move(name);
  }
  std::size_t count() const { return count_; }
  std::string text() const {
    return count_ <= kMostNamed ? text_
                                : text_ + " and " + std::to_string(count_ - kMostNamed) + " more";
  }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

// A raw HMAC key computes whatever it is asked, the working keys of a twin among it.
bool gives_away(const keys::Key& key, const keys::Key& twin) {
  return key.type == KeyType::hmac_sha_256_raw || twin.type == KeyType::hmac_sha_256_raw;
}

class Work {
  struct Secret {
    const keys::Key* key;
    const keys::Version* version;
  };

 public:
  Work(keys::BindingRepository& store, keys::Hsm& hsm) : store_(store), hsm_(hsm) {}

  Result<void> look(bool unbound_alone) {
    NAE_ASSIGN(keys_, store_.load_keys());
    std::vector<Secret> to_take;
    for (const keys::Key& key : keys_)
      for (const keys::Version& version : key.versions) {
        const bool stays =
            is_gone(version) || (unbound_alone && !version.binding.signature.empty());
        if (!stays)
          to_take.push_back({&key, &version});
        else if (!version.binding.check_value.empty())
          secrets_.emplace(version.binding.check_value, Secret{&key, &version});
      }
    for (const Secret& secret : to_take) NAE_TRY(take(*secret.key, *secret.version));
    return {};
  }

  Result<void> write() { return store_.bind_versions(bound_); }

  BoundKeys done() const {
    std::string detail = std::to_string(names_.count()) + " versions of keys bound as they stood";
    if (unopened_.count() > 0) detail += "; that the group key does not open: " + unopened_.text();
    if (twins_.count() > 0) detail += "; of one secret: " + twins_.text();
    if (retired_.count() > 0) detail += "; retired for it: " + retired_.text();
    return {names_.count(), std::move(detail)};
  }
  std::string names() const { return names_.text(); }

 private:
  static bool is_gone(const keys::Version& version) {
    return version.state == keys::State::destroyed;
  }

  // What cannot be opened cannot be taken for something else either; as it is the server starts
  // with it, and its administrator can destroy it.
  Result<void> take(const keys::Key& key, const keys::Version& version) {
    keys::Version own = version;
    auto bound = keys::bind(hsm_, key, own);
    if (!bound && bound.error().code == Code::store_corrupt) {
      unopened_.add(text_of(key, version));
      bound = keys::sign_binding(hsm_, key, own);
    }
    NAE_TRY(bound);
    names_.add(text_of(key, version));
    keys::BoundVersion row{{key.id, version.number}, own.binding};
    if (own.binding.check_value.empty()) {
      bound_.push_back(std::move(row));
      return {};
    }
    const auto [twin, alone] = secrets_.emplace(own.binding.check_value, Secret{&key, &version});
    if (!alone) {
      twins_.add(text_of(key, version) + " and " +
                 text_of(*twin->second.key, *twin->second.version));
      if (gives_away(key, *twin->second.key)) retire(key, version, row, twin->second);
    }
    bound_.push_back(std::move(row));
    return {};
  }

  // The raw HMAC key of the two; of two of them both, for nobody can tell which is the copy.
  void retire(const keys::Key& key, const keys::Version& version, keys::BoundVersion& row,
              const Secret& twin) {
    if (key.type == KeyType::hmac_sha_256_raw) retire(key, version, row);
    if (twin.key->type != KeyType::hmac_sha_256_raw || is_gone(*twin.version)) return;
    const KeyVersionId id{twin.key->id, twin.version->number};
    auto other = std::ranges::find(bound_, id, &keys::BoundVersion::id);
    if (other == bound_.end()) other = bound_.insert(other, {id, twin.version->binding, 0});
    retire(*twin.key, *twin.version, *other);
  }
  void retire(const keys::Key& key, const keys::Version& version, keys::BoundVersion& row) {
    const bool serves = version.state == keys::State::active ||
                        version.state == keys::State::restricted ||
                        version.state == keys::State::pre_active;
    if (!serves || row.retired_at_us != 0) return;
    row.retired_at_us = unix_time_us();
    retired_.add(text_of(key, version));
  }

  keys::BindingRepository& store_;
  keys::Hsm& hsm_;
  std::vector<keys::Key> keys_;
  std::map<Bytes, Secret> secrets_;
  std::vector<keys::BoundVersion> bound_;
  Names names_, unopened_, twins_, retired_;
};

}  // namespace

Result<std::optional<BoundKeys>> bind_keys(keys::BindingRepository& store, keys::Hsm& hsm) {
  NAE_ASSIGN(const bool binds, hsm.binds());
  if (binds) return std::nullopt;
  NAE_TRY(hsm.begin_binding());
  Work work(store, hsm);
  NAE_TRY(work.look(false));
  NAE_TRY(work.write());
  return work.done();
}

Result<BoundKeys> accept_keys(keys::BindingRepository& store, keys::Hsm& hsm,
                              const std::function<Result<void>(const std::string&)>& record) {
  NAE_ASSIGN(const bool binds, hsm.binds());
  if (!binds)
    return fail(Code::conflict, "the HSM does not bind keys yet",
                "Start the server: it binds all of them, once.");
  Work work(store, hsm);
  NAE_TRY(work.look(true));
  BoundKeys done = work.done();
  if (done.versions == 0)
    return fail(Code::conflict, "all keys of the store are bound already",
                "If the server refuses the store, a hand has changed it: bring back a backup.");
  done.detail += ": " + work.names();
  NAE_TRY(record(done.detail));
  NAE_TRY(work.write());
  return done;
}

}  // namespace nae::setup
