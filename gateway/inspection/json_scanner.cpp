#include "gateway/inspection/json_scanner.hpp"

#include <cstdint>
#include <unordered_set>

#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

constexpr std::size_t kMaxNumberBytes = 512;

bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

class Scanner {
 public:
  Scanner(std::string_view text, const JsonVisitor& visit) : text_(text), visit_(visit) {}

  Understood<void> run() {
    if (!is_utf8(text_)) return refuse(400, "json_encoding", "the body is not UTF-8");
    skip_space();
    NAE_UNDERSTAND(value());
    skip_space();
    if (at_ != text_.size())
      return refuse(400, "json_trailing_bytes", "the body goes on behind its JSON value");
    return {};
  }

 private:
  tl::unexpected<Refusal> malformed(std::string_view what) const {
    return refuse(400, "json_malformed",
                  std::string(what) + " at byte " + std::to_string(at_) + " of the body");
  }
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_space() {
    while (!at_end() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  Understood<void> value() {
    const std::size_t begin = at_;
    switch (peek()) {
      case '{':
        NAE_UNDERSTAND(object());
        return emit(JsonKind::object, begin, text_.substr(begin, at_ - begin));
      case '[':
        NAE_UNDERSTAND(array());
        return emit(JsonKind::array, begin, text_.substr(begin, at_ - begin));
      case '"': {
        std::string decoded;
        NAE_UNDERSTAND(string(decoded));
        return emit(JsonKind::string, begin, decoded);
      }
      case 't':
        return word("true", JsonKind::boolean);
      case 'f':
        return word("false", JsonKind::boolean);
      case 'n':
        return word("null", JsonKind::null);
      default:
        NAE_UNDERSTAND(number());
        return emit(JsonKind::number, begin, text_.substr(begin, at_ - begin));
    }
  }

  Understood<void> emit(JsonKind kind, std::size_t begin, std::string_view text) {
    return visit_(path_, JsonValue{kind, begin, at_, text});
  }

  Understood<void> word(std::string_view expected, JsonKind kind) {
    const std::size_t begin = at_;
    if (text_.substr(at_, expected.size()) != expected) return malformed("no JSON value");
    at_ += expected.size();
    return emit(kind, begin, expected);
  }

  Understood<void> digits() {
    if (!is_ascii_digit(peek())) return malformed("a digit is missing");
    while (is_ascii_digit(peek())) ++at_;
    return {};
  }

  Understood<void> number() {
    const std::size_t begin = at_;
    if (peek() != '-' && !is_ascii_digit(peek())) return malformed("no JSON value");
    if (peek() == '-') ++at_;
    if (peek() == '0')
      ++at_;
    else
      NAE_UNDERSTAND(digits());
    if (peek() == '.') {
      ++at_;
      NAE_UNDERSTAND(digits());
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      NAE_UNDERSTAND(digits());
    }
    if (at_ - begin > kMaxNumberBytes) return malformed("a number that is too long ends");
    return {};
  }

  Understood<void> hex4(std::uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      const char lower = static_cast<char>(c | 0x20);
      if (is_ascii_digit(c))
        code = code << 4 | static_cast<std::uint32_t>(c - '0');
      else if (lower >= 'a' && lower <= 'f')
        code = code << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
      else
        return malformed("no four hexadecimal digits");
    }
    return {};
  }

  Understood<void> unicode_escape(std::string& out) {
    std::uint32_t code = 0;
    NAE_UNDERSTAND(hex4(code));
    if (code >= 0xdc00 && code <= 0xdfff) return malformed("half of a surrogate pair");
    if (code >= 0xd800 && code <= 0xdbff) {
      if (text_.substr(at_, 2) != "\\u") return malformed("half of a surrogate pair");
      at_ += 2;
      std::uint32_t low = 0;
      NAE_UNDERSTAND(hex4(low));
      if (low < 0xdc00 || low > 0xdfff) return malformed("half of a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code == 0) return malformed("the character U+0000");
    append_utf8(out, code);
    return {};
  }

  Understood<void> escape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const char c = peek();
    ++at_;
    if (c == 'u') return unicode_escape(out);
    const std::size_t at = at_ > text_.size() ? kNames.npos : kNames.find(c);
    if (at == kNames.npos) return malformed("an unknown escape");
    out += kMeanings[at];
    return {};
  }

  Understood<void> string(std::string& out) {
    for (++at_;;) {
      std::size_t plain = at_;
      while (plain < text_.size() && text_[plain] != '"' && text_[plain] != '\\' &&
             static_cast<unsigned char>(text_[plain]) >= 0x20)
        ++plain;
      out.append(text_.substr(at_, plain - at_));
      at_ = plain;
      if (at_end()) return malformed("the end inside a string");
      const char c = text_[at_];
      if (c != '"' && c != '\\') return malformed("a control character inside a string");
      ++at_;
      if (c == '"') return {};
      NAE_UNDERSTAND(escape(out));
    }
  }

  Understood<void> enter() {
    if (++depth_ > kMaxJsonDepth)
      return refuse(400, "json_depth",
                    "the body is deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    ++at_;
    skip_space();
    path_.emplace_back();
    return {};
  }
  void leave() {
    ++at_;
    --depth_;
    path_.pop_back();
  }

  // Whether another element follows; `end` was consumed when none does.
  Understood<bool> next(char end) {
    skip_space();
    if (peek() == end) return false;
    if (peek() != ',') return malformed("neither a comma nor an end");
    ++at_;
    skip_space();
    return true;
  }

  Understood<void> array() {
    NAE_UNDERSTAND(enter());
    path_.back().is_index = true;
    for (bool more = peek() != ']'; more; ++path_.back().index) {
      NAE_UNDERSTAND(value());
      auto another = next(']');
      if (!another) return tl::unexpected(another.error());
      more = *another;
    }
    leave();
    return {};
  }

  Understood<void> object() {
    NAE_UNDERSTAND(enter());
    std::unordered_set<std::string> keys;
    for (bool more = peek() != '}'; more;) {
      if (peek() != '"') return malformed("no key");
      std::string key;
      NAE_UNDERSTAND(string(key));
      if (!keys.insert(key).second)
        return refuse(400, "json_key_twice",
                      "a key stands twice in one object, before byte " + std::to_string(at_));
      path_.back().key = std::move(key);
      skip_space();
      if (peek() != ':') return malformed("no colon");
      ++at_;
      skip_space();
      NAE_UNDERSTAND(value());
      auto another = next('}');
      if (!another) return tl::unexpected(another.error());
      more = *another;
    }
    leave();
    return {};
  }

  std::string_view text_;
  const JsonVisitor& visit_;
  std::size_t at_ = 0, depth_ = 0;
  JsonPath path_;
};

}  // namespace

std::string_view json_kind_name(JsonKind kind) {
  constexpr std::string_view kNames[] = {"string", "number", "boolean", "null", "object", "array"};
  return kNames[static_cast<std::size_t>(kind)];
}

Understood<void> scan_json(std::string_view text, const JsonVisitor& visit) {
  return Scanner(text, visit).run();
}

std::string to_string(const JsonPath& path) {
  std::string text = "$";
  for (const JsonStep& step : path) {
    if (step.is_index)
      text += "[" + std::to_string(step.index) + "]";
    else
      text += "." + step.key;
  }
  return text;
}

std::string json_quoted(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace nae::gateway
