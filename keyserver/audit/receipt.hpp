// A receipt: one record and what proves it, without the log: its place in the hash tree of its
// segment and the head that signs that tree. It shows no other record. docs/spec/audit.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "keyserver/audit/head.hpp"

namespace nae::audit {

inline constexpr std::size_t kMaxReceiptBytes = 256u << 10;

struct Receipt {
  std::string line;  // of the record, without its newline
  Hash previous{};   // the hash of the record before
  std::vector<Hash> path;
  Head head;
};

// Code::not_found when no segment here holds the record, Code::conflict when no head signs it yet,
// Code::audit_broken when the segment does not give what its head signs.
Result<Receipt> make_receipt(const std::filesystem::path& directory, std::uint64_t seq);

std::string to_json(const Receipt& receipt);
Result<Receipt> parse_receipt(std::string_view json);  // Code::audit_broken

// Code::audit_broken, saying what does not fit. A PEM that holds no such key: Code::key_type,
// Code::invalid_argument.
Result<void> verify_receipt(const Receipt& receipt, std::string_view public_key_pem);

}  // namespace nae::audit
