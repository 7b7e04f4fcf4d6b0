// POST /v1/audit/compare: this log against what the logs of other key servers say of it.
#include "keyserver/admin/route.hpp"
#include "keyserver/audit/witness.hpp"
#include "libnae/base/text.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kMostCompared = 1'000;

Result<std::vector<audit::ChainPoint>> points_of(const AdminCall& call) {
  NAE_ASSIGN(const json::object body, call.body());
  const json::value* records = body.if_contains("records");
  if (records == nullptr || !records->is_array() || body.size() != 1)
    return fail(Code::invalid_argument, "the field \"records\" must be an array, and the only one");
  if (records->get_array().size() > kMostCompared)
    return fail(Code::invalid_argument,
                "at most " + std::to_string(kMostCompared) + " records are compared at once");
  std::vector<audit::ChainPoint> points;
  for (const json::value& record : records->get_array()) {
    if (!record.is_object())
      return fail(Code::invalid_argument, "a record must be an object of \"seq\" and \"hash\"");
    api::Fields fields(record.get_object());
    NAE_ASSIGN(const auto seq, fields.optional_integer("seq", 1, INT64_MAX));
    NAE_ASSIGN(const std::string hex, fields.text("hash"));
    NAE_TRY(fields.complete());
    const auto hash = from_hex(hex);
    if (!seq || !hash || hash->size() != audit::kHashBytes)
      return fail(Code::invalid_argument, "a record has a \"seq\" and a \"hash\" of 64 digits");
    audit::ChainPoint& point = points.emplace_back();
    point.seq = static_cast<std::uint64_t>(*seq);
    std::ranges::copy(*hash, point.hash.begin());
  }
  return points;
}

}  // namespace

Result<Reply> compare_audit(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(std::vector<audit::ChainPoint> points, points_of(call));
  const std::size_t asked = points.size();
  NAE_ASSIGN(const audit::Compared found,
             audit::compare(call.parts.audit.directory, std::move(points)));
  json::array others;
  for (const audit::ChainPoint& other : found.others)
    others.push_back(json::object{{"seq", other.seq}, {"hash", to_hex(other.hash)}});
  call.audit_detail = std::to_string(asked) +
                      " records; absent: " + std::to_string(found.absent.size()) +
                      ", other: " + std::to_string(found.others.size());
  return Reply{{{"archived", found.archived},
                {"absent", json::array(found.absent.begin(), found.absent.end())},
                {"others", std::move(others)}}};
}

}  // namespace nae::admin
