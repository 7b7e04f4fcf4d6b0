// Reads the vectors of this folder: sections of `name = value`, '#' comments, values hexadecimal
// unless the file says otherwise.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/text.hpp"

namespace nae::vectors {

struct Vector {
  std::string section;
  int line = 0;
  std::map<std::string, std::string, std::less<>> values;

  const std::string& value(std::string_view name) const {
    auto found = values.find(name);
    if (found == values.end())
      throw std::runtime_error("line " + std::to_string(line) + ": no " + std::string(name));
    return found->second;
  }
  Bytes bytes(std::string_view name) const {
    auto bytes = from_hex(value(name));
    if (!bytes) throw std::runtime_error("line " + std::to_string(line) + ": not hexadecimal");
    return *bytes;
  }
  unsigned long number(std::string_view name) const { return std::stoul(value(name)); }
};

// All vectors of tests/vectors/`file`; throws when it is missing, empty or malformed, so that a
// test never passes for want of vectors.
inline std::vector<Vector> read(const std::string& file) {
  std::ifstream in(std::string(NAE_SOURCE_DIR) + "/tests/vectors/" + file);
  std::vector<Vector> vectors;
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    if (text.empty() || text[0] == '#') continue;
    if (text.front() == '[' && text.back() == ']') {
      vectors.push_back({text.substr(1, text.size() - 2), line, {}});
      continue;
    }
    std::size_t equals = text.find(" =");
    if (equals == std::string::npos || vectors.empty())
      throw std::runtime_error(file + ":" + std::to_string(line) + ": not a vector");
    std::string value = text.substr(equals + 2);
    if (!value.empty()) value.erase(0, 1);
    vectors.back().values.emplace(text.substr(0, equals), value);
  }
  if (vectors.empty()) throw std::runtime_error(file + " holds no vectors");
  return vectors;
}

inline std::vector<Vector> read(const std::string& file, std::string_view section) {
  std::vector<Vector> chosen;
  for (Vector& v : read(file))
    if (v.section == section) chosen.push_back(std::move(v));
  if (chosen.empty()) throw std::runtime_error(file + " holds no such section");
  return chosen;
}

}  // namespace nae::vectors
