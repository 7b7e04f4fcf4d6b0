#include "libnae/wire/frame_rules.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "libnae/base/file.hpp"
#include "libnae/base/text.hpp"

namespace nae::wire {
namespace {

using Cells = std::vector<std::string>;

// The rows of the table behind `heading` in docs/spec/wire.md, without its head.
std::vector<Cells> table_of_specification(const std::string& heading) {
  const std::string text = *read_file(NAE_SOURCE_DIR "/docs/spec/wire.md", 1u << 20);
  std::istringstream lines(text.substr(text.find(heading)));
  std::vector<Cells> rows;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ")) {
      if (!rows.empty() && !line.starts_with("|--")) break;
      continue;
    }
    Cells cells;
    std::istringstream row(line.substr(1));
    for (std::string cell; std::getline(row, cell, '|');)
      cells.push_back(cell.size() < 2 ? "" : cell.substr(1, cell.size() - 2));
    rows.push_back(std::move(cells));
  }
  rows.erase(rows.begin());
  return rows;
}

std::map<std::string, FrameType> types_of_specification() {
  std::map<std::string, FrameType> types;
  for (const Cells& row : table_of_specification("| number | type |"))
    types[row[1]] = static_cast<FrameType>(std::stoi(row[0]));
  return types;
}

// What a state's cell names: "hello, and behind it …" is hello alone.
std::set<std::string> names_in(const std::string& cell) {
  std::set<std::string> names;
  std::istringstream words(cell.substr(0, cell.find(", and")));
  for (std::string word; std::getline(words, word, ',');)
    names.insert(word.substr(word.find_first_not_of(' ')));
  return names;
}

Frame frame_of(FrameType type, std::uint64_t id, ByteView body = {}) {
  return {{static_cast<std::uint32_t>(body.size()), type, id}, body};
}

bool is_admitted(FrameType type, Side sender, Phase phase) {
  // With and without an id: which of them is right is another rule.
  return admit(frame_of(type, 0), sender, phase, kVersionWithNodes).has_value() ||
         admit(frame_of(type, 1), sender, phase, kVersionWithNodes).has_value();
}

TEST(FrameRules, AreTheStatesOfTheSpecification) {
  const auto types = types_of_specification();
  ASSERT_EQ(types.size(), 15u);
  const auto states = table_of_specification("## States");
  ASSERT_EQ(states.size(), 3u);
  int seen = 0;
  for (std::size_t at : {0u, 1u})
    for (Side sender : {Side::asker, Side::answerer}) {
      const std::set<std::string> may = names_in(states[at][sender == Side::asker ? 1 : 2]);
      for (const auto& [name, type] : types) {
        const Phase phase = at == 0 ? Phase::fresh : Phase::greeted;
        EXPECT_EQ(is_admitted(type, sender, phase), may.contains(name))
            << name << " in state " << states[at][0];
        seen += may.contains(name);
      }
    }
  EXPECT_EQ(seen, 1 + 2 + 6 + 9);
}

TEST(FrameRules, AStateIsOfTheVersionThatHasIt) {
  const Frame state = frame_of(FrameType::state, 0);
  EXPECT_TRUE(admit(state, Side::answerer, Phase::greeted, kVersionWithState));
  EXPECT_FALSE(admit(state, Side::answerer, Phase::greeted, kProtocolVersion));
}

TEST(FrameRules, NodesAreOfTheVersionThatHasThem) {
  const Frame nodes = frame_of(FrameType::nodes, 0);
  EXPECT_TRUE(admit(nodes, Side::answerer, Phase::greeted, kVersionWithNodes));
  EXPECT_FALSE(admit(nodes, Side::answerer, Phase::greeted, kVersionWithState));
  EXPECT_TRUE(
      admit(frame_of(FrameType::state, 0), Side::answerer, Phase::greeted, kVersionWithNodes));
}

TEST(FrameRules, AnIdIsThereWhereOneIsAnswered) {
  const std::set<FrameType> asked{FrameType::open_context, FrameType::crypto, FrameType::lookup,
                                  FrameType::ping, FrameType::pong};
  const std::set<FrameType> told{FrameType::close_context, FrameType::epoch, FrameType::state,
                                 FrameType::nodes};
  for (const auto& [name, type] : types_of_specification()) {
    if (type == FrameType::hello || type == FrameType::hello_reply) continue;
    const Side sender =
        is_admitted(type, Side::asker, Phase::greeted) ? Side::asker : Side::answerer;
    const auto with_id = [&](std::uint64_t id) {
      return admit(frame_of(type, id), sender, Phase::greeted, kVersionWithNodes).has_value();
    };
    EXPECT_EQ(with_id(0), !asked.contains(type)) << name;
    EXPECT_EQ(with_id(7), !told.contains(type)) << name;
  }
}

TEST(FrameRules, APingIsEmpty) {
  const Bytes body(1, Byte{7});
  for (FrameType type : {FrameType::ping, FrameType::pong}) {
    auto refused = admit(frame_of(type, 1, body), Side::asker, Phase::greeted);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::protocol_violation);
  }
}

}  // namespace
}  // namespace nae::wire
