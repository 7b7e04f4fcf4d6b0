// Ships an audit log into PostgreSQL, beside the key server and as its reader alone: every record
// is verified up to a signed head before its transaction commits, and the position commits with it,
// so that each record arrives exactly once whoever is killed meanwhile.
#pragma once

#include <filesystem>
#include <string>

#include "cli/sink/database.hpp"
#include "keyserver/audit/chain_reader.hpp"

namespace nae::sink {

struct Options {
  std::filesystem::path directory;
  std::string public_key_pem;
  std::string conninfo;
  std::string source;  // the log's name in the database
};

class Sink {
 public:
  explicit Sink(const Options& options) : options_(options) {}

  // Makes schema and tables where they are missing.
  Result<void> create();

  // Ships what signed heads cover; answers how many records. Code::audit_broken when something does
  // not verify: nothing of it was shipped, and a person must look. Code::server_unavailable when
  // PostgreSQL is away: to be called again.
  Result<std::uint64_t> ship();

 private:
  Result<void> connect();
  Result<std::uint64_t> ship_to(const audit::Head& head);
  Result<void> copy_records(const audit::Head& head);
  void disconnect();
  Result<audit::ChainPoint> beginning() const;

  const Options& options_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<audit::ChainReader> reader_;
};

}  // namespace nae::sink
