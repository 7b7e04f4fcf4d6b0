#include "keyserver/audit/head.hpp"

#include <fcntl.h>

#include <boost/json.hpp>
#include <cerrno>

#include "keyserver/audit/file.hpp"
#include "libnae/base/text.hpp"

namespace nae::audit {
namespace {

constexpr std::size_t kMaxHeadBytes = 4096;

tl::unexpected<Error> malformed() {
  return fail(Code::audit_broken, "head.json is not a signed head of an audit log");
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

}  // namespace

std::string canonical_bytes(const Head& head) {
  return "nae-audit-head/1\n" + std::to_string(head.point.seq) + "\n" + to_hex(head.point.hash) +
         "\n" + std::to_string(head.time_us) + "\n";
}

std::string to_json(const Head& head) {
  return R"({"format":1,"seq":)" + std::to_string(head.point.seq) + R"(,"hash":")" +
         to_hex(head.point.hash) + R"(","time_us":)" + std::to_string(head.time_us) +
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
  auto time_us = number_member(object, "time_us");
  auto hash = hex_member(object, "hash");
  auto signature = hex_member(object, "signature");
  if (!format || *format != 1 || !seq || !time_us || !hash || hash->size() != kHashBytes ||
      !signature)
    return malformed();
  Head head;
  head.point.seq = static_cast<std::uint64_t>(*seq);
  std::copy(hash->begin(), hash->end(), head.point.hash.begin());
  head.time_us = *time_us;
  head.signature = std::move(*signature);
  return head;
}

Result<std::optional<Head>> read_head(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory / kHeadFile, error) && !error) return std::nullopt;
  NAE_ASSIGN(std::string json, read_small_file(directory / kHeadFile, kMaxHeadBytes));
  NAE_ASSIGN(Head head, parse_head(json));
  return head;
}

Result<void> write_head(const std::filesystem::path& directory, const Head& head) {
  std::filesystem::path beside = directory / (std::string(kHeadFile) + ".new");
  {
    NAE_ASSIGN(SharedFile file, open_file(beside, O_CREAT | O_TRUNC | O_WRONLY));
    NAE_TRY(write_all(*file, to_json(head), beside));
    NAE_TRY(sync_data(*file, beside));
  }
  std::error_code error;
  std::filesystem::rename(beside, directory / kHeadFile, error);
  if (error) return system_failure("replace", directory / kHeadFile, error.value());
  return sync_directory(directory);
}

}  // namespace nae::audit
