// Connection: libpq behind our own types. No call waits longer than its time: the connection of
// what takes longer is dropped, and the server ends the work by itself. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "keyserver/store/postgresql/target.hpp"
#include "keyserver/store/sql/database.hpp"

struct pg_conn;
struct pg_result;

namespace nae::store::postgresql {

struct ClearAnswer {
  void operator()(pg_result* answer) const;
};
using Answer = std::unique_ptr<pg_result, ClearAnswer>;

class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  // Nothing is connected yet. A call takes `patience` at most, and connecting as long again, each
  // host the same part of it; looking up a name in the DNS comes on top. The server ends a
  // transaction in which nothing is said for `idle`.
  Connection(Target target, std::chrono::milliseconds patience, std::chrono::milliseconds idle);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Connects where it is not. Code::store_unavailable.
  Result<void> connect();
  bool is_connected() const { return connection_ != nullptr; }
  void disconnect();

  // Runs one statement, parameters as $1 or ?1. Codes as of sql::Database; a lost connection is
  // gone when this returns.
  Result<Answer> run(std::string_view sql, std::span<const sql::Value> values);
  // Several statements without parameters; the answer is the last one's.
  Result<Answer> run_script(const std::string& sql);
  // Whether the last run() came with a warning: a commit that other machines may not have has one.
  bool warned() const { return warned_; }

 private:
  Result<Answer> run_script(const std::string& sql, Clock::time_point until);
  Result<Answer> answer(std::string_view what, Clock::time_point until);
  bool wait(Clock::time_point until, bool for_writing);
  std::string connect_to(std::size_t host, Clock::time_point until);
  tl::unexpected<Error> lost(std::string_view what, std::string why = {});
  bool given_up() const { return target_.given_up && *target_.given_up; }
  static void take_notice(void* self, const pg_result* notice);

  Target target_;
  const std::chrono::milliseconds patience_, idle_;
  std::size_t newest_host_ = 0;  // that was connected to, of target_.hosts
  pg_conn* connection_ = nullptr;
  bool warned_ = false;
};

}  // namespace nae::store::postgresql
