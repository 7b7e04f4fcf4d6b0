#include "gateway/inspection/multipart_scanner.hpp"

#include <algorithm>
#include <string>

#include "gateway/inspection/ascii.hpp"
#include "gateway/inspection/content_type.hpp"
#include "gateway/inspection/selector.hpp"
#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

// Readers leave out parts with more, or refuse them.
constexpr std::size_t kMaxPartHeaderBytes = 4096;

tl::unexpected<Refusal> malformed(std::string message) {
  return refuse(400, "multipart_malformed", std::move(message));
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

// Readers look for `; name=` in the whole line, and for encoded words (RFC 2047) in what they find.
bool may_hide_name(std::string_view file_name) {
  const std::string small = in_lower_case(file_name);
  return small.find(';') != small.npos || small.find("name=") != small.npos ||
         small.find("=?") != small.npos;
}

bool has_control(std::string_view line) {
  return std::ranges::any_of(line, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < ' ' || byte == 0x7f;
  });
}

// White space in Unicode, and the byte order mark: readers take them off the ends of names.
bool has_blank_end(std::string_view name) {
  static constexpr std::string_view kBlanks[] = {
      " ",      "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
      "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009",
      "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"};
  return std::ranges::any_of(kBlanks, [&](std::string_view blank) {
    return name.starts_with(blank) || name.ends_with(blank);
  });
}

// `text` at the begin of a parameter's value: what stands in its quotes, which are taken away.
Understood<std::string_view> take_quoted(std::string_view& text) {
  const std::size_t end = text.starts_with('"') ? text.find('"', 1) : text.npos;
  if (end == text.npos) return malformed("a part's name or file name is not in quotes");
  const std::string_view value = text.substr(1, end - 1);
  if (value.find('\\') != value.npos) return malformed("a backslash in the name of a part");
  text.remove_prefix(end + 1);
  return value;
}

// The headers of one part.
class PartHeaders {
 public:
  Understood<void> line(std::string_view text) {
    if (has_control(text)) return malformed("a control character in the header of a part");
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, colon);
    const std::string_view value = trimmed(text.substr(std::min(colon + 1, text.size())));
    if (equal_ignoring_case(name, "content-disposition")) return disposition(value);
    if (equal_ignoring_case(name, "content-type")) return type(value);
    if (equal_ignoring_case(name, "content-transfer-encoding")) return encoding(value);
    if (equal_ignoring_case(name, "content-length") && is_number(value)) return {};
    // Some readers find a Content-Disposition in any line.
    return malformed("a line in the header of a part that says nothing of a form");
  }

  Understood<FormPart> finish() const {
    if (!has_disposition_) return malformed("a part without a Content-Disposition");
    NAE_UNDERSTAND(
        check_parameters(parameters_, is_file_ ? Parameters::of_file : Parameters::of_form));
    return FormPart{name_, is_file_, is_file_ && file_name_.empty(), is_text_, 0, 0};
  }

 private:
  Understood<void> disposition(std::string_view value) {
    if (has_disposition_) return malformed("two Content-Dispositions of a part");
    has_disposition_ = true;
    const std::size_t end = std::min(value.find(';'), value.size());
    if (!equal_ignoring_case(trimmed(value.substr(0, end)), "form-data"))
      return malformed("a part that is no form data");
    value.remove_prefix(end);
    bool has_name = false;
    while (!value.empty()) {
      value = trimmed(value.substr(1));  // behind ';'
      const std::size_t equals = std::min(value.find('='), value.size());
      const std::string_view parameter = value.substr(0, equals);
      value.remove_prefix(std::min(equals + 1, value.size()));
      const bool is_name = equal_ignoring_case(parameter, "name");
      bool& seen = is_name ? has_name : is_file_;
      if ((!is_name && !equal_ignoring_case(parameter, "filename")) || seen)
        return malformed("a parameter of a part that readers may take for another one");
      seen = true;
      auto quoted = take_quoted(value);
      if (!quoted) return tl::unexpected(std::move(quoted).error());
      (is_name ? name_ : file_name_) = *quoted;
      value = trimmed(value);
      if (!value.empty() && value.front() != ';') return malformed("text behind a part's name");
    }
    if (!has_name) return malformed("a part without a name");
    if (!is_utf8(name_)) return refuse(400, "form_encoding", "a name or value is not UTF-8");
    if (name_.find_first_of(";=") != name_.npos || may_hide_name(file_name_))
      return malformed("a name of a part in which readers may find another one");
    if (has_blank_end(name_)) return malformed("a name of a part that begins or ends with a blank");
    return {};
  }

  Understood<void> type(std::string_view value) {
    if (has_type_) return malformed("two Content-Types of a part");
    has_type_ = true;
    const ContentType read = split_content_type(value);
    if (!is_media_type(read.essence)) return malformed("a Content-Type of a part that is none");
    if (equal_ignoring_case(read.essence.substr(0, 10), "multipart/"))
      return refuse(400, "multipart_nested", "a part has parts");
    is_text_ = equal_ignoring_case(read.essence, "text/plain");
    parameters_ = read.parameters;
    return {};
  }

  Understood<void> encoding(std::string_view value) {
    const bool is_identity = equal_ignoring_case(value, "binary") ||
                             equal_ignoring_case(value, "8bit") ||
                             equal_ignoring_case(value, "7bit");
    if (has_encoding_ || !is_identity)
      return refuse(400, "part_encoding", "a part is encoded, as base64 or in another way");
    has_encoding_ = true;
    return {};
  }

  std::string_view name_, file_name_, parameters_;
  bool has_disposition_ = false, has_type_ = false, has_encoding_ = false;
  bool is_file_ = false, is_text_ = true;
};

// `part`: all between two boundaries; `begin`: of it in the body. Behind the header the content.
Understood<FormPart> read_part(std::string_view part, std::size_t begin) {
  const std::size_t header = part.find("\r\n\r\n");
  if (header == part.npos) return malformed("the header of a part does not end");
  if (header > kMaxPartHeaderBytes) return malformed("the header of a part is too large");
  PartHeaders headers;
  for (std::size_t at = 0; at < header;) {
    const std::size_t end = part.find("\r\n", at);
    NAE_UNDERSTAND(headers.line(part.substr(at, end - at)));
    at = end + 2;
  }
  auto read = headers.finish();
  if (!read) return read;
  read->begin = begin + header + 4;
  read->end = begin + part.size();
  return read;
}

}  // namespace

Understood<void> scan_multipart(std::string_view body, std::string_view boundary,
                                const PartVisitor& visit) {
  const std::string delimiter = "--" + std::string(boundary);
  if (!body.starts_with(delimiter)) return malformed("the body does not begin with its boundary");
  for (std::size_t at = delimiter.size();;) {
    const std::string_view rest = body.substr(at);
    if (rest == "--" || rest == "--\r\n") return {};
    if (!rest.starts_with("\r\n")) return malformed("text behind a boundary");
    at += 2;
    // Wherever it stands: some readers take one behind LF alone, or anywhere, for the end of a
    // part.
    const std::size_t next = body.find(delimiter, at);
    if (next == body.npos) return malformed("the last boundary is missing");
    if (next < at + 2 || body.substr(next - 2, 2) != "\r\n")
      return malformed("a boundary within a part");
    auto part = read_part(body.substr(at, next - 2 - at), at);
    if (!part) return tl::unexpected(std::move(part).error());
    // To some readers a part is a file by its name, to others by the name's being there.
    if (part->has_no_file_name && part->begin != part->end)
      return malformed("a file without a name that has content");
    // Some readers take it off.
    if (!part->is_file && body.substr(part->begin).starts_with("\ufeff"))
      return refuse(400, "form_encoding", "a value begins with a byte order mark");
    NAE_UNDERSTAND(visit(*part));
    at = next + delimiter.size();
  }
}

}  // namespace nae::gateway
