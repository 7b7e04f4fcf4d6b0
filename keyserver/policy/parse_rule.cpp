// [[rule]]: its fields, and what they may not say together.
#include "keyserver/policy/fields.hpp"
#include "libnae/base/served.hpp"

namespace nae::policy {
namespace {

PatternSyntax syntax_of(const Document& document) {
  return document.version == 1 ? PatternSyntax::version_1 : PatternSyntax::version_2;
}

// A reason that knows no line yet.
tl::unexpected<Error> refuse(std::uint32_t line, const Error& error) {
  return policy::refuse(line, error.message);
}

// A condition over no key would hold for all that use none.
Result<void> read_key_origins(const toml::table& table, Rule& rule) {
  NAE_ASSIGN(std::vector<Entry> origins, list_field(table, "key_origins"));
  for (const Entry& entry : origins) {
    if (std::ranges::find(kKeyOrigins, entry.text) == std::end(kKeyOrigins))
      return policy::refuse(entry.line, "an origin is \"generated\", \"imported\" or \"unknown\"");
    if (rule.keys.empty())
      return policy::refuse(entry.line, "\"key_origins\" has no meaning for hash and random");
  }
  rule.key_origins = texts(std::move(origins));
  return {};
}

Result<void> read_actions(const toml::table& table, PatternSyntax syntax, Rule& rule,
                          Written written) {
  NAE_ASSIGN(std::vector<Entry> keys, name_patterns(table, "keys", syntax));
  rule.keys = texts(std::move(keys));
  NAE_ASSIGN(std::vector<Entry> actions, list_field(table, "actions"));
  if (actions.empty()) return policy::refuse(rule.line, "field \"actions\" is missing");
  bool some_use_a_key = false;
  for (const Entry& entry : actions) {
    auto action = action_from_name(entry.text);
    if (!action) return policy::refuse(entry.line, "unknown action " + quoted(entry.text));
    if (!is_served(*action) && written == Written::now)
      return policy::refuse(entry.line,
                            "no key server does " + quoted(entry.text) + ": it cannot be granted");
    rule.actions.insert(*action);
    some_use_a_key = some_use_a_key || uses_key(*action);
  }
  if (some_use_a_key && rule.keys.empty())
    return policy::refuse(rule.line, "field \"keys\" is missing; a pattern can mean every key");
  if (!some_use_a_key && !rule.keys.empty())
    return policy::refuse(rule.line, "\"keys\" has no meaning for hash and random");
  return {};
}

Result<std::vector<Network>> networks_field(const toml::table& table, std::string_view field) {
  std::vector<Network> networks;
  NAE_ASSIGN(std::vector<Entry> entries, list_field(table, field));
  for (const Entry& entry : entries) {
    auto network = parse_network(entry.text);
    if (!network) return refuse(entry.line, network.error());
    networks.push_back(*network);
  }
  return networks;
}

Result<void> read_delegation(const toml::table& table, Rule& rule) {
  NAE_ASSIGN(rule.delegation, boolean_field(table, "delegation"));
  // It would read as "may be delegated" and demand that it is.
  if (rule.delegation.value_or(false) && rule.result != Verdict::deny)
    return policy::refuse(line_of(*table.get("delegation")),
                          "an allowing rule has \"delegation = false\" or no \"delegation\"; left "
                          "out it allows delegated roles");
  return {};
}

Result<void> read_result(const toml::table& table, Rule& rule) {
  NAE_ASSIGN(std::string text, text_field(table, "result"));
  std::uint32_t line = line_of(*table.get("result"));
  if (text.starts_with("mask")) {
    auto mask = parse_mask(text);
    if (!mask) return refuse(line, mask.error());
    rule.result = Verdict::masked;
    rule.mask = *std::move(mask);
  } else {
    constexpr Verdict kWritten[] = {Verdict::value, Verdict::null, Verdict::ciphertext,
                                    Verdict::deny};
    const auto* found = std::ranges::find(kWritten, text, [](Verdict v) { return name(v); });
    if (found == std::end(kWritten))
      return policy::refuse(line,
                            "result is \"value\", \"mask(...)\", \"null\", \"ciphertext\" or "
                            "\"deny\"");
    rule.result = *found;
  }
  ActionSet reads;
  reads.insert(Action::decrypt);
  if (rule.result != Verdict::value && rule.result != Verdict::deny && rule.actions != reads)
    return policy::refuse(line,
                          "only reading has results other than \"value\" and \"deny\": such "
                          "a rule has actions = [\"decrypt\"]");
  return {};
}

Result<void> read_limits(const toml::table& table, Rule& rule) {
  NAE_ASSIGN(std::vector<Entry> entries, list_field(table, "limits"));
  for (const Entry& entry : entries) {
    if (rule.result == Verdict::deny)
      return policy::refuse(entry.line, "a denying rule has nothing to limit");
    auto limit = parse_limit(entry.text);
    if (!limit) return refuse(entry.line, limit.error());
    for (const Limit& other : rule.limits)
      if (other.window_seconds == limit->window_seconds && other.per == limit->per)
        return policy::refuse(entry.line, quoted(entry.text) + " stands beside " +
                                              quoted(to_text(other)) +
                                              ": one limit for each span of time");
    rule.limits.push_back(*limit);
  }
  return {};
}

Result<void> read_claims(const toml::table& table, UserCondition& user) {
  const toml::node* node = table.get("claims");
  if (node == nullptr) return {};
  const toml::table* claims = node->as_table();
  if (claims == nullptr)
    return policy::refuse(line_of(*node), "write claims = { department = [\"hr\"] }");
  if (claims->empty() || claims->size() > kMaxListEntries)
    return policy::refuse(line_of(*node),
                          "\"claims\" has 1 to " + std::to_string(kMaxListEntries) + " entries");
  for (const auto& [key, values] : *claims) {
    std::string claim(key.str());
    std::uint32_t line = key.source().begin.line;
    if (claim.empty() || claim.size() > kMaxPatternBytes || has_control_characters(claim))
      return policy::refuse(line, "a claim's name has 1 to " + std::to_string(kMaxPatternBytes) +
                                      " bytes and no control characters");
    NAE_ASSIGN(std::vector<Entry> entries, list_field(*claims, claim));
    for (const Entry& entry : entries)
      if (entry.text.size() > kMaxIssuerTextBytes)
        return policy::refuse(
            entry.line, "a claim has at most " + std::to_string(kMaxIssuerTextBytes) + " bytes");
    user.claims[claim] = texts(std::move(entries));
  }
  return {};
}

Result<void> read_user(const toml::table& table, const Document& document, Rule& rule) {
  UserCondition& user = rule.user;
  const PatternSyntax syntax = syntax_of(document);
  NAE_ASSIGN(user.users, free_patterns(table, "users", syntax));
  NAE_ASSIGN(user.issuers, declared_patterns(table, "issuers", document.issuers, "issuer", syntax));
  NAE_TRY(read_claims(table, user));
  if (user.empty()) return {};
  if (document.issuers.empty())
    return policy::refuse(rule.line, "rule " + quoted(rule.name) +
                                         " asks for a proven user, but no [[issuer]] is declared");
  // What one issuer calls "alice" another may give to somebody else.
  if (document.issuers.size() > 1 && user.issuers.empty() && rule.result != Verdict::deny)
    return policy::refuse(rule.line, "rule " + quoted(rule.name) +
                                         " names users or claims of several issuers; say which by "
                                         "\"issuers\"");
  return {};
}

Result<std::optional<Weekly>> read_weekly(const toml::table& table, std::uint32_t rule_line) {
  NAE_ASSIGN(std::vector<Entry> weekdays, list_field(table, "weekdays"));
  NAE_ASSIGN(std::vector<Entry> hours, list_field(table, "hours"));
  bool names_hours = !weekdays.empty() || !hours.empty();
  if (!names_hours && table.contains("time_zone"))
    return policy::refuse(line_of(*table.get("time_zone")),
                          "\"time_zone\" has no meaning without \"weekdays\" or \"hours\"");
  if (!names_hours) return std::nullopt;
  if (!table.contains("time_zone"))
    return policy::refuse(rule_line, "\"weekdays\" and \"hours\" need a \"time_zone\"");
  NAE_ASSIGN(std::string zone_name, text_field(table, "time_zone"));
  auto zone = TimeZone::find(zone_name);
  if (!zone) return refuse(line_of(*table.get("time_zone")), zone.error());

  std::string text;
  std::vector<unsigned> days;
  for (const Entry& entry : weekdays) {
    auto day = parse_weekday(entry.text);
    if (!day) return refuse(entry.line, day.error());
    days.push_back(*day);
    text += entry.text + " ";
  }
  std::vector<Hours> spans;
  for (const Entry& entry : hours) {
    auto span = parse_hours(entry.text);
    if (!span) return refuse(entry.line, span.error());
    spans.push_back(*span);
    text += entry.text + " ";
  }
  Week week(days, spans);
  if (week.always()) return std::nullopt;
  return Weekly{std::move(week), *zone, text + zone_name};
}

Result<void> read_schedule(const toml::table& table, Rule& rule) {
  Schedule& schedule = rule.schedule;
  NAE_ASSIGN(schedule.weekly, read_weekly(table, rule.line));
  NAE_ASSIGN(schedule.not_before_us, time_field(table, "not_before"));
  NAE_ASSIGN(schedule.not_after_us, time_field(table, "not_after"));
  if (schedule.not_before_us && schedule.not_after_us &&
      *schedule.not_before_us > *schedule.not_after_us)
    return policy::refuse(line_of(*table.get("not_after")),
                          "\"not_after\" is before \"not_before\": the rule can never apply");
  if (!schedule.can_hold())
    return policy::refuse(line_of(*table.get("not_after")),
                          "none of the rule's hours lie between \"not_before\" and \"not_after\": "
                          "the rule can never apply");
  return {};
}

}  // namespace

Result<Rule> read_rule(const toml::table& table, const Document& document, Written written) {
  NAE_TRY(only_fields(
      table, "[[rule]]",
      {"name",     "description", "roles",           "databases", "devices",    "programs",
       "keys",     "key_origins", "users",           "issuers",   "claims",     "weekdays",
       "hours",    "time_zone",   "actions",         "limits",    "not_before", "not_after",
       "networks", "delegation",  "client_networks", "result"}));
  Rule rule;
  rule.line = line_of(table);
  NAE_ASSIGN(rule.name, name_field(table));
  NAE_TRY(description_field(table));
  const PatternSyntax syntax = syntax_of(document);
  NAE_ASSIGN(rule.roles, free_patterns(table, "roles", syntax));
  if (rule.roles.empty()) return policy::refuse(rule.line, "field \"roles\" is missing");
  NAE_ASSIGN(rule.databases, free_patterns(table, "databases", syntax));
  NAE_ASSIGN(rule.devices, declared_patterns(table, "devices", document.devices, "device", syntax));
  NAE_ASSIGN(rule.programs,
             declared_patterns(table, "programs", document.programs, "program", syntax));
  NAE_TRY(read_actions(table, syntax, rule, written));
  NAE_TRY(read_key_origins(table, rule));
  NAE_TRY(read_result(table, rule));
  NAE_ASSIGN(rule.networks, networks_field(table, "networks"));
  NAE_ASSIGN(rule.client_networks, networks_field(table, "client_networks"));
  NAE_TRY(read_delegation(table, rule));
  NAE_TRY(read_limits(table, rule));
  NAE_TRY(read_user(table, document, rule));
  NAE_TRY(read_schedule(table, rule));
  return rule;
}

}  // namespace nae::policy
