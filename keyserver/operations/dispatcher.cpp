#include "keyserver/operations/dispatcher.hpp"

#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/asked.hpp"
#include "keyserver/operations/charge.hpp"
#include "keyserver/operations/form.hpp"

namespace nae::operations {
namespace {

using ActionFunction = Outcome (*)(Request&);

// One for each action that is_served(), and for no other: nae_protocol_test.cpp asks all of them.
ActionFunction function_of(const CryptoRequest& asked) {
  switch (asked.action) {
    case Action::encrypt:
      return names_cipher_mode(asked) ? cipher : encrypt;
    case Action::decrypt:
      if (names_cipher_mode(asked)) return cipher;
      return decrypts_by_scheme(asked) ? decrypt_by_scheme : decrypt;
    case Action::rewrap:
      return rewrap;
    case Action::sign:
      return sign;
    case Action::verify:
      return verify;
    case Action::mac:
      return mac;
    case Action::mac_verify:
      return mac_verify;
    case Action::hash:
      return hash;
    case Action::random:
      return random;
    case Action::search:
      return search;
    case Action::derive:
      return derive;
    case Action::wrap:
    case Action::unwrap:
    case Action::export_key:
    case Action::manage:
      return nullptr;
  }
  return nullptr;
}

audit::Record record_of(const Request& request) {
  audit::Record record;
  record.time_us = request.now_us;
  record.action = act_of(request.asked);
  record.key = recorded_key_of(request.asked);
  record.query_id = request.asked.query_id;
  record.items = request.count();
  return record;
}

// Policy's own reason for a denial; for other failures the name of the code says more.
std::string_view reason_of(Code code, const policy::Decision& decision) {
  if (code == Code{} || code == Code::denied) return decision.reason;
  return name(code);
}

bool protects(const CryptoRequest& asked) {
  if (asks_for_search_tokens(asked) || searches_blind_index(asked)) return false;
  return counts_as_use(asked.action) && asked.action != Action::rewrap;  // that counts by itself
}

const metrics::Metrics::PerAction& counters_of(const Request& request) {
  const metrics::Metrics& metrics = request.parts.metrics;
  if (asks_for_search_tokens(request.asked)) return metrics.of_search();
  return metrics.of(request.asked.action);
}

// One count a version and request: the counters are everybody's.
void count_usage(const Request& request, const Served& served) {
  const std::int64_t now_us = request.now_us;
  keys::UsageBook& book = request.parts.ring.usage();
  const Action action = request.asked.action;
  for (const VersionCount& count : served.counts) {
    if (action == Action::rewrap)
      book.add_uses(count.usage, count.items, now_us);
    else
      book.add_reads(count.usage, count.items, now_us);
  }
  if (action == Action::verify || action == Action::mac_verify) return;
  for (const KeyUse& use : served.uses) {
    const keys::Version* version = use.key ? use.key->version(use.version) : nullptr;
    if (!version || use.refusal != Code{}) continue;
    const std::uint32_t items = use.items - use.failed_items;
    if (protects(request.asked))
      book.add_uses(version->usage, items, now_us);
    else
      book.add_reads(version->usage, items, now_us);
  }
}

void record_served(const Request& request, const Served& served, audit::RequestRecords& records) {
  const auto& counters = counters_of(request);
  for (const KeyUse& use : served.uses) {
    audit::Record record = record_of(request);
    if (use.key) record.key = use.key->name;
    record.key_version = use.version;
    record.items = use.items;
    record.failed_items = use.failed_items;
    const auto verdict = use.refusal == Code{} ? use.decision.verdict : policy::Verdict::deny;
    record.verdict = name(verdict);
    record.reason = reason_of(use.refusal, use.decision);
    record.rule = use.decision.rule;
    record.membership = use.decision.membership;
    records.add(request.caller.fragment(), record);
    request.parts.metrics.items_of(verdict).Increment(use.items);
    counters.items->Increment(use.items - use.failed_items);
    if (use.failed_items > 0) counters.failed_items->Increment(use.failed_items);
  }
  counters.granted->Increment();
}

Outcome act(Request& request) {
  if (auto proven = request.caller.prove_user(request.parts.policy, request.now_us); !proven)
    return Refused{proven.error(), {}, {}};
  if (auto form = check_form(request.asked); !form) return Refused{form.error(), {}, {}};
  // Before anything is looked at: here nobody counts how often a key is used.
  if (request.parts.follows && (protects(request.asked) || request.asked.action == Action::rewrap))
    return Refused{left_to_the_one_in_charge("uses of keys that are counted"), {}, {}};
  const ActionFunction action = function_of(request.asked);
  if (!action) return Refused{Error(Code::unsupported, "this action is not served"), {}, {}};
  Outcome outcome = action(request);
  if (std::holds_alternative<Served>(outcome))
    if (auto finished = request.answer.finish(); !finished)
      return Refused{finished.error(), {}, {}};
  return outcome;
}

}  // namespace

void refuse(Request& request, const Refused& refused, audit::RequestRecords& records) {
  audit::Record record = record_of(request);
  if (!refused.key.empty()) record.key = refused.key;
  record.failed_items = request.count();
  record.verdict = name(policy::Verdict::deny);
  record.reason = reason_of(refused.error.code, refused.decision);
  record.rule = refused.decision.rule;
  record.membership = refused.decision.membership;
  record.key_known = record.key.empty() || request.parts.ring.find(record.key) != nullptr;
  records.add(request.caller.fragment(), record);
  const auto& counters = counters_of(request);
  counters.refused->Increment();
  request.parts.metrics.items_of(policy::Verdict::deny).Increment(request.count());
  counters.failed_items->Increment(request.count());
  request.answer.refuse(refused.error, refused.retry_after_ms);
}

std::optional<HsmWork> serve(Request& request, audit::RequestRecords& records) {
  Outcome outcome = act(request);
  if (const auto* done = std::get_if<Served>(&outcome)) {
    record_served(request, *done, records);
    count_usage(request, *done);
    return std::nullopt;
  }
  request.answer.discard();
  if (auto* work = std::get_if<HsmWork>(&outcome)) return std::move(*work);
  refuse(request, std::get<Refused>(outcome), records);
  return std::nullopt;
}

}  // namespace nae::operations
