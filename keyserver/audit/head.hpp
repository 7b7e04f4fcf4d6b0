// Signed points of the chain: head.json, the newest, without which a cut tail would not show, and
// one beside each closed segment, which proves that segment's end without the ones after it.
#pragma once

#include <filesystem>
#include <optional>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {

inline constexpr std::string_view kHeadFile = "head.json";
inline constexpr std::string_view kPublicKeyFile = "audit-public.pem";

struct Head {
  ChainPoint point;
  std::uint64_t first_seq = 0;  // of the segment that holds the point
  Hash root{};                  // of the tree over that segment's records up to the point
  std::int64_t time_us = 0;
  Bytes signature;     // DER, over canonical_bytes()
  StorePoint store{};  // format 2: what the server's store had come to; epoch 0: format 1
};

// What is signed: "nae-audit-head/1\n<seq>\n<hash>\n<first seq>\n<root>\n<time in microseconds>\n",
// and in format 2 with a 2 for the 1, "<epoch>\n<hash>\n" of the store's ledger behind it.
std::string canonical_bytes(const Head& head);

std::string to_json(const Head& head);
Result<Head> parse_head(std::string_view json);  // Code::audit_broken

std::string segment_head_name(std::uint64_t first_seq);  // "audit-000000000001.head.json"

// Whether the audit key signed these bytes. A failure: the PEM holds no key that could.
Result<bool> is_audit_signature(std::string_view text, ByteView signature,
                                std::string_view public_key_pem);
// False when the key did not sign this head. A failure: the PEM holds no key that could.
Result<bool> is_signed_by(const Head& head, std::string_view public_key_pem);

// Code::audit_broken, for a head.json that is_signed_by() does not know.
tl::unexpected<Error> not_signed_head();

// Nothing when the file does not exist.
Result<std::optional<Head>> read_head_file(const std::filesystem::path& file);
Result<std::optional<Head>> read_head(const std::filesystem::path& directory);
// Replaces the file atomically and durably.
Result<void> write_head_file(const std::filesystem::path& file, const Head& head);
Result<void> write_head(const std::filesystem::path& directory, const Head& head);

}  // namespace nae::audit
