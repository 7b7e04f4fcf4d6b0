#include "gateway/inspection/selector.hpp"

#include <algorithm>
#include <charconv>

#include "gateway/inspection/ascii.hpp"

namespace nae::gateway {
namespace {

tl::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail(Code::invalid_argument, "selector '" + std::string(text) + "': " + std::string(why));
}

bool read_number(std::string_view text, std::size_t& number) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// The two characters outside of ASCII whose simple case folding (Unicode, CaseFolding.txt) is an
// ASCII letter. Go's encoding/json takes them for it in keys.
std::string folded(std::string_view name) {
  constexpr std::string_view kLongS = "\xc5\xbf", kKelvin = "\xe2\x84\xaa";
  std::string out;
  while (!name.empty()) {
    const bool is_long_s = name.starts_with(kLongS), is_kelvin = name.starts_with(kKelvin);
    out += is_long_s ? 's' : is_kelvin ? 'k' : name.front();
    name.remove_prefix(is_long_s ? kLongS.size() : is_kelvin ? kKelvin.size() : 1);
  }
  return out;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool equal_names(std::string_view a, std::string_view b) {
  return equal_ignoring_case(folded(a), folded(b));
}

Result<std::vector<JsonSelector::Step>> JsonSelector::parse_pointer(std::string_view text) {
  std::vector<Step> steps;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('/', at + 1), text.size());
    Step step{Kind::pointer_token, {}, 0};
    for (std::size_t i = at + 1; i < end; ++i) {
      if (text[i] != '~') {
        step.name += text[i];
        continue;
      }
      const char next = ++i < end ? text[i] : '\0';
      if (next != '0' && next != '1') return wrong(text, "'~' is written ~0, and '/' ~1");
      step.name += next == '0' ? '~' : '/';
    }
    steps.push_back(std::move(step));
    at = end;
  }
  return steps;
}

Result<std::vector<JsonSelector::Step>> JsonSelector::parse_path(std::string_view text) {
  std::vector<Step> steps;
  for (std::size_t at = 1; at < text.size();) {
    if (text[at] == '.') {
      const std::size_t end = std::min(text.find_first_of(".[", at + 1), text.size());
      const std::string_view name = text.substr(at + 1, end - at - 1);
      if (name.empty()) return wrong(text, "a name is missing behind '.'");
      steps.push_back(name == "*" ? Step{Kind::any_member, {}, 0}
                                  : Step{Kind::name, std::string(name), 0});
      at = end;
      continue;
    }
    if (text[at] != '[') return wrong(text, "'.' or '[' is missing");
    const bool is_name = text.substr(at + 1, 1) == "'";
    const std::size_t end = is_name ? text.find("']", at + 2) : text.find(']', at);
    if (end == text.npos) return wrong(text, "']' is missing");
    if (is_name) {
      steps.push_back({Kind::name, std::string(text.substr(at + 2, end - at - 2)), 0});
      at = end + 2;
      continue;
    }
    const std::string_view inside = text.substr(at + 1, end - at - 1);
    Step step{Kind::any_element, {}, 0};
    if (inside != "*") {
      step.kind = Kind::index;
      if (!read_number(inside, step.index)) return wrong(text, "[...] takes *, a number or 'name'");
    }
    steps.push_back(std::move(step));
    at = end + 1;
  }
  return steps;
}

Result<JsonSelector> JsonSelector::parse(std::string_view text) {
  JsonSelector made;
  made.text_ = text;
  if (text.starts_with('/')) {
    NAE_ASSIGN(made.steps_, parse_pointer(text));
  } else if (text.starts_with('$')) {
    NAE_ASSIGN(made.steps_, parse_path(text));
  } else {
    return wrong(text, "it begins with '/' or '$'");
  }
  if (made.steps_.empty()) return wrong(text, "it names no value within the text");
  if (made.steps_.size() > kMaxJsonDepth) return wrong(text, "it is deeper than 64 steps");
  return made;
}

std::string_view JsonSelector::outermost() const {
  const bool is_named =
      !steps_.empty() && (steps_[0].kind == Kind::name || steps_[0].kind == Kind::pointer_token);
  return is_named ? std::string_view(steps_[0].name) : std::string_view();
}

bool JsonSelector::fits(const Step& step, const JsonStep& at, bool ignore_case) {
  switch (step.kind) {
    case Kind::any_member:
      return !at.is_index;
    case Kind::any_element:
      return at.is_index;
    case Kind::index:
      return at.is_index && at.index == step.index;
    case Kind::pointer_token:
      if (at.is_index) {
        std::size_t number = 0;
        return read_number(step.name, number) && number == at.index;
      }
      [[fallthrough]];
    case Kind::name:
      return !at.is_index && (ignore_case ? equal_names(at.key, step.name) : at.key == step.name);
  }
  return false;
}

bool JsonSelector::matches(const JsonPath& path, bool ignore_case) const {
  return path.size() == steps_.size() &&
         std::ranges::equal(steps_, path, [&](const Step& step, const JsonStep& at) {
           return fits(step, at, ignore_case);
         });
}

bool JsonSelector::matches(const JsonPath& path) const {
  return matches(path, false);
}

bool JsonSelector::nearly_matches(const JsonPath& path) const {
  return matches(path, true) && !matches(path, false);
}

JsonSelector::Way JsonSelector::on_the_way(const JsonPath& path, JsonKind kind) const {
  const bool is_before =
      path.size() < steps_.size() &&
      std::equal(path.begin(), path.end(), steps_.begin(),
                 [](const JsonStep& at, const Step& step) { return fits(step, at, false); });
  if (!is_before || kind == JsonKind::null) return Way::elsewhere;
  const Step& next = steps_[path.size()];
  std::size_t number = 0;
  const bool may_be_place = next.kind == Kind::pointer_token && read_number(next.name, number);
  const bool takes_array =
      next.kind == Kind::index || next.kind == Kind::any_element || may_be_place;
  const bool takes_object = next.kind != Kind::index && next.kind != Kind::any_element;
  const bool fits =
      (kind == JsonKind::object && takes_object) || (kind == JsonKind::array && takes_array);
  return fits ? Way::fits : Way::differs;
}

}  // namespace nae::gateway
