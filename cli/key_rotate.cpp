// nae key rotate
#include <ostream>

#include "cli/key_answer.hpp"
#include "cli/moment.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

struct RotateOptions {
  std::string name, activate_at;
  std::optional<std::uint64_t> if_newest;
};

std::uint64_t newest_of(const json::value& key) {
  std::uint64_t newest = 0;
  for (const json::value& version : items(key, "versions")) {
    const json::value* number =
        version.is_object() ? version.get_object().if_contains("version") : nullptr;
    if (number && number->is_number())
      newest = std::max(newest, number->to_number<std::uint64_t>());
  }
  return newest;
}

// Without the option what is there now is what the caller means.
Outcome<std::uint64_t> expected_newest(Server& server, const RotateOptions& options) {
  if (options.if_newest) return *options.if_newest;
  NAE_ANSWER(const json::value key, server.call("GET", "/v1/keys/" + options.name));
  const std::uint64_t newest = newest_of(key);
  if (newest == 0)
    return tl::unexpected<Failure>(
        Failure(Error(Code::internal, "the server's answer shows no version of the key"), true));
  return newest;
}

// A key must not be rotated twice because an answer was lost: the server is told which version is
// to be the newest until then, and who repeats the request is told what is there.
Outcome<ExitCode> rotate(Call& call, const RotateOptions& options) {
  NAE_ANSWER(const std::string name, checked_name(options.name));
  json::object body;
  std::string again = "nae key rotate " + name;
  if (!options.activate_at.empty()) {
    NAE_ASSIGN(const std::string at, utc_of(options.activate_at));
    body["activate_at"] = at;
    again += " --activate-at " + at;
  }
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(const std::uint64_t newest, expected_newest(*server, options));
  body["if_newest_version"] = newest;
  auto key = server->call("POST", "/v1/keys/" + name + "/rotate", body);
  const std::string hint = "Repeat it as '" + again + " --if-newest " + std::to_string(newest) +
                           "': a version that was made is not made twice.";
  if (!key) {
    Failure failure = std::move(key).error();
    if (!failure.from_server) failure.error.hint = hint;
    return tl::unexpected<Failure>(std::move(failure));
  }
  if (*call.behind) (*call.behind)->hint = hint;
  if (!call.json && shown(*key, "unchanged") == "true")
    call.out << "already rotated to version " << newest_of(*key) << "; nothing was changed\n\n";
  show_key(call, *key);
  return kOk;
}

}  // namespace

void add_key_rotate(CLI::App& key, Action& chosen) {
  auto [leaf, options] = add_leaf<RotateOptions>(
      key, "rotate", "Add a new version; older ones go on decrypting", chosen, rotate);
  leaf->add_option("NAME", options->name, "Name of the key")->required();
  leaf->add_option("--activate-at", options->activate_at,
                   "Pre-active until then, like --activate-at of key create");
  leaf->add_option("--if-newest", options->if_newest,
                   "Only if this is the newest version; repeated, it makes no other one")
      ->check(CLI::Range(1u, 65535u));
  leaf->fallthrough()->footer(
      "New values are encrypted under the new version as soon as it is active. Old values stay\n"
      "readable; move them with nae_rewrap() in SQL.\n\n"
      "Examples:\n"
      "  nae key rotate customer-pii\n"
      "  nae key rotate customer-pii --if-newest 3   # in a script: may be repeated");
}

}  // namespace nae::cli
