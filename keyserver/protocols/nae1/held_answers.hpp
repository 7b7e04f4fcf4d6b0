// Answers of one connection that are held back until their records are in the audit log.
#pragma once

#include <cstdint>
#include <vector>

#include "keyserver/audit/log.hpp"
#include "keyserver/audit/request_records.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::nae1 {

class HeldAnswers {
 public:
  Bytes& replies() { return replies_; }
  audit::RequestRecords& records() { return records_; }
  // A reply to `request_id` was appended and its records were added.
  void held(std::uint64_t request_id) { ids_.push_back(request_id); }

  // Answers with an error, recorded as asked by `context`.
  void refuse(std::uint64_t request_id, const audit::ContextFragment& context, audit::Record record,
              const Error& error);

  // Writes the records with one call and moves the replies to `out`; when they cannot be written,
  // every request is answered by that error instead. Answers how many were refused so.
  std::size_t release(audit::Log& log, Bytes& out);

  // Writes what was counted, of each asker so much as one second may bring; what the log refuses
  // stays.
  void write_counts(audit::Log& log);
  // All of it, at the end of the connection.
  void write_all_counts(audit::Log& log);

 private:
  Bytes replies_;
  audit::RequestRecords records_;
  std::vector<std::uint64_t> ids_;
};

}  // namespace nae::nae1
