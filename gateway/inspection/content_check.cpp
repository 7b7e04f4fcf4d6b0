#include <algorithm>

#include "gateway/inspection/content_type.hpp"
#include "gateway/inspection/gzip.hpp"
#include "gateway/inspection/inspection.hpp"

namespace nae::gateway {
namespace {

bool is_json_type(std::string_view type) {
  return equal_ignoring_case(type, "application/json") ||
         (type.size() > 17 && equal_ignoring_case(type.substr(0, 12), "application/") &&
          equal_ignoring_case(type.substr(type.size() - 5), "+json"));
}

bool is_of(Content content, std::string_view essence) {
  switch (content) {
    case Content::json:
      return is_json_type(essence);
    case Content::form:
      return equal_ignoring_case(essence, "application/x-www-form-urlencoded");
    case Content::multipart:
      return equal_ignoring_case(essence, "multipart/form-data");
    case Content::any:
      return true;
  }
  return false;
}

std::string_view named(Content content) {
  switch (content) {
    case Content::json:
      return "JSON";
    case Content::form:
      return "forms";
    case Content::multipart:
      return "forms in parts (multipart/form-data)";
    case Content::any:
      return "anything";
  }
  return {};
}

}  // namespace

Understood<Coding> coding_of(const std::vector<HeaderView>& headers) {
  Coding coding = Coding::none;
  for (const auto& [name, value] : headers) {
    if (!equal_ignoring_case(name, "content-encoding") ||
        equal_ignoring_case(trimmed(value), "identity"))
      continue;
    if (coding != Coding::none || !equal_ignoring_case(trimmed(value), "gzip"))
      return refuse(415, "content_encoding_unsupported",
                    "the body is compressed or encoded otherwise than in gzip, once");
    coding = Coding::gzip;
  }
  return coding;
}

Understood<void> undo_coding(std::vector<HeaderView>& headers, Bytes& body, std::size_t most) {
  const auto coding = coding_of(headers);
  if (!coding) return tl::unexpected(coding.error());
  if (*coding == Coding::none) return {};
  auto plain = gunzip(body, most);
  if (!plain) return tl::unexpected(plain.error());
  body = *std::move(plain);
  std::erase_if(headers, [](const HeaderView& header) {
    return equal_ignoring_case(header.first, "content-encoding");
  });
  return {};
}

Understood<void> check_content(const Route& route, const std::vector<HeaderView>& headers) {
  const std::string_view* type = nullptr;
  if (const auto coding = coding_of(headers); !coding) return tl::unexpected(coding.error());
  for (const auto& [name, value] : headers) {
    if (!equal_ignoring_case(name, "content-type")) continue;
    if (type) return refuse(400, "content_type_twice", "two content types");
    type = &value;
  }
  if (route.content == Content::any) return {};
  if (!type) return refuse(415, "content_type_missing", "the body has no content type");
  const auto [essence, parameters] = split_content_type(*type);
  if (!is_of(route.content, essence) || !is_media_type(essence))
    return refuse(415, "content_type_unexpected",
                  "this route takes " + std::string(named(route.content)));
  std::string_view boundary;
  if (route.content != Content::multipart) return check_parameters(parameters, Parameters::any);
  return check_parameters(parameters, Parameters::of_form, &boundary);
}

}  // namespace nae::gateway
