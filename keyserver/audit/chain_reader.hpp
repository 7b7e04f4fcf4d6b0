// Reads a log onwards from a record that is known, for a reader beside the server: every line is
// verified, and what was read counts only when it reaches a signed head.
#pragma once

#include <filesystem>
#include <functional>

#include "keyserver/audit/head.hpp"

namespace nae::audit {

class ChainReader {
 public:
  // Goes on after `from`; {} begins with record 1.
  ChainReader(std::filesystem::path directory, const ChainPoint& from)
      : directory_(std::move(directory)), point_(from) {}

  // The heads after the reader's point, oldest first: of closed segments, then the newest. Each is
  // signed by the key, else Code::audit_broken; so is a newest head that lies before the point.
  Result<std::vector<Head>> heads(std::string_view public_key_pem) const;

  // Visits the lines after the point up to the head's record. Code::audit_broken when one of them
  // does not continue the chain, or the last is not the one that the head signs: then nothing that
  // was visited is to be believed, and the reader is to be made anew. A failure that `visit`
  // answers is answered.
  Result<void> read_to(
      const Head& head,
      const std::function<Result<void>(std::string_view line, const Hash&)>& visit);

  const ChainPoint& point() const { return point_; }

 private:
  std::filesystem::path directory_;
  ChainPoint point_;
  std::uint64_t segment_ = 0;  // where the point lies; 0: not known
  std::uint64_t offset_ = 0;   // behind its line
};

}  // namespace nae::audit
