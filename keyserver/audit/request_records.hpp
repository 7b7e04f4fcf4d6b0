// The records of one connection's requests on their way to the log. Denials that repeat are
// counted: who has no rights must not fill the disk below the log by asking again and again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "keyserver/audit/batch.hpp"

namespace nae::audit {

// Of one connection within one second:
inline constexpr std::size_t kWholeDenials = 3;        // of one kind, a record each
inline constexpr std::size_t kWholeDenialsInAll = 64;  // of all kinds, a record each
inline constexpr std::size_t kKindsOfDenials = 64;     // counted apart; the others together
inline constexpr std::int64_t kCountingTimeUs = 1'000'000;

// What stands for action and reason in the count of the others.
inline constexpr std::string_view kSeveral = "several";

class RequestRecords {
 public:
  // Adds the record to the batch, or counts it: a denial after the first few of its kind, which is
  // its context, action, key, key version, reason and rule.
  void add(const ContextFragment& context, const Record& record);

  const Batch& batch() const { return batch_; }
  void clear_batch() { batch_.clear(); }

  // True when denials are counted that no record tells of yet.
  bool counting() const { return counted_kinds_ != 0; }
  // One record for each kind that was counted, in the order in which the kinds came. `device`:
  // whose connection it is. Nothing is forgotten before forget_counts(), for the log may refuse.
  Batch counts(std::string_view device) const;
  void forget_counts();

 private:
  struct Kind {
    std::string context, action, key, reason, rule;
    std::uint16_t key_version = 0;
    std::size_t whole = 0;
    // Of those counted.
    std::uint64_t requests = 0, items = 0, failed_items = 0, query_id = 0;
    std::int64_t last_time_us = 0;
  };
  Kind& kind_of(const ContextFragment& context, const Record& record);
  static void add_count(Batch& batch, const ContextFragment& context, const Kind& kind);

  Batch batch_;
  std::vector<Kind> kinds_;  // of this second
  Kind others_;
  std::size_t counted_kinds_ = 0;
  std::size_t whole_ = 0;
  std::int64_t started_us_ = 0;
};

}  // namespace nae::audit
