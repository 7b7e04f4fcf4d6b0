// Mutates TOML by its lines and values: blind changes mostly end in the TOML parser, and what
// reads fields is hardly reached.
#pragma once

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/property.hpp"

namespace nae::fuzz {

inline constexpr std::string_view kTomlValues[] = {"\"\"",
                                                   "\"a\"",
                                                   "\"*\"",
                                                   "\"glob:*\"",
                                                   "\"..\"",
                                                   "\"/\"",
                                                   "\"\\u0000\"",
                                                   "\"\\u00e9\"",
                                                   "0",
                                                   "1",
                                                   "-1",
                                                   "65536",
                                                   "9223372036854775807",
                                                   "0x10",
                                                   "1e3",
                                                   "nan",
                                                   "true",
                                                   "[]",
                                                   "[\"a\"]",
                                                   "[[\"a\"]]",
                                                   "[1]",
                                                   "{}",
                                                   "{ a = 1 }",
                                                   "1979-05-27T07:32:00Z",
                                                   "1979-05-27",
                                                   "07:32:00",
                                                   "\"\"\"\na\"\"\"",
                                                   "'a'"};

inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

inline void mutate_text(std::string& text, std::size_t max_size) {
  const std::size_t before = text.size();
  text.resize(std::max(before, max_size));
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), before, max_size));
}

// The line's value by another, or by another that is made of it.
inline void mutate_value(std::string& line, std::minstd_rand& random) {
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos) return mutate_text(line, line.size() + 8);
  std::string value = line.substr(equals + 1);
  while (!value.empty() && (value.back() == '\n' || value.back() == ' ')) value.pop_back();
  if (random() % 2 == 0)
    value = kTomlValues[random() % std::size(kTomlValues)];
  else
    mutate_text(value, value.size() + 16);
  line = line.substr(0, equals + 1) + " " + value + "\n";
}

inline std::size_t mutate_toml(std::uint8_t* data, std::size_t size, std::size_t max_size,
                               unsigned seed) {
  std::minstd_rand random(seed);
  auto lines = lines_of(text_of(data, size));
  if (lines.empty() || random() % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const auto at = lines.begin() + static_cast<std::ptrdiff_t>(random() % lines.size());
  const std::string other = lines[random() % lines.size()];
  switch (random() % 6) {
    case 0:
      lines.erase(at);
      break;
    case 1:
      lines.insert(at, other);
      break;
    case 2:
      *at = other;
      break;
    default:
      mutate_value(*at, random);
  }
  std::string text;
  for (const std::string& line : lines) text += line;
  if (text.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::ranges::copy(text, data);
  return text.size();
}

}  // namespace nae::fuzz

// One to a program.
#define NAE_MUTATE_TOML                                                                 \
  extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,  \
                                                 std::size_t max_size, unsigned seed) { \
    return nae::fuzz::mutate_toml(data, size, max_size, seed);                          \
  }
