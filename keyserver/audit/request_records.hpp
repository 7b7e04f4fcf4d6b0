// The records of one connection's requests on their way to the log. What repeats is counted: who
// has no rights must not fill the disk below the log by asking again and again, nor hide what
// others do behind it.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "keyserver/audit/batch.hpp"

namespace nae::audit {

// Of one connection within one second:
inline constexpr std::size_t kWholeOfKind = 3;      // a record each
inline constexpr std::size_t kWholeOfAsker = 16;    // a record each, of all kinds
inline constexpr std::size_t kWholeInAll = 256;     // a record each, of all askers
inline constexpr std::size_t kAskers = 512;         // told apart; the others by login role
inline constexpr std::size_t kCountsOfAsker = 64;   // records of counts; the others wait
inline constexpr std::size_t kKindsInAll = 16'384;  // told apart; the others by asker and action
inline constexpr std::int64_t kCountingTimeUs = 1'000'000;

// The key in a count of requests that named keys that do not exist: no key can be called so.
inline constexpr std::string_view kUnknownKeys = "(unknown)";
class RequestRecords {
 public:
  // Adds the record to the batch, or counts it when it is a denial, or a grant that used no key,
  // after the first few of its kind: same asker, verdict, action, key, key version, reason and
  // rule. Keys that do not exist are one kind: who asks invents as many as they like.
  void add(const ContextFragment& context, const Record& record);

  const Batch& batch() const { return batch_; }
  void clear_batch() { batch_.clear(); }

  // True when something is counted that no record tells of yet.
  bool counting() const { return counted_kinds_ != 0; }
  // One record for each kind that was counted, in the order in which the kinds came, but of one
  // asker no more than kCountsOfAsker. They are forgotten by forget_counts(), for the log may
  // refuse them.
  Batch counts();
  // Those that counts() answered last.
  void forget_counts();

 private:
  struct Kind {
    std::string context, action, key, verdict, reason, rule, membership;
    std::uint16_t key_version = 0;
    std::uint64_t number = 0;  // in the order in which kinds came
    std::size_t whole = 0;
    // Of those counted.
    std::uint64_t requests = 0, items = 0, failed_items = 0, query_id = 0;
    std::int64_t last_time_us = 0;
    bool told = false;  // by counts()
  };
  struct Asker {
    std::size_t whole = 0;
    std::unordered_map<std::string, Kind> kinds;
  };

  Asker& asker_of(const ContextFragment& context, std::string& shown_context);
  Kind& kind_of(Asker& asker, const Record& record, std::string shown_context);
  void begin_second(std::int64_t now_us);
  static void add_count(Batch& batch, const Kind& kind);

  Batch batch_;
  std::unordered_map<std::string, Asker> askers_;
  std::size_t counted_kinds_ = 0;
  std::size_t kinds_ = 0;
  std::size_t whole_ = 0;
  std::uint64_t next_number_ = 0;
  std::int64_t started_us_ = 0;
};

}  // namespace nae::audit
