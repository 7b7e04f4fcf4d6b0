#include "cli/audit_witnesses.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "cli/audit_commands.hpp"
#include "keyserver/admin/api/time.hpp"
#include "keyserver/audit/verify.hpp"
#include "keyserver/audit/witness.hpp"
#include "libnae/base/text.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr std::size_t kEventsAtOnce = 10'000;  // what a server gives and takes at most
constexpr std::size_t kComparedAtOnce = 1'000;
constexpr char kStore[] = "(store)";  // no node has such a name

// That a log had this record, as another one has it.
struct Testimony {
  std::string by;
  std::uint64_t by_seq = 0;
  std::int64_t time_us = 0;
  audit::ChainPoint point;
};

// That the log before this one was given up.
struct Loss {
  std::int64_t time_us = 0;
  std::string detail;
  bool proved = false;
};

struct Told {
  std::map<std::string, std::vector<Testimony>> of;  // by the node that it is about
  std::map<std::string, Loss> losses;                // by the node whose log was begun anew
  std::vector<json::object> wrong;
};

using Visit = std::function<void(const audit::StoredRecord&)>;

Outcome<json::value> read_events(NodeLog& log, std::string_view event, const Visit& visit) {
  if (!log.directory.empty()) {
    audit::Filter filter;
    filter.event = event;
    NAE_TRY(audit::scan(log.directory, filter, [&](audit::StoredRecord&& record) {
      visit(record);
      return true;
    }));
    return nullptr;
  }
  FilterOptions filter;
  filter.event = event;
  for (std::string after = "0"; !after.empty();) {
    NAE_ANSWER(const json::value page,
               log.server->call("GET", filter_parameters("/v1/audit/export", filter,
                                                         std::to_string(kEventsAtOnce), after)));
    for (const json::value& line : items(page, "lines")) {
      NAE_ASSIGN(const auto record,
                 audit::parse_record(line.is_string() ? std::string_view(line.get_string())
                                                      : std::string_view()));
      visit(record);
    }
    after = shown(page, "next");
  }
  return nullptr;
}

json::object finding(const std::string& node, const char* fault, const Testimony& told,
                     std::string explanation) {
  return {{"node", node},
          {"fault", fault},
          {"seq", told.point.seq},
          {"hash", to_hex(told.point.hash)},
          {"by", told.by},
          {"by_seq", told.by_seq},
          {"explanation", std::move(explanation)}};
}

Outcome<json::value> ask(NodeLog& log, Told& told) {
  NAE_TRY_OUTCOME(read_events(log, audit::kWitnessEvent, [&](const audit::StoredRecord& record) {
    const auto witnesses = audit::parse_witnesses(record.detail);
    if (!witnesses) {
      told.wrong.push_back(finding(log.node, "witness_malformed",
                                   {log.node, record.seq, record.time_us, {}},
                                   "the record of witnesses has another form"));
      return;
    }
    for (const audit::Witness& witness : *witnesses) {
      const Testimony one{log.node, record.seq, record.time_us, witness.point};
      if (witness.node == log.node)
        told.wrong.push_back(finding(log.node, "witness_malformed", one,
                                     "a log is no witness of itself, and no server writes that"));
      else
        told.of[witness.node].push_back(one);
    }
  }));
  return read_events(log, audit::kLossEvent, [&](const audit::StoredRecord& record) {
    // Whoever can write the files can add such a record, and excuse with it what others saw.
    const bool placed = record.seq == audit::kLossSeq;
    if (placed && (!log.signed_seq || *log.signed_seq >= record.seq))
      told.losses[log.node] = {record.time_us, record.detail, log.signed_seq.has_value()};
    else
      told.wrong.push_back(
          finding(log.node, placed ? "loss_unsigned" : "loss_misplaced",
                  {log.node, record.seq, record.time_us, {record.seq, {}}},
                  placed ? "it says that the log before was lost, and no signature that was "
                           "checked covers that: it excuses nothing"
                         : "it says that the log before was lost, where the server never says so: "
                           "it excuses nothing"));
  });
}

// Takes away what was seen of the log that was lost: in the log of each witness all up to the last
// one of the newest record that it was known to have, or where that was not seen, by the times.
std::size_t take_lost(std::vector<Testimony>& told, const Loss& loss) {
  std::map<std::string, std::uint64_t> last;  // by witness
  if (const auto point = audit::lost_point(loss.detail))
    for (const Testimony& one : told)
      if (one.point == *point) last[one.by] = std::max(last[one.by], one.by_seq);
  return std::erase_if(told, [&](const Testimony& one) {
    if (one.by == kStore) return false;  // forgot the lost one
    const auto at = last.find(one.by);
    return at == last.end() ? one.time_us <= loss.time_us : one.by_seq <= at->second;
  });
}

std::optional<std::uint64_t> whole_number_in(const json::value* value, std::uint64_t least) {
  boost::system::error_code wrong;
  if (!value || !value->is_number() || value->is_double()) return std::nullopt;
  const auto number = value->to_number<std::uint64_t>(wrong);
  return wrong || number < least ? std::nullopt : std::optional(number);
}

// Adds what the answer has; an answer of another form must not pass for one that all fits.
bool add_answer(const json::value& answer, audit::Compared& all) {
  const json::object* members = answer.if_object();
  const json::value* absent = members ? members->if_contains("absent") : nullptr;
  const json::value* others = members ? members->if_contains("others") : nullptr;
  const auto archived = whole_number_in(members ? members->if_contains("archived") : nullptr, 0);
  if (!archived || !absent || !absent->is_array() || !others || !others->is_array()) return false;
  all.archived += *archived;
  for (const json::value& one : absent->get_array()) {
    const auto seq = whole_number_in(&one, 1);
    if (!seq) return false;
    all.absent.push_back(*seq);
  }
  for (const json::value& other : others->get_array()) {
    const auto seq =
        whole_number_in(other.is_object() ? other.get_object().if_contains("seq") : nullptr, 1);
    const auto hash = from_hex(shown(other, "hash"));
    if (!seq || !hash || hash->size() != audit::kHashBytes) return false;
    audit::ChainPoint& point = all.others.emplace_back();
    point.seq = *seq;
    std::ranges::copy(*hash, point.hash.begin());
  }
  return true;
}

Outcome<audit::Compared> compare_at(NodeLog& log, const std::vector<audit::ChainPoint>& points) {
  audit::Compared all;
  for (std::size_t at = 0; at < points.size(); at += kComparedAtOnce) {
    json::array records;
    for (std::size_t i = at; i < std::min(points.size(), at + kComparedAtOnce); ++i)
      records.push_back(json::object{{"seq", points[i].seq}, {"hash", to_hex(points[i].hash)}});
    NAE_ANSWER(const json::value answer,
               log.server->call("POST", "/v1/audit/compare", {{"records", std::move(records)}}));
    if (!add_answer(answer, all))
      return tl::unexpected<Failure>(
          Failure(Error(Code::internal, "the answer of " + log.node + " has another form"), true));
  }
  return all;
}

class Comparison {
 public:
  void add(json::object found) {
    if (++findings_total_ <= audit::kMaxFindings) findings_.push_back(std::move(found));
  }
  void add_uncompared(std::size_t number) { not_compared_ += number; }

  // The testimonies about a log that can be read.
  Outcome<json::value> compare(NodeLog& log, std::vector<Testimony> told, const Loss* loss) {
    if (loss) {
      of_lost_logs_ += take_lost(told, *loss);
      losses_.push_back(json::object{{"node", log.node},
                                     {"time", admin::api::format_time(loss->time_us)},
                                     {"detail", loss->detail},
                                     {"signature_checked", loss->proved}});
    }
    auto place = [](const Testimony& one) {
      return std::tie(one.point.seq, one.point.hash, one.by);
    };
    std::ranges::sort(told, {}, place);
    std::vector<audit::ChainPoint> points;
    for (const Testimony& one : told)
      if (points.empty() || points.back() != one.point) points.push_back(one.point);
    audit::Compared found;
    if (log.directory.empty()) {
      NAE_ANSWER(found, compare_at(log, points));
    } else {
      NAE_ASSIGN(found, audit::compare(log.directory, std::move(points)));
    }
    compared_ += told.size();
    archived_ += found.archived;
    const std::set<std::uint64_t> absent(found.absent.begin(), found.absent.end());
    std::map<std::uint64_t, audit::Hash> there;
    for (const audit::ChainPoint& other : found.others) there[other.seq] = other.hash;
    for (const Testimony& one : told) {
      const auto other = there.find(one.point.seq);
      if (absent.contains(one.point.seq))
        add(finding(log.node, "record_absent", one,
                    "the log has no such record: it was cut back, or this copy of it is older"));
      else if (other != there.end() && other->second != one.point.hash)
        add(finding(log.node, "record_differs", one,
                    "the log has another record there: it was put back and went on, or replaced"));
    }
    return nullptr;
  }

  json::object report() && {
    return {{"compared", compared_},           {"archived", archived_},
            {"of_lost_logs", of_lost_logs_},   {"losses", std::move(losses_)},
            {"not_compared", not_compared_},   {"findings_total", findings_total_},
            {"findings", std::move(findings_)}};
  }

 private:
  std::uint64_t compared_ = 0, archived_ = 0, of_lost_logs_ = 0, not_compared_ = 0;
  std::uint64_t findings_total_ = 0;
  json::array findings_, losses_;
};

}  // namespace

json::object compare_witnesses(Call& call, std::vector<NodeLog>& logs) {
  Told told;
  ask_each(
      call, logs, [&](NodeLog& log) { return ask(log, told); }, [](NodeLog&, json::value&) {});
  for (const NodeLog& log : logs)
    if (log.head) told.of[log.node].push_back({kStore, 0, INT64_MAX, *log.head});
  Comparison comparison;
  for (json::object& wrong : told.wrong) comparison.add(std::move(wrong));
  ask_each(
      call, logs,
      [&](NodeLog& log) {
        const auto loss = told.losses.find(log.node);
        return comparison.compare(log, told.of[log.node],
                                  loss == told.losses.end() ? nullptr : &loss->second);
      },
      [](NodeLog&, json::value&) {});
  for (const auto& [node, testimonies] : told.of) {
    const auto log = std::ranges::find(logs, node, &NodeLog::node);
    if (log != logs.end() && !log->unread) continue;
    comparison.add_uncompared(testimonies.size());
    if (log == logs.end())
      comparison.add(finding(node, "log_not_given", testimonies.back(),
                             "the logs know of this node, and its own was not given"));
  }
  return std::move(comparison).report();
}

}  // namespace nae::cli
