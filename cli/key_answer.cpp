#include "cli/key_answer.hpp"

#include <ostream>

#include "cli/local_time.hpp"
#include "cli/table.hpp"
#include "libnae/base/algorithm.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

std::string joined(const json::array& names) {
  std::string text;
  for (const json::value& name : names)
    text += (text.empty() ? "" : ", ") + std::string(name.as_string());
  return text;
}

std::string labels_text(const json::value& key) {
  const json::value* labels = key.as_object().if_contains("labels");
  std::string text;
  if (!labels || !labels->is_object()) return text;
  for (const auto& [name, value] : labels->get_object())
    text += (text.empty() ? "" : ", ") + std::string(name) + "=" + shown(*labels, name);
  return text;
}

// "restricted 2026-12-01 00:00, retired ..."
std::string schedule_text(const json::value& version) {
  std::string text;
  for (const json::value& step : items(version, "schedule"))
    text += (text.empty() ? "" : ", ") + shown(step, "state") + " " + local_time(shown(step, "at"));
  return text;
}

std::string rotation_text(const json::value& key) {
  const std::string days = shown(key, "rotate_after_days"), uses = shown(key, "rotate_after_uses");
  std::string text;
  if (days != "0" && !days.empty()) text = "after " + days + " days";
  if (std::string at = shown(key, "rotates_at"); !at.empty())
    text += ", next at " + local_time_with_zone(at);
  if (uses != "0" && !uses.empty())
    text += (text.empty() ? "" : "; ") + std::string("after ") + uses + " uses";
  return text;
}

Result<void> write_labels(const AttributeOptions& options, json::object& body) {
  json::object labels;
  for (const std::string& name : options.remove_labels) labels[name] = nullptr;
  for (const std::string& label : options.labels) {
    const std::size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Code::invalid_argument, "a label is given as NAME=VALUE");
    labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  if (!labels.empty()) body["labels"] = std::move(labels);
  return {};
}

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

}  // namespace

void show_key(Call& call, const json::value& key) {
  call.show(key, [&] {
    auto line = [&](const char* name, const std::string& value) {
      if (!value.empty()) call.out << name << printable(value) << '\n';
    };
    const std::string primary = shown(key, "primary_version");
    line("name         ", shown(key, "name"));
    line("type         ", shown(key, "type"));
    line("id           ", shown(key, "id"));
    line("created      ", local_time_with_zone(shown(key, "created_at")));
    line("primary      ", primary.empty() ? "none" : primary);
    line("protection   ", shown(key, "protection"));
    line("origin       ", shown(key, "origin"));
    line("owner        ", shown(key, "owner"));
    line("description  ", shown(key, "description"));
    line("labels       ", labels_text(key));
    line("actions      ", joined(items(key, "allowed_actions")));
    line("algorithms   ", joined(items(key, "allowed_algorithms")));
    line("rotation     ", rotation_text(key));
    call.out << '\n';
    Table table({"VERSION", "STATE", zoned("CREATED"), "KEPT", "ORIGIN", "PLANNED"});
    for (const json::value& version : items(key, "versions"))
      table.add({shown(version, "version"), shown(version, "state"),
                 local_time(shown(version, "created_at")), shown(version, "kept"),
                 shown(version, "origin"), schedule_text(version)});
    call.print(table, {"ORIGIN", "KEPT"});
    for (const json::value& version : items(key, "versions")) {
      const json::value* certificate = version.as_object().if_contains("certificate");
      if (!certificate) continue;
      call.out << "\ncertificate of version " << shown(version, "version") << '\n';
      line("subject      ", shown(*certificate, "subject"));
      line("issuer       ", shown(*certificate, "issuer"));
      line("expires      ", local_time_with_zone(shown(*certificate, "expires_at")));
    }
    for (const json::value& version : items(key, "versions"))
      if (std::string pem = shown(version, "public_key"); !pem.empty())
        call.out << "\npublic key of version " << shown(version, "version") << '\n' << pem;
  });
}

Result<void> AttributeOptions::write(json::object& body) const {
  if (owner) body["owner"] = *owner;
  if (description) body["description"] = *description;
  if (!actions.empty() || all_actions) body["allowed_actions"] = array_of(actions);
  if (!algorithms.empty() || all_algorithms) body["allowed_algorithms"] = array_of(algorithms);
  if (rotate_after_days) body["rotate_after_days"] = *rotate_after_days;
  if (rotate_after_uses) body["rotate_after_uses"] = *rotate_after_uses;
  return write_labels(*this, body);
}

void add_attribute_options(CLI::App& leaf, AttributeOptions& options) {
  leaf.add_option("--owner", options.owner, "Who answers for the key");
  leaf.add_option("--description", options.description, "What the key is for");
  leaf.add_option("--label", options.labels, "NAME=VALUE, to find the key by; repeatable");
  leaf.add_option("--allow-action", options.actions,
                  "Action that the key allows, and no others; repeatable");
  leaf.add_option("--allow-algorithm", options.algorithms,
                  "Scheme that the key signs or decrypts by, and no others; repeatable");
  leaf.add_option("--rotate-after-days", options.rotate_after_days,
                  "Rotate when the newest version is so old; 0: never")
      ->check(CLI::Range(0u, 36'500u));
  leaf.add_option("--rotate-after-uses", options.rotate_after_uses,
                  "Rotate when the newest version has made so many values; 0: never")
      ->check(CLI::NonNegativeNumber);
}

}  // namespace nae::cli
