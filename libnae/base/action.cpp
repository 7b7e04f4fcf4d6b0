#include "libnae/base/action.hpp"

namespace nae {
namespace {

struct Row {
  Action action;
  std::string_view name;
};
constexpr Row kRows[] = {
    {Action::encrypt, "encrypt"},   {Action::decrypt, "decrypt"},
    {Action::sign, "sign"},         {Action::verify, "verify"},
    {Action::mac, "mac"},           {Action::mac_verify, "mac-verify"},
    {Action::hash, "hash"},         {Action::random, "random"},
    {Action::wrap, "wrap"},         {Action::unwrap, "unwrap"},
    {Action::rewrap, "rewrap"},     {Action::derive, "derive"},
    {Action::export_key, "export"}, {Action::manage, "manage"},
    {Action::search, "search"},
};

}  // namespace

std::string_view name(Action action) {
  for (const Row& r : kRows)
    if (r.action == action) return r.name;
  return "unknown";
}

std::optional<Action> action_from_name(std::string_view text) {
  for (const Row& r : kRows)
    if (r.name == text) return r.action;
  return std::nullopt;
}

std::optional<Action> action_from_wire(std::uint8_t number) {
  for (const Row& r : kRows)
    if (static_cast<std::uint8_t>(r.action) == number) return r.action;
  return std::nullopt;
}

}  // namespace nae
