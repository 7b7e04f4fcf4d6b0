// Database: one connection to the PostgreSQL that records are shipped to. The only wall to libpq.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"

struct pg_conn;

namespace nae::sink {

// Code::server_unavailable when the connection is or gets lost: what was not committed is undone.
// Code::conflict for what the server itself refuses, with its message.
class Database {
 public:
  // `conninfo`: "host=... dbname=..." or a URL; passwords belong in a service or pass file.
  static Result<std::unique_ptr<Database>> open(const std::string& conninfo);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<void> run(const char* sql);
  // With $1, $2, ...; the rows as texts, "" for null.
  using Row = std::vector<std::string>;
  Result<std::vector<Row>> query(const char* sql, const std::vector<std::string>& values = {});

  // COPY ... FROM STDIN in text format: begin_copy(), copy() as often as needed, end_copy().
  Result<void> begin_copy(const char* sql);
  Result<void> copy(std::string_view rows);
  Result<void> end_copy();

 private:
  explicit Database(pg_conn* connection) : connection_(connection) {}
  tl::unexpected<Error> failure(std::string_view what) const;
  pg_conn* connection_;
};

// Appends one column of a COPY row, without its separator.
void append_copy_text(std::string& out, std::string_view text);

}  // namespace nae::sink
