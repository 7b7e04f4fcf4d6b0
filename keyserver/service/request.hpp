// A crypto request while it is served: what was asked, what the HSM has prepared for it, and the
// three ways an action can end.
#pragma once

#include <algorithm>
#include <concepts>
#include <functional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "keyserver/audit/batch.hpp"
#include "keyserver/service/caller.hpp"
#include "keyserver/service/parts.hpp"
#include "libnae/wire/crypto_message.hpp"

namespace nae::service {

// What HSM jobs made for one request. Kept with the request, so that a cache that evicts cannot
// make it start over for ever.
struct Prepared {
  std::vector<std::shared_ptr<const crypto::GcmWorkingKey>> gcm;
  std::shared_ptr<const crypto::SivWorkingKey> siv;
  std::shared_ptr<const crypto::MacWorkingKey> mac;
  std::vector<std::shared_ptr<const crypto::SivWorkingKey>> siv_readers;
  std::vector<keys::EncryptLease> leases;
  std::vector<Bytes> results;  // of each item: signatures, random bytes
  // Of items that were opened or sealed on the HSM's thread, by their index.
  std::unordered_map<std::uint32_t, Result<Bytes>> opened;
  std::unordered_map<std::uint32_t, Bytes> sealed;
  // The limits that the request has been counted by: a second round must not count it again.
  std::vector<std::string> charged;
};

// Part of what was asked of one key version; one audit record each.
struct KeyUse {
  keys::KeyPointer key;  // nullptr for hash and random, and for keys nobody knows
  std::uint16_t version = 0;
  policy::Decision decision;
  std::uint32_t items = 0;
  std::uint32_t failed_items = 0;
  Code refusal{};  // why all of its items failed; 0: they did not
};

struct Request {
  std::uint64_t id;
  const wire::CryptoRequestView& view;
  Caller& caller;
  const Parts& parts;
  Prepared& prepared;
  const wire::Limits& limits;  // of the connection
  std::int64_t now_us;         // Unix time, read once for all that one read brought
  Bytes& out;                  // the reply frame is appended here

  const policy::Decision& decide(Action action, std::string_view key) {
    return caller.decide(parts.policy, parts.ring, action, key, now_us);
  }
  // On whose behalf the HSM works and working keys are kept.
  const std::string& party() const { return caller.subject().device; }
  const wire::CryptoHeader& header() const { return view.header; }
  std::uint32_t count() const { return view.items.count(); }
};

// How often a version was used, where the uses do not say it.
struct VersionCount {
  keys::VersionUsagePointer usage;
  std::uint32_t items = 0;
};
class VersionTally {
 public:
  void add(const keys::Version& version) {
    if (counts_.empty() || counts_.back().usage != version.usage)
      counts_.push_back({version.usage, 0});
    ++counts_.back().items;
  }
  std::vector<VersionCount> take() { return std::move(counts_); }

 private:
  std::vector<VersionCount> counts_;
};

// The reply is in `out`; one record a use goes to the audit.
struct Served {
  std::vector<KeyUse> uses;
  // Versions that were read by verify and mac-verify, which know them item by item, and those that
  // rewrap wrote under.
  std::vector<VersionCount> counts = {};
};

// Nothing may be left in `out`. The whole request is answered by an error.
struct Refused {
  Error error;
  std::string key;
  policy::Decision decision;         // default: the request failed before or after policy
  std::uint32_t retry_after_ms = 0;  // 0: no advice
};

// Nothing may be left in `out`. The job runs on the HSM's thread with the request's own copy of its
// frame; then the action is called again with what the job prepared.
class HsmWork {
 public:
  template <class Run>
  requires(!std::same_as<std::remove_cvref_t<Run>, HsmWork>)
      HsmWork(Run run, std::string makes = {})
      : makes_(std::move(makes)), run_(std::move(run)) {}

  // Names what it makes when that is nothing but working keys, which serve all who wait for the
  // same ones; empty otherwise. See SharedWork.
  const std::string& makes() const { return makes_; }
  Result<Prepared> operator()(keys::Hsm& hsm, const wire::CryptoRequestView& view) const {
    return run_(hsm, view);
  }

 private:
  std::string makes_;
  std::function<Result<Prepared>(keys::Hsm&, const wire::CryptoRequestView&)> run_;
};

// For HsmWork::makes(). `kind`: what of the version, such as its format or a purpose.
inline std::string working_key_name(std::string_view kind, const KeyVersionId& id,
                                    const Salt& salt = {}) {
  std::string name(kind);
  name.append(reinterpret_cast<const char*>(id.key.bytes.data()), id.key.bytes.size());
  name += static_cast<char>(id.version >> 8);
  name += static_cast<char>(id.version & 0xff);
  name.append(reinterpret_cast<const char*>(salt.data()), salt.size());
  return name;
}

using Outcome = std::variant<Served, Refused, HsmWork>;

// Takes back what was appended to the reply since `start`; it may hold plaintext.
inline void discard_reply(Request& request, std::size_t start) {
  std::fill(request.out.begin() + static_cast<std::ptrdiff_t>(start), request.out.end(), Byte{0});
  request.out.resize(start);
}

// Answers an item of verify or mac-verify: one byte, 1 or 0. False when it failed.
inline bool answer(wire::CryptoReplyWriter& reply, const Result<bool>& verified) {
  if (!verified) {
    reply.fail_item(verified.error().code);
    return false;
  }
  reply.begin_item(1)[0] = *verified ? 1 : 0;
  reply.finish_item(wire::ItemResult::value, 1);
  return true;
}

// The caller's associated data, item by item.
class AadCursor {
 public:
  explicit AadCursor(const wire::CryptoRequestView& view)
      : column_(view.aad), cursor_(column_.cursor()) {
    if (column_.count() == 1) shared_ = cursor_.next();
  }
  ByteView next() { return column_.count() > 1 ? cursor_.next() : shared_; }

 private:
  const wire::ColumnView& column_;
  wire::ColumnView::Cursor cursor_;
  ByteView shared_;
};

}  // namespace nae::service
