#include "keyserver/store/postgresql/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cstring>

namespace nae::store::postgresql {
namespace {

// Of pg_type: these numbers never change.
constexpr Oid kInt8 = 20, kText = 25, kBytea = 17;
constexpr int kAsText = 0, kAsBytes = 1;

// The longest that one host may take to be connected to.
constexpr std::chrono::milliseconds kConnectPatience{5'000};

// How often a call that waits looks whether anybody still waits for it.
constexpr std::chrono::milliseconds kLook{50};

// What every session is set to. synchronous_commit: a change that was acknowledged outlives the
// machine that it was made on. row_security off: a policy that hides rows is an error.
constexpr char kSession[] =
    "SET synchronous_commit = on; SET search_path = nae_store, pg_temp; SET row_security = off;"
    "SET default_transaction_isolation = 'read committed'; SET standard_conforming_strings = on;"
    "SET bytea_output = 'hex'; SET client_min_messages = warning;";

// What a lost key server leaves behind ends by itself: the work, the lock, the session.
std::string session_limits(std::chrono::milliseconds patience, std::chrono::milliseconds idle) {
  const auto set = [](const char* name, std::chrono::milliseconds time) {
    return "SET " + std::string(name) + " = " + std::to_string(time.count()) + ";";
  };
  return set("statement_timeout", patience * 3 / 4) + set("lock_timeout", patience / 2) +
         set("idle_in_transaction_session_timeout", idle) +
         "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = "
         "3;"
         "SET tcp_user_timeout = 10000";
}

std::string first_line(const pg_conn* connection) {
  const std::string message = PQerrorMessage(connection);
  return message.substr(0, message.find('\n'));
}

Code code_of(std::string_view state) {
  if (state == "23503") return Code::not_found;
  if (state.starts_with("23") || state == "P0001") return Code::conflict;
  if (state.starts_with("XX") || state == "42P01" || state == "42703") return Code::store_corrupt;
  if (state.starts_with("22")) return Code::invalid_argument;
  return Code::store_unavailable;
}

// The server's first line alone: details quote values of rows.
Error error_of(const PGresult* answer, std::string_view what) {
  const char* state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  const char* text = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
  return Error(code_of(state != nullptr ? state : ""),
               "store: " + std::string(what) + ": " + (text != nullptr ? text : "no answer"));
}

// ?1 is what SQLite calls the first parameter.
std::string in_own_words(std::string_view sql) {
  std::string own(sql);
  std::ranges::replace(own, '?', '$');
  return own;
}

// Parameters as libpq takes them; `values` live longer.
struct Bound {
  explicit Bound(std::span<const sql::Value> values) {
    numbers.reserve(values.size());
    for (const sql::Value& value : values)
      std::visit([this](const auto& some) { add(some); }, value);
  }
  void add(std::int64_t value) {
    numbers.push_back(std::to_string(value));
    push(kInt8, numbers.back().data(), numbers.back().size(), kAsText);
  }
  void add(std::string_view text) { push(kText, text.data(), text.size(), kAsBytes); }
  void add(ByteView blob) {
    push(kBytea, reinterpret_cast<const char*>(blob.data()), blob.size(), kAsBytes);
  }
  void push(Oid type, const char* data, std::size_t size, int format) {
    types.push_back(type);
    pointers.push_back(data != nullptr ? data : "");  // a null pointer is NULL
    lengths.push_back(static_cast<int>(size));
    formats.push_back(format);
  }
  std::vector<std::string> numbers;
  std::vector<Oid> types;
  std::vector<const char*> pointers;
  std::vector<int> lengths, formats;
};

}  // namespace

void ClearAnswer::operator()(pg_result* answer) const {
  PQclear(answer);
}

Connection::Connection(Target target, std::chrono::milliseconds patience,
                       std::chrono::milliseconds idle)
    : target_(std::move(target)), patience_(patience), idle_(idle) {}

Connection::~Connection() {
  disconnect();
}

void Connection::disconnect() {
  PQfinish(std::exchange(connection_, nullptr));
}

void Connection::take_notice(void* self, const pg_result* notice) {
  const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity != nullptr && std::string_view(severity) == "WARNING")
    static_cast<Connection*>(self)->warned_ = true;
}

tl::unexpected<Error> Connection::lost(std::string_view what, std::string why) {
  if (why.empty() && connection_ != nullptr) why = first_line(connection_);
  disconnect();
  return fail(Code::store_unavailable,
              "store: " + std::string(what) + " at " + target_.text() + ": " +
                  (why.empty() ? "the connection was lost" : why),
              "Is the store's PostgreSQL running, and may this machine and role connect?");
}

// libpq would go to the next host only when one has failed, and one that is dark or frozen does
// not: each has its own time. The one that answered last is asked first.
Result<void> Connection::connect() {
  if (connection_ != nullptr && PQstatus(connection_) == CONNECTION_OK) return {};
  disconnect();
  if (given_up()) return lost("connect", "nobody waits for the store any more");
  const std::size_t hosts = target_.hosts.size();
  const auto each = std::min(patience_ / static_cast<int>(hosts), kConnectPatience);
  std::string why;
  for (std::size_t i = 0; i < hosts; ++i) {
    const std::size_t host = (newest_host_ + i) % hosts;
    const std::string failed = connect_to(host, Clock::now() + each);
    if (failed.empty()) {
      newest_host_ = host;
      return {};
    }
    disconnect();
    why += (why.empty() ? "" : "; ") + (hosts > 1 ? target_.hosts[host] + ": " : "") + failed;
  }
  return lost("connect", why);
}

// PQconnectPoll() waits for nothing: how long is decided here. Answers why it failed; "" when not.
std::string Connection::connect_to(std::size_t host, Clock::time_point until) {
  const Parameters parameters = target_.of_host(host);
  std::vector<const char*> names, values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  connection_ = PQconnectStartParams(names.data(), values.data(), 0);
  if (connection_ == nullptr) return "no memory";
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED || PQstatus(connection_) == CONNECTION_BAD)
      return first_line(connection_);
    if (!wait(until, next == PGRES_POLLING_WRITING)) return "no answer in time";
    next = PQconnectPoll(connection_);
  }
  PQsetNoticeReceiver(connection_, take_notice, this);
  PQsetnonblocking(connection_, 1);
  auto set = run_script(kSession + session_limits(patience_, idle_), until);
  return set ? "" : set.error().message;
}

bool Connection::wait(Clock::time_point until, bool for_writing) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    if (given_up()) return false;
    pollfd socket{PQsocket(connection_), static_cast<short>(for_writing ? POLLOUT : POLLIN), 0};
    const int ready =
        ::poll(&socket, 1, static_cast<int>(std::min<long long>(left, kLook.count())));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// All answers of what was sent; the last one, or the first that is an error.
Result<Answer> Connection::answer(std::string_view what, Clock::time_point until) {
  Answer last;
  while (true) {
    int unsent = PQflush(connection_);
    while (unsent == 0 && PQisBusy(connection_)) {
      // Not cancelled: PQcancel() waits without limit, over a connection without TLS.
      if (!wait(until, false)) return lost(what, "no answer in time");
      if (PQconsumeInput(connection_) == 0) return lost(what);
    }
    if (unsent < 0) return lost(what);
    if (unsent > 0 && !wait(until, true)) return lost(what, "no answer in time");
    if (unsent > 0) continue;
    Answer next(PQgetResult(connection_));
    if (!next) break;
    const ExecStatusType status = PQresultStatus(last.get());
    if (last && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) continue;
    last = std::move(next);
  }
  const ExecStatusType status = PQresultStatus(last.get());
  if (PQstatus(connection_) == CONNECTION_BAD) return lost(what);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return last;
  return fail(error_of(last.get(), what));
}

Result<Answer> Connection::run(std::string_view sql, std::span<const sql::Value> values) {
  if (connection_ == nullptr || given_up()) return lost("execute");
  warned_ = false;
  const Bound bound(values);
  const int sent = PQsendQueryParams(
      connection_, in_own_words(sql).c_str(), static_cast<int>(values.size()), bound.types.data(),
      bound.pointers.data(), bound.lengths.data(), bound.formats.data(), kAsText);
  if (sent == 0) return lost("execute");
  return answer("execute", Clock::now() + patience_);
}

Result<Answer> Connection::run_script(const std::string& sql) {
  return run_script(sql, Clock::now() + patience_);
}

Result<Answer> Connection::run_script(const std::string& sql, Clock::time_point until) {
  if (connection_ == nullptr) return lost("execute");
  warned_ = false;
  if (PQsendQuery(connection_, sql.c_str()) == 0) return lost("execute");
  return answer("execute", until);
}

}  // namespace nae::store::postgresql
