// parse(): the document and its declarations. Rules are read in parse_rule.cpp.
#include "keyserver/policy/fields.hpp"
#include "libnae/base/text.hpp"

namespace nae::policy {
namespace {

Result<Device> read_device(const toml::table& table) {
  NAE_TRY(only_fields(table, "[[device]]", {"name", "description"}));
  Device device;
  NAE_ASSIGN(device.name, name_field(table));
  NAE_ASSIGN(device.description, description_field(table));
  return device;
}

Result<Program> read_program(const toml::table& table) {
  NAE_TRY(only_fields(table, "[[program]]", {"name", "description", "executables", "sha256"}));
  Program program;
  NAE_ASSIGN(program.name, name_field(table));
  NAE_TRY(description_field(table));
  NAE_ASSIGN(std::vector<Entry> executables, list_field(table, "executables"));
  for (Entry& entry : executables) {
    if (!entry.text.starts_with('/') || has_control_characters(entry.text))
      return refuse(entry.line, "an executable is named by its absolute path");
    program.executables.push_back(std::move(entry.text));
  }
  NAE_ASSIGN(std::vector<Entry> digests, list_field(table, "sha256"));
  for (const Entry& entry : digests) {
    auto digest = from_hex(entry.text);
    if (!digest || digest->size() != 32)
      return refuse(entry.line, "a SHA-256 digest has 64 hexadecimal digits");
    std::ranges::copy(*digest, program.sha256.emplace_back().begin());
  }
  return program;
}

// Reads every table of [[kind]] with `read`; an absent kind answers none.
template <class T, class Read>
Result<std::vector<T>> read_tables(const toml::table& root, std::string_view kind, Read read) {
  std::vector<T> list;
  const toml::node* node = root.get(kind);
  if (node == nullptr) return list;
  const toml::array* tables = node->as_array();
  if (tables == nullptr || !tables->is_array_of_tables())
    return refuse(line_of(*node), "write [[" + std::string(kind) + "]]");
  if (tables->size() > kMaxRules)
    return refuse(line_of(*node),
                  "more than " + std::to_string(kMaxRules) + " of [[" + std::string(kind) + "]]");
  for (const toml::node& element : *tables) {
    NAE_ASSIGN(T item, read(*element.as_table()));
    if (std::ranges::find(list, item.name, &T::name) != list.end())
      return refuse(line_of(element),
                    "a second [[" + std::string(kind) + "]] is named " + quoted(item.name));
    list.push_back(std::move(item));
  }
  return list;
}

Result<Document> read_document(const toml::table& root, Written written) {
  NAE_TRY(only_fields(root, "the document", {"version", "device", "program", "issuer", "rule"}));
  const toml::node* version = root.get("version");
  if (version == nullptr) return refuse(1, "field \"version\" is missing");
  Document document;
  if (version->is_integer()) document.version = version->as_integer()->get();
  if (document.version < 1 || document.version > kFormatVersion)
    return refuse(line_of(*version), "this server reads version = 1 and version = 2");
  NAE_ASSIGN(document.devices, read_tables<Device>(root, "device", read_device));
  NAE_ASSIGN(document.programs, read_tables<Program>(root, "program", read_program));
  NAE_ASSIGN(document.issuers, read_tables<Issuer>(root, "issuer", read_issuer));
  NAE_ASSIGN(document.rules, read_tables<Rule>(root, "rule", [&](const toml::table& table) {
               return read_rule(table, document, written);
             }));
  return document;
}

}  // namespace

Result<Document> parse(std::string_view text, Written written) {
  if (text.size() > kMaxDocumentBytes)
    return fail(Code::policy_invalid,
                "the document is longer than " + std::to_string(kMaxDocumentBytes) + " bytes");
  toml::parse_result parsed = toml::parse(text);
  if (!parsed)
    return refuse(parsed.error().source().begin.line, std::string(parsed.error().description()));
  return read_document(parsed.table(), written);
}

}  // namespace nae::policy
