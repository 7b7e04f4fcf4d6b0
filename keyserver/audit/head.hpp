// head.json: the newest signed point of the chain. Without it a cut tail would not show.
#pragma once

#include <filesystem>
#include <optional>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {

inline constexpr std::string_view kHeadFile = "head.json";
inline constexpr std::string_view kPublicKeyFile = "audit-public.pem";

struct Head {
  ChainPoint point;
  std::int64_t time_us = 0;
  Bytes signature;  // DER, over canonical_bytes()
};

// What is signed: "nae-audit-head/1\n<seq>\n<hash hex>\n<time in microseconds>\n".
std::string canonical_bytes(const Head& head);

std::string to_json(const Head& head);
Result<Head> parse_head(std::string_view json);  // Code::audit_broken

// Nothing when the file does not exist.
Result<std::optional<Head>> read_head(const std::filesystem::path& directory);
// Replaces the file atomically and durably.
Result<void> write_head(const std::filesystem::path& directory, const Head& head);

}  // namespace nae::audit
