// Routes: which requests a gateway looks into, and what it does with which of their values.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gateway/inspection/column_text.hpp"
#include "gateway/inspection/detector.hpp"
#include "gateway/inspection/pattern.hpp"
#include "gateway/inspection/selector.hpp"
#include "libnae/toml/fields.hpp"

namespace nae::gateway {

enum class Place : std::uint8_t { json, form, part, query, header };
enum class Treatment : std::uint8_t { encrypt, refuse };
enum class Normalization : std::uint8_t { none, lower, digits };

// What happens to one value: encrypted for a column, or the request is refused.
struct Handling {
  Treatment treatment = Treatment::encrypt;
  ColumnTarget column;
  Normalization normalization = Normalization::none;
};

struct Field {
  Place place = Place::json;
  JsonSelector selector;  // of Place::json
  std::string name;       // of the others; of a header in lower case
  bool required = false;
  Handling handling;

  std::string label() const;  // "json $.card", for reports and messages
};

struct Detector {
  Sensitive looks_for{};
  std::optional<Pattern> pattern;  // of Sensitive::pattern
  Handling handling;

  // Whether the value of a field of that name, decoded, has it.
  bool finds(std::string_view text, std::string_view field) const {
    return pattern ? pattern->is_in(text, field) : has(looks_for, text);
  }
};

// What is shown instead of a value that the key server does not give.
enum class Denied : std::uint8_t { null, ciphertext, refuse };

// A value of an answer that is opened on its way to the client, as the key server's verdict says.
struct AnswerField {
  JsonSelector selector;
  ColumnTarget column;
  Denied denied = Denied::null;
  std::size_t keep_last = 0;  // with `mask`: how many characters of it are shown
  bool mask = false;          // whatever the verdict is
};

enum class Content : std::uint8_t { any, json, form, multipart };

struct Route {
  std::string name;
  std::vector<std::string> hosts;    // lower case, without a port; empty: any
  std::vector<std::string> methods;  // empty: any
  std::string path;                  // a glob over RequestTarget::path
  Content content = Content::any;
  std::string upgrade;      // the protocol that a request may change to, in lower case; empty: none
  std::string role;         // on whose behalf the gateway asks
  bool user_token = false;  // the bearer token of the request goes along
  std::size_t max_body_bytes = 1 << 20;
  std::vector<Field> fields;
  std::vector<Detector> detectors;
  std::vector<AnswerField> answers;

  bool takes_method(std::string_view method) const;  // as written; HEAD where it takes GET
  bool looks_into_query() const;
};

// `table`: one [[route]]. `where` is how messages call it.
Result<Route> read_route(const toml::table& table, const std::string& source,
                         const std::string& where);

class RouteTable {
 public:
  // Code::config_invalid: two routes of one name.
  static Result<RouteTable> make(std::vector<Route> routes);

  // The first that matches; nullptr: nobody's. `host` as in the Host header, `path` of
  // RequestTarget.
  const Route* find(std::string_view host, std::string_view method, std::string_view path) const;
  // Whether any would match if the host were another one.
  bool claims_elsewhere(std::string_view method, std::string_view path) const;
  // Whether any would match if host and method were other ones.
  bool claims_path(std::string_view path) const;
  bool look_into_query() const;  // some of them
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// Of a file that has only [[route]] tables, or of a whole configuration.
Result<RouteTable> load_routes(const std::filesystem::path& file);
// Takes the tables out of a configuration that is read.
Result<RouteTable> read_routes(toml_fields::Fields& fields, const std::string& source);

}  // namespace nae::gateway
