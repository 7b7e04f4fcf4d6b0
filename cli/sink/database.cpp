#include "cli/sink/database.hpp"

#include <libpq-fe.h>

namespace nae::sink {
namespace {

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Clear>;

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& conninfo) {
  const char* const names[] = {"dbname", "client_encoding", "fallback_application_name",
                               "connect_timeout", nullptr};
  const char* const values[] = {conninfo.c_str(), "UTF8", "nae audit sink", "10", nullptr};
  std::unique_ptr<Database> database(new Database(PQconnectdbParams(names, values, 1)));
  if (PQstatus(database->connection_) != CONNECTION_OK) return database->failure("connect");
  return database;
}

Database::~Database() {
  PQfinish(connection_);
}

tl::unexpected<Error> Database::failure(std::string_view what) const {
  std::string message = PQerrorMessage(connection_);
  while (!message.empty() && message.back() == '\n') message.pop_back();
  const bool lost = PQstatus(connection_) != CONNECTION_OK;
  return fail(lost ? Code::server_unavailable : Code::conflict,
              "PostgreSQL: cannot " + std::string(what) + ": " + message,
              lost ? "check --database and that PostgreSQL runs; nothing is lost or doubled"
                   : "check that --create was run once, and the rights of this role");
}

Result<void> Database::run(const char* sql) {
  Answer answer(PQexec(connection_, sql));
  if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK &&
      PQresultStatus(answer.get()) != PGRES_TUPLES_OK)
    return failure("run a command");
  return {};
}

Result<std::vector<Database::Row>> Database::query(const char* sql,
                                                   const std::vector<std::string>& values) {
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const std::string& value : values) pointers.push_back(value.c_str());
  Answer answer(PQexecParams(connection_, sql, static_cast<int>(pointers.size()), nullptr,
                             pointers.data(), nullptr, nullptr, 0));
  const ExecStatusType status = PQresultStatus(answer.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return failure("run a query");
  std::vector<Row> rows;
  for (int r = 0; r < PQntuples(answer.get()); ++r) {
    Row& row = rows.emplace_back();
    for (int c = 0; c < PQnfields(answer.get()); ++c)
      row.emplace_back(PQgetvalue(answer.get(), r, c));
  }
  return rows;
}

Result<void> Database::begin_copy(const char* sql) {
  Answer answer(PQexec(connection_, sql));
  if (PQresultStatus(answer.get()) != PGRES_COPY_IN) return failure("copy");
  return {};
}

Result<void> Database::copy(std::string_view rows) {
  if (PQputCopyData(connection_, rows.data(), static_cast<int>(rows.size())) != 1)
    return failure("copy");
  return {};
}

Result<void> Database::end_copy() {
  if (PQputCopyEnd(connection_, nullptr) != 1) return failure("copy");
  Result<void> outcome;
  while (Answer answer{PQgetResult(connection_)})
    if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK && outcome) outcome = failure("copy");
  return outcome;
}

// PostgreSQL's text holds everything but U+0000, which a record may have escaped.
void append_copy_text(std::string& out, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace nae::sink
