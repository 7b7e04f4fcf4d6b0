#include "keyserver/audit/request_records.hpp"

#include <algorithm>

namespace nae::audit {
namespace {

// A use of a key is evidence of its own, always.
bool may_be_counted(const Record& record) {
  return record.verdict == "deny" || record.key.empty();
}

std::string name_of_kind(const Record& record, std::string_view key) {
  std::string name;
  for (std::string_view part : {record.verdict, record.action, key, record.reason, record.rule}) {
    name += part;
    name += '\x1f';
  }
  return name + std::to_string(record.key_version);
}

}  // namespace

void RequestRecords::add(const ContextFragment& context, const Record& record) {
  if (!may_be_counted(record)) return batch_.add(context, record);
  if (record.time_us - started_us_ >= kCountingTimeUs || record.time_us < started_us_)
    begin_second(record.time_us);
  std::string shown_context;
  Asker& asker = asker_of(context, shown_context);
  Kind& kind = kind_of(asker, record, std::move(shown_context));
  if (kind.whole < kWholeOfKind && asker.whole < kWholeOfAsker && whole_ < kWholeInAll) {
    ++kind.whole;
    ++asker.whole;
    ++whole_;
    return batch_.add(context, record);
  }
  if (kind.requests++ == 0) {
    ++counted_kinds_;
    kind.query_id = record.query_id;
  }
  kind.told = false;
  kind.items += record.items;
  kind.failed_items += record.failed_items;
  kind.last_time_us = record.time_us;
}

// What is counted and not written yet stays; the rest begins anew.
void RequestRecords::begin_second(std::int64_t now_us) {
  started_us_ = now_us;
  whole_ = 0;
  for (auto& [who, asker] : askers_) {
    asker.whole = 0;
    for (auto& [name, kind] : asker.kinds) kind.whole = 0;
    kinds_ -=
        std::erase_if(asker.kinds, [](const auto& named) { return named.second.requests == 0; });
  }
  std::erase_if(askers_, [](const auto& named) { return named.second.kinds.empty(); });
}

// By who asks, not by what a client sets at will: its application_name. Beyond so many askers by
// login role, for roles are made up more easily than logins; and beyond that by the program.
RequestRecords::Asker& RequestRecords::asker_of(const ContextFragment& context,
                                                std::string& shown_context) {
  shown_context = context.text;
  if (auto known = askers_.find(context.who); known != askers_.end()) return known->second;
  if (askers_.size() < kAskers) return askers_[context.who];
  shown_context = crowd_of(context, true);
  if (auto known = askers_.find(shown_context); known != askers_.end()) return known->second;
  if (askers_.size() >= 2 * kAskers) shown_context = crowd_of(context, false);
  return askers_[shown_context];
}

RequestRecords::Kind& RequestRecords::kind_of(Asker& asker, const Record& record,
                                              std::string shown_context) {
  const std::string_view key = record.key.empty() || record.key_known ? record.key : kUnknownKeys;
  std::string name = name_of_kind(record, key);
  Record shown = record;
  shown.key = key;
  if (auto found = asker.kinds.find(name); found != asker.kinds.end()) return found->second;
  if (kinds_ >= kKindsInAll) {
    shown = Record{};
    shown.action = record.action;
    shown.verdict = record.verdict;
    shown.reason = kSeveral;
    name = name_of_kind(shown, {});
    if (auto found = asker.kinds.find(name); found != asker.kinds.end()) return found->second;
  }
  Kind& kind = asker.kinds[std::move(name)];
  ++kinds_;
  kind.number = next_number_++;
  kind.context = std::move(shown_context);
  kind.action = shown.action;
  kind.key = shown.key;
  kind.verdict = shown.verdict;
  kind.reason = shown.reason;
  kind.rule = shown.rule;
  kind.membership = shown.membership;
  kind.key_version = shown.key_version;
  return kind;
}

Batch RequestRecords::counts() {
  std::vector<Kind*> told;
  for (auto& [who, asker] : askers_) {
    std::vector<Kind*> counted;
    for (auto& [name, kind] : asker.kinds)
      if (kind.requests != 0) counted.push_back(&kind);
    std::ranges::sort(counted, {}, &Kind::number);
    if (counted.size() > kCountsOfAsker) counted.resize(kCountsOfAsker);
    told.insert(told.end(), counted.begin(), counted.end());
  }
  std::ranges::sort(told, {}, &Kind::number);
  Batch batch;
  for (Kind* kind : told) {
    kind->told = true;
    add_count(batch, *kind);
  }
  return batch;
}

void RequestRecords::add_count(Batch& batch, const Kind& kind) {
  Record record;
  record.time_us = kind.last_time_us;
  record.action = kind.action;
  record.key = kind.key;
  record.key_version = kind.key_version;
  record.items = kind.items;
  record.failed_items = kind.failed_items;
  record.verdict = kind.verdict;
  record.reason = kind.reason;
  record.rule = kind.rule;
  record.membership = kind.membership;
  record.query_id = kind.query_id;
  record.repeated = kind.requests;
  batch.add({kind.context}, record);
}

void RequestRecords::forget_counts() {
  for (auto& [who, asker] : askers_) {
    kinds_ -= std::erase_if(asker.kinds, [&](const auto& named) {
      if (!named.second.told) return false;
      --counted_kinds_;
      return true;
    });
  }
  std::erase_if(askers_, [](const auto& named) { return named.second.kinds.empty(); });
  if (counted_kinds_ == 0) begin_second(0);
}

}  // namespace nae::audit
