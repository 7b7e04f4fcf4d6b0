#include "keyserver/server/custody_in_force.hpp"

#include <spdlog/spdlog.h>

#include <charconv>

#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/offline_log.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/setup/custody.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/text.hpp"
#include "libnae/base/written_beside.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::server {
namespace {

constexpr std::string_view kFact = "custody";
constexpr std::uint32_t kOfInit = 1;  // the generation before any change: of it there is no fact

std::string digest_of(const custody::CustodySet& set) {
  return to_hex(crypto::sha256(custody::write_custody_set(set)));
}

std::string fact_of(const custody::CustodySet& set) {
  return std::to_string(set.generation) + " " + digest_of(set);
}

// What a hand put there instead is none of ours, and no word of it is believed.
Result<std::optional<custody::CustodySet>> own_set(const std::filesystem::path& file,
                                                   keys::Hsm& hsm) {
  const auto content = read_file(file, custody::kMaxSetBytes);
  if (!content) return std::nullopt;
  auto set = custody::parse_custody_set(as_bytes(*content));
  if (!set || !custody::check_signature(*set)) return std::nullopt;
  NAE_ASSIGN(const Bytes audit_key, hsm.public_key_of(keys::ServerKey::audit));
  if (set->find(custody::Kept::audit)->public_key != audit_key) return std::nullopt;
  return std::optional(*std::move(set));
}

// A change of custodians that was cut off at this one, perhaps: the one in charge goes by the
// former ones, until this one takes over.
Result<void> tell_later(store::Meta& store, const custody::CustodySet& set) {
  NAE_ASSIGN(const auto known, custody_in_force(store));
  if (set.generation > (known ? known->generation : kOfInit))
    spdlog::warn("event=custody-not-in-force generation={} sha256={}", set.generation,
                 digest_of(set));
  return {};
}

}  // namespace

Result<CustodyInForce> parse_custody_fact(std::string_view fact) {
  CustodyInForce known;
  const std::size_t space = std::min(fact.find(' '), fact.size());
  const auto [end, error] = std::from_chars(fact.data(), fact.data() + space, known.generation);
  const auto digest = from_hex(fact.substr(std::min(space + 1, fact.size())));
  if (error != std::errc() || end != fact.data() + space || known.generation <= kOfInit ||
      !digest || digest->size() != sizeof(crypto::Sha256Digest))
    return fail(Code::store_corrupt, "the store's fact of the custody is not readable");
  known.sha256 = to_hex(*digest);
  if (fact != std::to_string(known.generation) + " " + known.sha256)
    return fail(Code::store_corrupt, "the store's fact of the custody is written otherwise");
  return known;
}

Result<std::optional<CustodyInForce>> custody_in_force(store::Meta& store) {
  NAE_ASSIGN(const auto fact, store.meta(kFact));
  if (!fact) return std::optional<CustodyInForce>();
  return parse_custody_fact(*fact).map([](CustodyInForce known) { return std::optional(known); });
}

Result<void> refuse_superseded(const CustodyInForce& known, const custody::CustodySet& set,
                               const std::filesystem::path& file) {
  if (known.generation < set.generation) return {};
  const std::string digest = digest_of(set);
  if (known.generation == set.generation && known.sha256 == digest) return {};
  return fail(
      Code::conflict,
      file.string() + " is of generation " + std::to_string(set.generation) +
          (known.generation == set.generation ? ", but another one: SHA-256 " + digest : "") +
          ", and the ledger of the store knows that generation " +
          std::to_string(known.generation) + " is in force, SHA-256 " + known.sha256,
      "Put the custody.nae of that generation in its place; the audit log says who holds "
      "it (custodians-changed).");
}

Result<void> refuse_superseded(store::Meta& store, const custody::CustodySet& set,
                               const std::filesystem::path& file) {
  NAE_ASSIGN(const auto known, custody_in_force(store));
  return known ? refuse_superseded(*known, set, file) : Result<void>();
}

Result<bool> take_up_custody(store::Meta& store, const custody::CustodySet& set,
                             const std::filesystem::path& file) {
  NAE_TRY(refuse_superseded(store, set, file));
  NAE_ASSIGN(const auto known, store.meta(kFact));
  if (set.generation <= kOfInit || known == fact_of(set)) return false;
  NAE_TRY(store.change_meta(kFact, known, fact_of(set)));
  return true;
}

Result<void> check_custody_at_start(const config::Config& config, store::Store& store,
                                    keys::Hsm& hsm, bool only_reads) {
  const auto file = config::group_directory(config) / setup::kCustodyFile;
  remove_left_beside(file);
  NAE_ASSIGN(const auto set, own_set(file, hsm));
  if (!set) return {};
  if (auto refused = refuse_superseded(store, *set, file); !refused) {
    if (only_reads) NAE_TRY(check_unchanged(store));
    if (refused.error().code != Code::conflict) return refused;
    if (!only_reads) {
      NAE_ASSIGN(OfflineLog log, OfflineLog::open(config, store, hsm, "nae-keyserver run", store));
      NAE_TRY(log.record("custody-refused", refused.error().message));
    }
    return fail(Code::config_invalid, refused.error().message, refused.error().hint);
  }
  if (only_reads) return tell_later(store, *set);
  NAE_ASSIGN(const bool taken, take_up_custody(store, *set, file));
  if (taken)
    spdlog::warn("event=custody-in-force generation={} sha256={}", set->generation,
                 digest_of(*set));
  return {};
}

Result<void> check_custody_while_waiting(const config::Config& config, store::Meta& store,
                                         keys::Hsm& hsm) {
  const auto file = config::group_directory(config) / setup::kCustodyFile;
  NAE_ASSIGN(const auto set, own_set(file, hsm));
  if (!set) return {};
  const auto refused = refuse_superseded(store, *set, file);
  if (refused) return tell_later(store, *set);
  if (refused.error().code != Code::conflict) return {};
  return fail(Code::config_invalid, refused.error().message, refused.error().hint);
}

Result<void> refuse_superseded_in_group(const config::Config& config,
                                        const custody::CustodySet& set,
                                        const std::filesystem::path& file) {
  if (config.store.url.empty()) return {};
  const auto store = read_store(config);
  if (!store) return {};
  auto refused = refuse_superseded(**store, set, file);
  if (refused || refused.error().code != Code::conflict) return {};
  return refused;
}

Result<void> refuse_superseded_here(const config::Config& config, const custody::CustodySet& set,
                                    const std::filesystem::path& file) {
  NAE_ASSIGN(const auto store, read_newest_store(config));
  NAE_ASSIGN(const auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_TRY(take_up_ledger_if_there(*store, *hsm));
  return refuse_superseded(*store, set, file);
}

}  // namespace nae::server
