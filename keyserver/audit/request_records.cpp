#include "keyserver/audit/request_records.hpp"

#include <algorithm>

namespace nae::audit {

void RequestRecords::add(const ContextFragment& context, const Record& record) {
  if (record.verdict != "deny") return batch_.add(context, record);
  if (!counting() && record.time_us - started_us_ >= kCountingTimeUs) {
    forget_counts();
    started_us_ = record.time_us;
  }
  Kind& kind = kind_of(context, record);
  if (&kind != &others_ && kind.whole < kWholeDenials && whole_ < kWholeDenialsInAll) {
    ++kind.whole;
    ++whole_;
    return batch_.add(context, record);
  }
  if (kind.requests++ == 0) {
    ++counted_kinds_;
    kind.query_id = record.query_id;
  }
  kind.items += record.items;
  kind.failed_items += record.failed_items;
  kind.last_time_us = record.time_us;
}

RequestRecords::Kind& RequestRecords::kind_of(const ContextFragment& context,
                                              const Record& record) {
  auto same = std::ranges::find_if(kinds_, [&](const Kind& kind) {
    return kind.key == record.key && kind.action == record.action &&
           kind.key_version == record.key_version && kind.reason == record.reason &&
           kind.rule == record.rule && kind.context == context.text;
  });
  if (same != kinds_.end()) return *same;
  if (kinds_.size() >= kKindsOfDenials) return others_;
  Kind& kind = kinds_.emplace_back();
  kind.context = context.text;
  kind.action = record.action;
  kind.key = record.key;
  kind.reason = record.reason;
  kind.rule = record.rule;
  kind.key_version = record.key_version;
  return kind;
}

Batch RequestRecords::counts(std::string_view device) const {
  Batch batch;
  for (const Kind& kind : kinds_)
    if (kind.requests != 0) add_count(batch, {kind.context}, kind);
  if (others_.requests != 0) {
    Kind others = others_;
    others.action = others.reason = kSeveral;
    others.query_id = 0;
    Context context;
    context.device = device;
    add_count(batch, render_context(context), others);
  }
  return batch;
}

void RequestRecords::add_count(Batch& batch, const ContextFragment& context, const Kind& kind) {
  Record record;
  record.time_us = kind.last_time_us;
  record.action = kind.action;
  record.key = kind.key;
  record.key_version = kind.key_version;
  record.items = kind.items;
  record.failed_items = kind.failed_items;
  record.verdict = "deny";
  record.reason = kind.reason;
  record.rule = kind.rule;
  record.query_id = kind.query_id;
  record.repeated = kind.requests;
  batch.add(context, record);
}

void RequestRecords::forget_counts() {
  kinds_.clear();
  others_ = {};
  counted_kinds_ = whole_ = 0;
  started_us_ = 0;
}

}  // namespace nae::audit
