// Server: the key server's administration interface, by mutual TLS 1.3.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cli/profile.hpp"
#include "keyserver/admin/api/json.hpp"

namespace nae::cli {

namespace json = boost::json;

// A failure, and whether the server said so or we never got that far.
struct Failure {
  Error error;
  bool from_server = false;
  // The request was kept until a second administrator approves it: what the server says of it.
  json::value waiting = nullptr;
  std::string then;  // what is left to do after the approval

  Failure(Error e, bool server) : error(std::move(e)), from_server(server) {}
  Failure(Error e) : error(std::move(e)) {}  // NOLINT: every local Result's error is one
  bool waits() const { return !waiting.is_null(); }
};
template <class T>
using Outcome = tl::expected<T, Failure>;

class Server {
 public:
  static Outcome<std::unique_ptr<Server>> open(const Profile& profile);
  virtual ~Server() = default;

  // `path`: "/v1/keys", its parameters encoded already. An empty `body` sends none. The answer's
  // JSON; problem details come back as the failure they describe, and a request that must be
  // approved as one that waits().
  virtual Outcome<json::value> call(const char* method, const std::string& path,
                                    const json::object& body = {}) = 0;
  // Of a change that was made, but may not be in force on every key server of the group yet: its
  // answer is given as any, and this is set. nullptr: it is a failure.
  std::shared_ptr<std::optional<Error>> behind;
  // File of the authority that the server's certificate is from.
  virtual const std::filesystem::path& authority() const = 0;
};

// "/v1/audit?limit=5&role=a%20b"; empty values are left out.
using Parameters = std::initializer_list<std::pair<std::string_view, std::string>>;
std::string with_parameters(std::string path, Parameters parameters);

}  // namespace nae::cli

// NAE_ANSWER(auto x, expression): like NAE_ASSIGN, for an Outcome.
#define NAE_ANSWER_INTO(result, target, expression)                                   \
  auto result = (expression);                                                         \
  if (!result) return tl::unexpected<::nae::cli::Failure>(std::move(result).error()); \
  target = std::move(*result)
#define NAE_TRY_OUTCOME(expression)                                         \
  do {                                                                      \
    if (auto tried = (expression); !tried)                                  \
      return tl::unexpected<::nae::cli::Failure>(std::move(tried).error()); \
  } while (false)
#define NAE_ANSWER(target, expression) \
  NAE_ANSWER_INTO(NAE_ASSIGN_CONCAT(nae_answer_, __LINE__), target, expression)
