#include "keyserver/admin/target.hpp"

#include <algorithm>

#include "libnae/base/text.hpp"

namespace nae::admin {
namespace {

Result<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3)
      return fail(Code::invalid_argument, "percent-encoding in the target is cut");
    NAE_ASSIGN(Bytes byte, from_hex(text.substr(i + 1, 2)));
    out.push_back(static_cast<char>(byte[0]));
    i += 2;
  }
  bool controls = std::any_of(out.begin(), out.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (controls || !is_utf8(out))
    return fail(Code::invalid_argument, "the target holds control characters or is not UTF-8");
  return out;
}

// Calls `take` for every piece of `text` between separators.
template <class Take>
Result<void> split(std::string_view text, char separator, Take take) {
  while (true) {
    std::size_t end = text.find(separator);
    NAE_TRY(take(text.substr(0, end)));
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

Result<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/') || target.find('#') != std::string_view::npos)
    return fail(Code::invalid_argument, "the target is no absolute path");
  std::size_t question = target.find('?');
  std::string_view path =
      target.substr(1, question == std::string_view::npos ? std::string_view::npos : question - 1);
  Target parsed;
  if (!path.empty())
    NAE_TRY(split(path, '/', [&](std::string_view piece) -> Result<void> {
      NAE_ASSIGN(std::string segment, decoded(piece));
      if (segment.empty() || segment == "." || segment == ".." ||
          segment.find('/') != std::string::npos)
        return fail(Code::invalid_argument, "the path has an empty or ambiguous segment");
      parsed.segments.push_back(std::move(segment));
      return {};
    }));
  if (question == std::string_view::npos || question + 1 == target.size()) return parsed;
  NAE_TRY(split(target.substr(question + 1), '&', [&](std::string_view piece) -> Result<void> {
    std::size_t equals = piece.find('=');
    NAE_ASSIGN(std::string name, decoded(piece.substr(0, equals)));
    NAE_ASSIGN(std::string value,
               decoded(equals == std::string_view::npos ? "" : piece.substr(equals + 1)));
    if (!parsed.parameters.emplace(std::move(name), std::move(value)).second)
      return fail(Code::invalid_argument, "a parameter is given twice");
    return {};
  }));
  return parsed;
}

}  // namespace nae::admin
