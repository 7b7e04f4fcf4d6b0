#include "keyserver/admin/starting_service.hpp"

#include "keyserver/admin/api/json.hpp"

namespace nae::admin {
namespace {

namespace json = boost::json;

constexpr StartPart kParts[] = {StartPart::store, StartPart::hsm, StartPart::audit};
constexpr std::uint32_t kRetryAfterS = 1;

json::object state_of(StartPart part, const StartFailure& failure) {
  if (part < failure.part) return {{"ok", true}, {"problem", ""}};
  return {{"ok", false},
          {"problem", part == failure.part ? failure.error.message : "it is not opened yet"}};
}

http::HttpResponse readiness(const StartFailure& failure) {
  json::object body;
  for (StartPart part : kParts) body[name(part)] = state_of(part, failure);
  if (failure.part == StartPart::group) body[name(failure.part)] = state_of(failure.part, failure);
  body["ready"] = false;
  http::HttpResponse response;
  response.status = 503;
  response.body = json::serialize(body);
  return response;
}

}  // namespace

std::string_view name(StartPart part) {
  switch (part) {
    case StartPart::store:
      return "store";
    case StartPart::hsm:
      return "hsm";
    case StartPart::audit:
      return "audit";
    case StartPart::group:
      break;
  }
  return "group";
}

void StartingService::set(StartFailure failure) {
  std::lock_guard lock(mutex_);
  failure_ = std::move(failure);
}

StartFailure StartingService::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

void StartingService::dispatch(http::HttpRequest request, http::Peer, Answer answer) {
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  if (path == "/healthz" && request.method == "GET")
    return answer({200, "text/plain; charset=utf-8", "ok\n", ""});
  StartFailure now = failure();
  http::HttpResponse response;
  if (path == "/readyz" && request.method == "GET") {
    response = readiness(now);
  } else {
    now.error.message = "the key server waits to start: " + now.error.message;
    response = http::problem(now.error, 503);
  }
  response.retry_after_s = kRetryAfterS;
  answer(std::move(response));
}

}  // namespace nae::admin
