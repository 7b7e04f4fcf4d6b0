#include "keyserver/audit/head.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>

#include "keyserver/audit/file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::audit {
namespace {

constexpr std::size_t kMaxHeadBytes = 4096;

tl::unexpected<Error> malformed() {
  return fail(Code::audit_broken, "not a signed head of an audit log");
}

const boost::json::value* member(const boost::json::object& object, std::string_view name) {
  return object.if_contains(boost::json::string_view(name.data(), name.size()));
}

std::optional<std::int64_t> number_member(const boost::json::object& object,
                                          std::string_view name) {
  const boost::json::value* value = member(object, name);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return value->get_int64();
}

std::optional<Bytes> hex_member(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = member(object, name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  auto bytes = from_hex({value->get_string().data(), value->get_string().size()});
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

std::optional<Hash> hash_member(const boost::json::object& object, std::string_view name) {
  auto bytes = hex_member(object, name);
  if (!bytes || bytes->size() != kHashBytes) return std::nullopt;
  Hash hash;
  std::ranges::copy(*bytes, hash.begin());
  return hash;
}

}  // namespace

std::string segment_head_name(std::uint64_t first_seq) {
  std::string name = segment_name(first_seq);
  name.resize(name.size() - std::string_view("jsonl").size());
  return name + std::string(kHeadFile);
}

Result<bool> is_signed_by(const Head& head, std::string_view public_key_pem) {
  NAE_ASSIGN(crypto::PublicKey key, crypto::PublicKey::from_pem(public_key_pem));
  auto good = key.verify(SignatureScheme::ecdsa_p256_sha256, as_bytes(canonical_bytes(head)),
                         head.signature);
  if (!good && good.error().code == Code::key_type) return fail(good.error());
  return good && *good;
}

std::string canonical_bytes(const Head& head) {
  return "nae-audit-head/1\n" + std::to_string(head.point.seq) + "\n" + to_hex(head.point.hash) +
         "\n" + std::to_string(head.first_seq) + "\n" + to_hex(head.root) + "\n" +
         std::to_string(head.time_us) + "\n";
}

std::string to_json(const Head& head) {
  return R"({"format":1,"seq":)" + std::to_string(head.point.seq) + R"(,"hash":")" +
         to_hex(head.point.hash) + R"(","first_seq":)" + std::to_string(head.first_seq) +
         R"(,"root":")" + to_hex(head.root) + R"(","time_us":)" + std::to_string(head.time_us) +
         R"(,"signature":")" + to_hex(head.signature) + "\"}\n";
}

Result<Head> parse_head(std::string_view json) {
  boost::system::error_code error;
  boost::json::value root =
      boost::json::parse(boost::json::string_view(json.data(), json.size()), error);
  if (error || !root.is_object()) return malformed();
  const boost::json::object& object = root.get_object();
  auto format = number_member(object, "format");
  auto seq = number_member(object, "seq");
  auto first_seq = number_member(object, "first_seq");
  auto root_hash = hash_member(object, "root");
  auto time_us = number_member(object, "time_us");
  auto hash = hash_member(object, "hash");
  auto signature = hex_member(object, "signature");
  if (!format || *format != 1 || !seq || !first_seq || !time_us || !hash || !root_hash ||
      !signature)
    return malformed();
  if (*first_seq < 1 || *first_seq > *seq) return malformed();
  Head head;
  head.point.seq = static_cast<std::uint64_t>(*seq);
  head.point.hash = *hash;
  head.first_seq = static_cast<std::uint64_t>(*first_seq);
  head.root = *root_hash;
  head.time_us = *time_us;
  head.signature = std::move(*signature);
  return head;
}

Result<std::optional<Head>> read_head_file(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return std::nullopt;
  NAE_ASSIGN(std::string json, read_small_file(file, kMaxHeadBytes));
  NAE_ASSIGN(Head head, parse_head(json));
  return head;
}

Result<std::optional<Head>> read_head(const std::filesystem::path& directory) {
  return read_head_file(directory / kHeadFile);
}

Result<void> write_head_file(const std::filesystem::path& path, const Head& head) {
  std::filesystem::path beside = path.string() + ".new";
  {
    NAE_ASSIGN(SharedFile file, open_file(beside, O_CREAT | O_TRUNC | O_WRONLY));
    NAE_TRY(write_all(*file, to_json(head), beside));
    NAE_TRY(sync_data(*file, beside));
  }
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  if (error) return system_failure("replace", path, error.value());
  return sync_directory(path.parent_path());
}

Result<void> write_head(const std::filesystem::path& directory, const Head& head) {
  return write_head_file(directory / kHeadFile, head);
}

}  // namespace nae::audit
