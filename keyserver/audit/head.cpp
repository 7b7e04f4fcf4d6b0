#include "keyserver/audit/head.hpp"

#include "keyserver/audit/file.hpp"
#include "keyserver/audit/json_member.hpp"
#include "keyserver/audit/replaced_file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::audit {
namespace {

constexpr std::size_t kMaxHeadBytes = 4096;

// Heads of servers whose store has no ledger are written as ever.
char format_of(const Head& head) {
  return head.store.epoch == 0 ? '1' : '2';
}

constexpr const char* kWayOn =
    "Bring back the whole directory as it was; if that is lost, see 'nae-keyserver "
    "accept-audit-loss'.";

tl::unexpected<Error> malformed_head() {
  return fail(Code::audit_broken, "not a signed head of an audit log");
}

}  // namespace

tl::unexpected<Error> not_signed_head() {
  return fail(Code::audit_broken,
              "audit log: " + std::string(kHeadFile) + " was not signed by this server's audit key",
              kWayOn);
}

std::string segment_head_name(std::uint64_t first_seq) {
  std::string name = segment_name(first_seq);
  name.resize(name.size() - std::string_view("jsonl").size());
  return name + std::string(kHeadFile);
}

Result<bool> is_audit_signature(std::string_view text, ByteView signature,
                                std::string_view public_key_pem) {
  NAE_ASSIGN(crypto::PublicKey key, crypto::PublicKey::from_pem(public_key_pem));
  auto good = key.verify(SignatureScheme::ecdsa_p256_sha256, as_bytes(text), signature);
  if (!good && good.error().code == Code::key_type) return fail(good.error());
  return good && *good;
}

Result<bool> is_signed_by(const Head& head, std::string_view public_key_pem) {
  return is_audit_signature(canonical_bytes(head), head.signature, public_key_pem);
}

std::string canonical_bytes(const Head& head) {
  std::string text = "nae-audit-head/" + std::string(1, format_of(head)) + "\n" +
                     std::to_string(head.point.seq) + "\n" + to_hex(head.point.hash) + "\n" +
                     std::to_string(head.first_seq) + "\n" + to_hex(head.root) + "\n" +
                     std::to_string(head.time_us) + "\n";
  if (head.store.epoch != 0)
    text += std::to_string(head.store.epoch) + "\n" + to_hex(head.store.hash) + "\n";
  return text;
}

std::string to_json(const Head& head) {
  std::string store;
  if (head.store.epoch != 0)
    store = R"("store_epoch":)" + std::to_string(head.store.epoch) + R"(,"store_hash":")" +
            to_hex(head.store.hash) + "\",";
  return R"({"format":)" + std::string(1, format_of(head)) + R"(,"seq":)" +
         std::to_string(head.point.seq) + R"(,"hash":")" + to_hex(head.point.hash) +
         R"(","first_seq":)" + std::to_string(head.first_seq) + R"(,"root":")" + to_hex(head.root) +
         R"(","time_us":)" + std::to_string(head.time_us) + "," + store + R"("signature":")" +
         to_hex(head.signature) + "\"}\n";
}

Result<Head> parse_head(std::string_view json) {
  const auto parsed = object_of(json);
  if (!parsed) return malformed_head();
  const boost::json::object& object = *parsed;
  auto format = number_member(object, "format");
  auto seq = number_member(object, "seq");
  auto first_seq = number_member(object, "first_seq");
  auto root_hash = hash_member(object, "root");
  auto time_us = number_member(object, "time_us");
  auto hash = hash_member(object, "hash");
  auto signature = hex_member(object, "signature");
  if (!format || *format < 1 || *format > 2 || !seq || !first_seq || !time_us || !hash ||
      !root_hash || !signature)
    return malformed_head();
  if (*first_seq < 1 || *first_seq > *seq) return malformed_head();
  Head head;
  head.point.seq = static_cast<std::uint64_t>(*seq);
  head.point.hash = *hash;
  head.first_seq = static_cast<std::uint64_t>(*first_seq);
  head.root = *root_hash;
  head.time_us = *time_us;
  head.signature = std::move(*signature);
  if (*format == 1) return head;
  auto epoch = number_member(object, "store_epoch");
  auto store_hash = hash_member(object, "store_hash");
  if (!epoch || *epoch < 1 || !store_hash) return malformed_head();
  head.store = {static_cast<std::uint64_t>(*epoch), *store_hash};
  return head;
}

Result<std::optional<Head>> read_head_file(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return std::nullopt;
  NAE_ASSIGN(std::string json, read_small_file(file, kMaxHeadBytes));
  auto head = parse_head(json);
  if (!head) return fail(Code::audit_broken, file.string() + " is " + head.error().message, kWayOn);
  return *std::move(head);
}

Result<std::optional<Head>> read_head(const std::filesystem::path& directory) {
  return read_head_file(directory / kHeadFile);
}

Result<void> write_head_file(const std::filesystem::path& path, const Head& head) {
  return replace_file(path, to_json(head));
}

Result<void> write_head(const std::filesystem::path& directory, const Head& head) {
  return write_head_file(directory / kHeadFile, head);
}

}  // namespace nae::audit
