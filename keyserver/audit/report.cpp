#include "keyserver/audit/report.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace nae::audit {
namespace {

// One pass over the log; every map is bounded, because askers choose what stands in its keys.
class Reporter {
 public:
  Reporter(std::int64_t since_us, std::int64_t until_us) {
    report_.since_us = since_us;
    report_.until_us = until_us;
  }
  void add(const StoredRecord& record);
  Report finish();

 private:
  template <class Map>
  typename Map::mapped_type* group(Map& map, typename Map::key_type key) {
    auto found = map.find(key);
    if (found != map.end()) return &found->second;
    if (map.size() >= kMaxReportGroups) {
      report_.complete = false;
      return nullptr;
    }
    return &map[std::move(key)];
  }
  void add_denied(const StoredRecord& record);
  void add_granted(const StoredRecord& record);

  struct Window {
    std::int64_t started_us = 0;
    std::uint64_t requests = 0;
    Burst burst;
  };
  struct Decrypted {
    std::uint64_t items = 0, usual_items = 0;
  };
  using Pair = std::pair<std::string, std::string>;
  using Three = std::tuple<std::string, std::string, std::string>;
  using Five = std::tuple<std::string, std::string, std::string, std::string, std::string>;

  Report report_;
  std::int64_t began_us_ = 0;  // the oldest time in the log
  std::map<Five, Window> windows_;
  std::map<Three, Breach> breaches_;
  std::map<Three, Refusal> refusals_;
  std::map<Pair, FirstUse> first_uses_;
  std::map<Pair, Decrypted> decrypted_;
};

void Reporter::add(const StoredRecord& record) {
  if (began_us_ == 0 || record.time_us < began_us_) began_us_ = record.time_us;
  if (record.event != "request" || record.time_us >= report_.until_us) return;
  if (record.verdict == "deny")
    add_denied(record);
  else
    add_granted(record);
}

void Reporter::add_denied(const StoredRecord& record) {
  if (record.time_us < report_.since_us) return;
  if (Refusal* refusal = group(refusals_, {record.device, record.action, record.reason})) {
    refusal->requests += record.repeated;
    refusal->items += record.items;
    refusal->last_us = record.time_us;
  }
  if (record.reason == kLimitExceeded) {
    if (Breach* breach = group(breaches_, {record.role, record.key, record.action})) {
      breach->requests += record.repeated;
      breach->items += record.items;
      breach->last_us = record.time_us;
    }
  }
  Window* window =
      group(windows_, {record.device, record.role, record.action, record.key, record.reason});
  if (!window) return;
  if (record.time_us - window->started_us >= kBurstTimeUs) {
    window->started_us = record.time_us;
    window->requests = 0;
  }
  const std::uint64_t before = window->requests;
  window->requests += record.repeated;
  if (window->requests < kBurstRequests) return;
  Burst& burst = window->burst;
  burst.requests += before < kBurstRequests ? window->requests : record.repeated;
  if (burst.first_us == 0) burst.first_us = window->started_us;
  burst.last_us = record.time_us;
}

void Reporter::add_granted(const StoredRecord& record) {
  if (record.key.empty()) return;
  if (FirstUse* first = group(first_uses_, {record.role, record.key}); first && !first->time_us)
    *first = {record.role, record.key, record.device, record.action, record.time_us};
  if (record.action != "decrypt" || record.time_us < report_.since_us - kUsualTimeUs) return;
  Decrypted* decrypted = group(decrypted_, {record.role, record.key});
  if (!decrypted) return;
  const std::uint64_t items = record.items - std::min(record.items, record.failed_items);
  (record.time_us >= report_.since_us ? decrypted->items : decrypted->usual_items) += items;
}

Report Reporter::finish() {
  for (auto& [key, window] : windows_) {
    if (window.burst.requests == 0) continue;
    Burst burst = window.burst;
    std::tie(burst.device, burst.role, burst.action, burst.key, burst.reason) = key;
    report_.bursts.push_back(std::move(burst));
  }
  std::ranges::sort(report_.bursts, std::greater(), &Burst::requests);
  for (auto& [key, breach] : breaches_) {
    std::tie(breach.role, breach.key, breach.action) = key;
    report_.breaches.push_back(std::move(breach));
  }
  std::ranges::sort(report_.breaches, std::greater(), &Breach::requests);
  for (auto& [key, refusal] : refusals_) {
    std::tie(refusal.device, refusal.action, refusal.reason) = key;
    report_.refusals.push_back(std::move(refusal));
  }
  std::ranges::sort(report_.refusals, std::greater(), &Refusal::requests);
  for (auto& [key, first] : first_uses_)
    if (first.time_us >= report_.since_us) report_.first_uses.push_back(std::move(first));
  std::ranges::sort(report_.first_uses, {}, &FirstUse::time_us);
  const auto time = static_cast<double>(report_.until_us - report_.since_us);
  // A log younger than a week says what is usual in the time that it has.
  const auto usual_time =
      static_cast<double>(report_.since_us - std::max(report_.since_us - kUsualTimeUs, began_us_));
  for (auto& [key, decrypted] : decrypted_) {
    if (decrypted.items == 0) continue;
    double usual =
        usual_time > 0 ? static_cast<double>(decrypted.usual_items) * time / usual_time : 0;
    report_.volumes.push_back({key.first, key.second, decrypted.items, usual});
  }
  std::ranges::sort(report_.volumes, std::greater(), &Volume::items);
  return std::move(report_);
}

}  // namespace

Result<Report> make_report(const std::filesystem::path& directory, std::int64_t since_us,
                           std::int64_t until_us) {
  if (since_us >= until_us)
    return fail(Code::invalid_argument, "the report's time must begin in the past");
  Reporter reporter(since_us, until_us);
  NAE_TRY(scan(directory, {}, [&](StoredRecord&& record) {
    reporter.add(record);
    return true;
  }));
  return reporter.finish();
}

}  // namespace nae::audit
