#include "keyserver/service/dispatcher.hpp"

#include "keyserver/service/actions.hpp"
#include "keyserver/service/asked.hpp"
#include "keyserver/service/form.hpp"
#include "libnae/wire/error_message.hpp"

namespace nae::service {
namespace {

using ActionFunction = Outcome (*)(Request&);

// One for each action that is_served(), and for no other: nae_protocol_test.cpp asks all of them.
ActionFunction function_of(Action action) {
  switch (action) {
    case Action::encrypt:
      return encrypt;
    case Action::decrypt:
      return decrypt;
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
    case Action::wrap:
    case Action::unwrap:
    case Action::derive:
    case Action::export_key:
    case Action::manage:
      return nullptr;
  }
  return nullptr;
}

audit::Record record_of(const Request& request) {
  audit::Record record;
  record.time_us = request.now_us;
  record.action = act_of(request.header());
  record.key = recorded_key_of(request.header());
  record.query_id = request.header().query_id;
  record.items = request.count();
  return record;
}

// Policy's own reason for a denial; for other failures the name of the code says more.
std::string_view reason_of(Code code, const policy::Decision& decision) {
  if (code == Code{} || code == Code::denied) return decision.reason;
  return name(code);
}

bool protects(const wire::CryptoHeader& header) {
  const Action action = header.action;
  if (asks_for_search_tokens(header) || searches_blind_index(header)) return false;
  return action == Action::encrypt || action == Action::sign || action == Action::mac;
}

const Metrics::PerAction& counters_of(const Request& request) {
  const Metrics& metrics = request.parts.metrics;
  if (asks_for_search_tokens(request.header())) return metrics.of_search();
  return metrics.of(request.header().action);
}

// One count a version and request: the counters are everybody's.
void count_usage(const Request& request, const Served& served) {
  const std::int64_t now_us = request.now_us;
  keys::UsageBook& book = request.parts.ring.usage();
  const Action action = request.header().action;
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
    if (protects(request.header()))
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
  wire::append_error(request.out, request.id, {refused.error, refused.retry_after_ms});
}

std::optional<HsmWork> serve(Request& request, audit::RequestRecords& records) {
  if (auto proven = request.caller.prove_user(request.parts.policy, request.now_us); !proven) {
    refuse(request, {proven.error(), {}, {}}, records);
    return std::nullopt;
  }
  if (auto form = check_form(request.view); !form) {
    refuse(request, {form.error(), {}, {}}, records);
    return std::nullopt;
  }
  const std::size_t start = request.out.size();
  ActionFunction action = function_of(request.header().action);
  Outcome outcome =
      action ? action(request)
             : Outcome(Refused{Error(Code::unsupported, "this action is not served"), {}, {}});
  if (auto* work = std::get_if<HsmWork>(&outcome)) return std::move(*work);
  if (auto* refused = std::get_if<Refused>(&outcome)) {
    refuse(request, *refused, records);
    return std::nullopt;
  }
  const std::size_t body = request.out.size() - start - wire::kFrameHeaderBytes;
  if (body > wire::max_reply_bytes(request.limits)) {
    discard_reply(request, start);
    refuse(request, {Error(Code::frame_too_large, "the reply would be too large"), {}, {}},
           records);
    return std::nullopt;
  }
  const Served& done = std::get<Served>(outcome);
  record_served(request, done, records);
  count_usage(request, done);
  return std::nullopt;
}

}  // namespace nae::service
