#include "keyserver/audit/query.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <deque>

#include "keyserver/audit/chain.hpp"
#include "keyserver/audit/encode.hpp"
#include "keyserver/audit/file.hpp"
#include "libnae/base/text.hpp"

namespace nae::audit {
namespace {

namespace json = boost::json;

// "2025-01-31T23:59:59.000001Z", as append_time() writes it.
std::optional<std::int64_t> parse_time(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd.ddddddZ";
  if (text.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (kShape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != kShape[i])
      return std::nullopt;
  auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
  };
  std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                   std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                   std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  int hours = number(11, 2), minutes = number(14, 2), seconds = number(17, 2);
  if (!date.ok() || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  std::chrono::microseconds time = std::chrono::sys_days(date).time_since_epoch();
  time += std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
  return time.count() + number(20, 6);
}

// Reads members by name; one of another type makes the whole record unreadable.
class MemberReader {
 public:
  explicit MemberReader(const json::object& object) : object_(object) {}

  void read(json::string_view name, std::string& out) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) return;
    if (const json::string* text = value->if_string())
      out.assign(text->data(), text->size());
    else
      ok_ = false;
  }
  template <std::unsigned_integral T>
  void read(json::string_view name, T& out) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) return;
    json::error_code error;
    out = value->is_number() ? value->to_number<T>(error) : T{};
    if (error || !value->is_number()) ok_ = false;
  }
  bool ok() const { return ok_; }

 private:
  const json::object& object_;
  bool ok_ = true;
};

bool matches(std::string_view pattern, std::string_view text) {
  return pattern.empty() || glob_match(pattern, text);
}

bool matches(const Filter& filter, const StoredRecord& record) {
  return (!filter.from_us || record.time_us >= *filter.from_us) &&
         (!filter.to_us || record.time_us < *filter.to_us) && matches(filter.event, record.event) &&
         matches(filter.role, record.role) && matches(filter.key, record.key) &&
         matches(filter.action, record.action) && matches(filter.verdict, record.verdict) &&
         matches(filter.device, record.device) && matches(filter.database, record.database) &&
         matches(filter.user, record.user);
}

}  // namespace

Result<StoredRecord> parse_record(std::string_view line) {
  auto unreadable = [] { return fail(Code::audit_broken, "not a record of an audit log"); };
  json::error_code error;
  json::value root = json::parse(json::string_view(line.data(), line.size()), error);
  const json::object* object = error ? nullptr : root.if_object();
  if (object == nullptr) return unreadable();
  StoredRecord record;
  std::string time;
  MemberReader members(*object);
  members.read("seq", record.seq);
  members.read("time", time);
  members.read("event", record.event);
  members.read("device", record.device);
  members.read("program", record.program);
  members.read("database", record.database);
  members.read("role", record.role);
  members.read("session_role", record.session_role);
  members.read("login_role", record.login_role);
  members.read("client_address", record.client_address);
  members.read("application_name", record.application_name);
  members.read("user_issuer", record.user_issuer);
  members.read("user", record.user);
  members.read("action", record.action);
  members.read("key", record.key);
  members.read("key_version", record.key_version);
  members.read("items", record.items);
  members.read("failed_items", record.failed_items);
  members.read("verdict", record.verdict);
  members.read("reason", record.reason);
  members.read("rule", record.rule);
  members.read("membership", record.membership);
  members.read("query_id", record.query_id);
  members.read("repeated", record.repeated);
  members.read("admin", record.admin);
  members.read("target", record.target);
  members.read("detail", record.detail);
  members.read("digest", record.digest);
  auto time_us = parse_time(time);
  if (!members.ok() || !time_us || record.seq == 0 || record.event.empty()) return unreadable();
  record.time_us = *time_us;
  record.line = line;
  return record;
}

namespace {

// What can be told from the line as it stands, before its JSON is parsed: where it is in the chain
// and when it was written. Times of one form sort like texts.
class EarlyFilter {
 public:
  explicit EarlyFilter(const Filter& filter) : after_seq_(filter.after_seq) {
    if (filter.from_us) append_time(from_, *filter.from_us);
    if (filter.to_us) append_time(to_, *filter.to_us);
  }
  bool passes(std::string_view text) const {
    constexpr std::string_view kTime = R"("time":")";
    if (after_seq_ == 0 && from_.empty() && to_.empty()) return true;
    auto line = split_line(text);
    if (!line) return true;  // to be called unreadable
    if (line->seq <= after_seq_) return false;
    if (!line->members.starts_with(kTime) || line->members.size() < kTime.size() + kTimeBytes)
      return true;
    std::string_view time = line->members.substr(kTime.size(), kTimeBytes);
    return (from_.empty() || time >= from_) && (to_.empty() || time < to_);
  }

 private:
  static constexpr std::size_t kTimeBytes = 27;
  std::uint64_t after_seq_;
  std::string from_, to_;
};

// Every line that may match, and whether it does.
using Visit = std::function<bool(std::optional<StoredRecord>&&, std::string_view line)>;
Result<void> walk(const std::filesystem::path& directory, const Filter& filter,
                  const Visit& visit) {
  NAE_ASSIGN(std::vector<Segment> segments, list_segments(directory));
  const EarlyFilter early(filter);
  bool go_on = true;
  std::optional<Error> failure;
  for (std::size_t i = 0; i < segments.size() && go_on; ++i) {
    if (i + 1 < segments.size() && segments[i + 1].first_seq <= filter.after_seq + 1) continue;
    const Segment& segment = segments[i];
    NAE_TRY(read_lines(segment.path, [&](const RawLine& raw) {
      if (!raw.ended) return true;  // being written, or torn: verify says which
      std::optional<StoredRecord> match;
      if (early.passes(raw.text)) {
        auto record = parse_record(raw.text);
        if (!record)
          failure = Error(Code::audit_broken, segment.path.filename().string() + " line " +
                                                  std::to_string(raw.number) + ": " +
                                                  record.error().message);
        else if (matches(filter, *record))
          match = std::move(*record);
      }
      go_on = !failure && visit(std::move(match), raw.text);
      return go_on;
    }));
    if (failure) return fail(std::move(*failure));
  }
  return {};
}

}  // namespace

Result<void> scan(const std::filesystem::path& directory, const Filter& filter,
                  const std::function<bool(StoredRecord&&)>& visit) {
  return walk(directory, filter, [&](std::optional<StoredRecord>&& match, std::string_view) {
    return !match || visit(std::move(*match));
  });
}

Result<Page> read_page(const std::filesystem::path& directory, const Filter& filter) {
  Page page;
  std::size_t bytes = 0, scanned = 0;
  NAE_TRY(walk(directory, filter, [&](std::optional<StoredRecord>&& match, std::string_view text) {
    if (match) {
      bytes += match->line.size();
      page.records.push_back(std::move(*match));
    }
    if (page.records.size() < filter.limit && bytes < kMaxPageBytes && ++scanned < kMaxPageScanned)
      return true;
    if (auto line = split_line(text)) page.next = line->seq;
    return !page.next;
  }));
  return page;
}

Result<std::vector<StoredRecord>> query(const std::filesystem::path& directory,
                                        const Filter& filter) {
  std::deque<StoredRecord> newest;
  NAE_TRY(scan(directory, filter, [&](StoredRecord&& record) {
    newest.push_back(std::move(record));
    if (newest.size() > filter.limit) newest.pop_front();
    return true;
  }));
  return std::vector<StoredRecord>(std::make_move_iterator(newest.begin()),
                                   std::make_move_iterator(newest.end()));
}

Result<Newest> newest(const std::filesystem::path& directory, Filter filter) {
  const std::size_t wanted = filter.limit++;
  Newest found;
  NAE_ASSIGN(found.records, query(directory, filter));
  found.truncated = found.records.size() > wanted;
  if (found.truncated) found.records.erase(found.records.begin());
  return found;
}

}  // namespace nae::audit
